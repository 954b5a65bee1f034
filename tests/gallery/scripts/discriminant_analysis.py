"""Linear and quadratic discriminants: the same data, two shapes of the border."""
# expect:
# [[run]]
# name = "LinearDiscriminantAnalysis"
# params = {solver = "svd"}
# metrics = {test_score = "LinearDiscriminantAnalysis"}
# tables = ["coefficients", "confusion", "roc", "precision_recall", "calibration"]
# [[run]]
# name = "QuadraticDiscriminantAnalysis"
# metrics = {test_score = "QuadraticDiscriminantAnalysis"}
# model = "model.predict_proba(X_test)"

from sklearn.datasets import load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.model_selection import train_test_split

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=3)
for kind in (LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis):
    model = kind().fit(X_train, y_train)
    print(f"{kind.__name__}:", model.score(X_test, y_test))
    print("first rows:", model.predict_proba(X_test[:2]).tolist())
