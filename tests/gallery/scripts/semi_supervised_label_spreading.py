"""Labels spread along the shape of the data from two known points."""
# expect:
# [[run]]
# name = "LabelSpreading"
# params = {kernel = "knn", n_neighbors = 7}
# [[run]]
# name = "LabelPropagation"
# params = {gamma = 20}
# metrics = {converged = 0}
# tables = ["warnings"]
# tags = {warning = "ConvergenceWarning"}
# model = "propagated.predict(X)"

import numpy as np
from sklearn.datasets import make_moons
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

X, y = make_moons(n_samples=100, shuffle=False, random_state=0)
partly = np.full(100, -1)
partly[[0, -1]] = y[[0, -1]]
spread = LabelSpreading(kernel="knn", n_neighbors=7).fit(X, partly)
print("right:", float((spread.transduction_ == y).mean()))
propagated = LabelPropagation(gamma=20).fit(X, partly)
print("right, propagated:", float((propagated.predict(X) == y).mean()))
