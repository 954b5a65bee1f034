"""Ordinary least squares: one line through the diabetes data, judged on patients it has not seen."""
# expect:
# [[run]]
# name = "LinearRegression"
# params = {fit_intercept = true}
# metrics = {test_r2 = "r2", test_mean_squared_error = "mse", test_mean_absolute_error = "mae", train_r2 = true}
# tables = ["coefficients", "residuals"]
# data = {X = [331, 10], y = [331]}
# model = "line.predict(X_test)"

from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
line = LinearRegression().fit(X_train, y_train)
y_pred = line.predict(X_test)
print("coefficients:", line.coef_.tolist())
print("r2:", r2_score(y_test, y_pred))
print("mse:", mean_squared_error(y_test, y_pred))
print("mae:", mean_absolute_error(y_test, y_pred))
