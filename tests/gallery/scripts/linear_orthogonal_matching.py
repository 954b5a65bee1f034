"""Orthogonal matching pursuit recovers a sparse signal from few measurements."""
# expect:
# [[run]]
# name = "OrthogonalMatchingPursuit"
# params = {n_nonzero_coefs = 5}
# metrics = {train_r2 = true}
# [[run]]
# name = "OrthogonalMatchingPursuitCV"
# tables = ["warnings"]
# tags = {warning = "RuntimeWarning"}
# metrics = {train_r2 = true}

import numpy as np
from sklearn.datasets import make_sparse_coded_signal
from sklearn.linear_model import OrthogonalMatchingPursuit, OrthogonalMatchingPursuitCV

signal, dictionary, code = make_sparse_coded_signal(
    n_samples=1, n_components=60, n_features=40, n_nonzero_coefs=5, random_state=0
)
dictionary, signal = dictionary.T, signal.ravel()
pursuit = OrthogonalMatchingPursuit(n_nonzero_coefs=5).fit(dictionary, signal)
print("found:", np.flatnonzero(pursuit.coef_).tolist())
print("true:", np.flatnonzero(code.ravel()).tolist())
chosen = OrthogonalMatchingPursuitCV().fit(dictionary, signal)
print("chosen number:", int(chosen.n_nonzero_coefs_))
