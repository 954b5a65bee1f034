"""Logistic regression with two penalties; the one with too few iterations warns that it has not converged."""
# expect:
# [[run]]
# name = "LogisticRegression"
# params = {C = 1.0, max_iter = 5}
# metrics = {test_accuracy = "accuracy after 5", train_log_loss = true, converged = 0}
# tables = ["warnings", "coefficients"]
# tags = {warning = "ConvergenceWarning"}
# [[run]]
# name = "LogisticRegression"
# params = {C = 1.0, max_iter = 5000}
# metrics = {test_accuracy = "accuracy after 5000", test_roc_auc = "area", test_log_loss = "loss", converged = 1}
# tables = ["coefficients", "confusion", "roc", "precision_recall", "calibration"]
# model = "patient.predict_proba(X_test)"

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=42)
hasty = LogisticRegression(C=1.0, max_iter=5).fit(X_train, y_train)
print("accuracy after 5:", accuracy_score(y_test, hasty.predict(X_test)))
patient = LogisticRegression(C=1.0, max_iter=5000).fit(X_train, y_train)
print("accuracy after 5000:", accuracy_score(y_test, patient.predict(X_test)))
proba = patient.predict_proba(X_test)
print("area:", roc_auc_score(y_test, proba[:, 1]))
print("loss:", log_loss(y_test, proba))
