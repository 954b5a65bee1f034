"""Each row predicted by the model that has not seen it."""
# expect:
# [[run]]
# name = "cross_val_predict(GradientBoostingClassifier)"
# params = {cv = 3, n_estimators = 10}
# metrics = {cv_roc_auc = "area"}

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

X, y = load_breast_cancer(return_X_y=True)
boosted = GradientBoostingClassifier(n_estimators=10, random_state=0)
proba = cross_val_predict(boosted, X[:250, :6], y[:250], cv=3, method="predict_proba")
print("area:", roc_auc_score(y[:250], proba[:, 1]))
print("first:", proba[:3].tolist())
