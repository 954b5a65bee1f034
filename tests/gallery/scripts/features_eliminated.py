"""Columns eliminated one by one, and how many to keep by cross-validation."""
# expect:
# [[run]]
# name = "RFE"
# params = {n_features_to_select = 5, estimator__kernel = "linear"}
# metrics = {train_score = "kept five", n_features_selected = 5}
# tables = ["coefficients", "residuals"]
# [[run]]
# name = "RFECV"
# params = {cv = 3, step = 2}
# metrics = {test_score = "test", n_features_selected = "number"}
# model = "chosen.predict(X_test)"

from sklearn.datasets import make_friedman1
from sklearn.feature_selection import RFE, RFECV
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVR

X, y = make_friedman1(n_samples=120, n_features=10, random_state=0)
X_train, X_test, y_train, y_test = X[:80], X[80:], y[:80], y[80:]
five = RFE(SVR(kernel="linear"), n_features_to_select=5).fit(X_train, y_train)
print("ranking:", five.ranking_.tolist())
print("kept five:", five.score(X_train, y_train))
chosen = RFECV(LinearRegression(), step=2, cv=3).fit(X_train, y_train)
print("number:", int(chosen.n_features_))
print("test:", chosen.score(X_test, y_test))
