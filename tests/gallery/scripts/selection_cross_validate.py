"""Several scores in one cross-validation, one of them of one's own making, with the fitted models given back."""
# expect:
# [[run]]
# name = "cross_validate(LogisticRegression)"
# params = {cv = 3, max_iter = 300}
# metrics = {mean_test_accuracy = true, std_test_sure = true}
# history = {test_accuracy = "accuracy", test_recall_macro = "recall", test_sure = "sure", train_accuracy = 3}

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.preprocessing import scale

X, y = load_wine(return_X_y=True)


def sure(model, X, y):
    """The share of rows that get at least nine tenths of the probability."""
    return float((model.predict_proba(X).max(axis=1) > 0.9).mean())


scoring = {"accuracy": "accuracy", "recall_macro": "recall_macro", "sure": sure}
found = cross_validate(
    LogisticRegression(max_iter=300),
    scale(X),
    y,
    cv=3,
    scoring=scoring,
    return_train_score=True,
    return_estimator=True,
)
print("keys:", sorted(found))
print("accuracy:", found["test_accuracy"].tolist())
print("recall:", found["test_recall_macro"].tolist())
print("sure:", found["test_sure"].tolist())
print("intercepts:", [model.intercept_.tolist() for model in found["estimator"]])
