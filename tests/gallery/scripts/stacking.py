"""Stacking: a last model learns from the cross-validated predictions of others."""
# expect:
# [[run]]
# name = "StackingRegressor"
# params = {cv = 3, final_estimator__alpha = 1.0, ridge__alpha = 10.0}
# metrics = {test_r2 = "r2"}
# model = "stack.predict(X_test)"

from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor, StackingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=2)
first = [
    ("ridge", Ridge(alpha=10.0)),
    ("forest", RandomForestRegressor(n_estimators=10, random_state=2)),
    ("svr", make_pipeline(StandardScaler(), SVR(C=100))),
]
stack = StackingRegressor(first, final_estimator=Ridge(alpha=1.0), cv=3).fit(X_train, y_train)
y_pred = stack.predict(X_test)
print("weights:", stack.final_estimator_.coef_.tolist())
print("r2:", r2_score(y_test, y_pred))
