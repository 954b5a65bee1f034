"""Could the score be luck? The same cross-validation with the labels shuffled."""
# expect:
# [[run]]
# name = "permutation_test_score(GaussianNB)"
# params = {cv = 3, var_smoothing = 1e-9}
# history = {permutation_score = "shuffled"}
# metrics = {test_score = "score", p_value = "p"}

import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import permutation_test_score
from sklearn.naive_bayes import GaussianNB

X, y = load_iris(return_X_y=True)
noise = np.random.default_rng(0).normal(size=X.shape)
score, shuffled, p = permutation_test_score(GaussianNB(), X + 2 * noise, y, cv=3, n_permutations=15, random_state=0)
print("score:", float(score))
print("shuffled:", shuffled.tolist())
print("p:", float(p))
