"""The elastic net chooses its own penalty by cross-validation along a path."""
# expect:
# [[run]]
# name = "ElasticNetCV"
# params = {l1_ratio = [0.2, 0.8], cv = 3}
# metrics = {test_r2 = "r2", alpha = "alpha", l1_ratio = "l1_ratio", train_r2 = true}
# history = {val_mean_squared_error = 20}
# tables = ["coefficients", "residuals"]
# model = "net.predict(X_test)"

from sklearn.datasets import make_regression
from sklearn.linear_model import ElasticNetCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

X, y = make_regression(n_samples=150, n_features=20, n_informative=5, noise=4.0, random_state=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=1)
net = ElasticNetCV(l1_ratio=[0.2, 0.8], alphas=20, cv=3).fit(X_train, y_train)
print("alpha:", float(net.alpha_))
print("l1_ratio:", float(net.l1_ratio_))
print("r2:", r2_score(y_test, net.predict(X_test)))
