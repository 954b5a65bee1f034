"""Least angle regression: the order in which columns come in, and where information criteria stop."""
# expect:
# [[run]]
# name = "Lars"
# params = {n_nonzero_coefs = 4}
# [[run]]
# name = "LassoLarsIC"
# params = {criterion = "bic"}
# metrics = {train_r2 = true, alpha = "alpha"}
# history = {bic = "criterion"}
# tables = ["coefficients"]
# model = "bic.predict(X)"

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lars, LassoLarsIC

X, y = load_diabetes(return_X_y=True)
lars = Lars(n_nonzero_coefs=4).fit(X, y)
print("order:", list(map(int, lars.active_)))
bic = LassoLarsIC(criterion="bic").fit(X, y)
print("alpha:", float(bic.alpha_))
print("criterion:", bic.criterion_.tolist())
