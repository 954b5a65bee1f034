"""Six fits of one's own in three threads."""
# expect:
# [[run]]
# name = "Ridge"
# count = 6
# params = {solver = "cholesky"}
# metrics = {train_r2 = true}

from joblib import Parallel, delayed
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

X, y = load_diabetes(return_X_y=True)


def train(alpha):
    return Ridge(alpha=alpha, solver="cholesky").fit(X, y).coef_.tolist()


alphas = [0.01, 0.1, 0.5, 1.0, 5.0, 10.0]
for alpha, weights in zip(alphas, Parallel(n_jobs=3, backend="threading")(map(delayed(train), alphas)), strict=True):
    print(alpha, weights)
