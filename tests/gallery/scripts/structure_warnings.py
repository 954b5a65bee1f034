"""Warnings counted and turned into errors by the script itself."""
# expect:
# [[run]]
# name = "MLPClassifier"
# params = {max_iter = 2}
# tables = ["warnings"]
# tags = {warning = "ConvergenceWarning"}
# [[run]]
# name = "MLPClassifier"
# status = "failed"
# error = "ConvergenceWarning"
# [[run]]
# name = "Lasso"
# metrics = {converged = 0, dual_gap = "gap"}
# tables = ["warnings"]
# tags = {warning = "ConvergenceWarning"}

import warnings

from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso
from sklearn.neural_network import MLPClassifier

X, y = load_iris(return_X_y=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    MLPClassifier(max_iter=2, random_state=0).fit(X, y)
print("caught:", [str(one.message) for one in caught], [one.category.__name__ for one in caught])
with warnings.catch_warnings():
    warnings.simplefilter("error", ConvergenceWarning)
    try:
        MLPClassifier(max_iter=2, random_state=0).fit(X, y)
    except ConvergenceWarning as warning:
        print("raised:", warning)
X, y = load_diabetes(return_X_y=True)
lasso = Lasso(alpha=1e-4, max_iter=2).fit(X, y)
print("gap:", float(lasso.dual_gap_))
