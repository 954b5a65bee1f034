"""Two scores in one search and no refit: the table of results is the result."""
# expect:
# [[run]]
# name = "GridSearchCV"
# params = {refit = false, cv = 3}
# history = {mean_test_AUC = "areas", mean_test_accuracy = 4}
# [[run.child]]
# name = "candidate *"
# count = 4
# metrics = {mean_test_AUC = true, rank_test_AUC = true, mean_test_accuracy = true}

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

X, y = load_breast_cancer(return_X_y=True)
search = GridSearchCV(
    DecisionTreeClassifier(random_state=0),
    {"min_samples_split": [2, 40], "max_depth": [2, None]},
    scoring={"AUC": "roc_auc", "accuracy": "accuracy"},
    refit=False,
    cv=3,
)
search.fit(X, y)
print("areas:", search.cv_results_["mean_test_AUC"].tolist())
print("refitted:", hasattr(search, "best_estimator_"))
for params, area, accuracy in zip(
    search.cv_results_["params"],
    search.cv_results_["mean_test_AUC"].tolist(),
    search.cv_results_["mean_test_accuracy"].tolist(),
    strict=True,
):
    print(params, area, accuracy)
