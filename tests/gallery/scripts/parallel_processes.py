"""Four fits of one's own in two processes."""
# expect:
# [[run]]
# name = "SVC"
# count = 4
# params = {kernel = "linear"}
# metrics = {train_score = true}

from joblib import Parallel, delayed
from sklearn.datasets import load_iris
from sklearn.svm import SVC


def train(C, X, y):
    machine = SVC(C=C, kernel="linear").fit(X, y)
    return C, machine.n_support_.tolist(), machine.score(X, y)


if __name__ == "__main__":
    X, y = load_iris(return_X_y=True)
    for found in Parallel(n_jobs=2)(delayed(train)(C, X, y) for C in (0.01, 0.1, 1.0, 10.0)):
        print(*found)
