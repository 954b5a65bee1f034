"""Stochastic gradient descent with early stopping, on scaled columns."""
# expect:
# [[run]]
# name = "SGDClassifier"
# params = {loss = "log_loss", early_stopping = true, random_state = 0}
# metrics = {test_f1_macro = "f1", train_accuracy = true, n_iter = "epochs"}
# tables = ["coefficients", "confusion"]
# model = "sgd.predict_proba(X_test)"

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_digits(n_class=5, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
sgd = SGDClassifier(loss="log_loss", early_stopping=True, random_state=0).fit(X_train, y_train)
print("epochs:", sgd.n_iter_)
print("f1:", f1_score(y_test, sgd.predict(X_test), average="macro"))
