"""Probabilities made honest: bins before and after calibration, by a sigmoid and by isotonic steps."""
# expect:
# [[run]]
# name = "GaussianNB"
# metrics = {test_brier_score_loss = "raw"}
# tables = ["roc", "calibration"]
# [[run]]
# name = "CalibratedClassifierCV"
# params = {method = "sigmoid", cv = 3}
# metrics = {test_brier_score_loss = "sigmoid"}
# [[run]]
# name = "CalibratedClassifierCV"
# params = {method = "isotonic", cv = 3}
# metrics = {test_brier_score_loss = "isotonic"}
# model = "honest.predict_proba(X_test)"

from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

X, y = make_classification(n_samples=600, n_features=20, n_informative=2, n_redundant=10, random_state=42)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=42)
raw = GaussianNB().fit(X_train, y_train)
print("raw:", brier_score_loss(y_test, raw.predict_proba(X_test)[:, 1]))
for method in ("sigmoid", "isotonic"):
    honest = CalibratedClassifierCV(GaussianNB(), method=method, cv=3).fit(X_train, y_train)
    proba = honest.predict_proba(X_test)[:, 1]
    print(f"{method}:", brier_score_loss(y_test, proba))
    print("bins:", [part.tolist() for part in calibration_curve(y_test, proba, n_bins=5)])
