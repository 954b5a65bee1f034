"""Three fits in a pool of the standard library's processes."""
# expect:
# [[run]]
# name = "GaussianNB"
# count = 3
# metrics = {train_accuracy = true}

import multiprocessing

from sklearn.datasets import load_wine
from sklearn.naive_bayes import GaussianNB

X, y = load_wine(return_X_y=True)


def train(columns):
    model = GaussianNB().fit(X[:, columns], y)
    return columns, model.score(X[:, columns], y)


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for columns, score in pool.map(train, [[0, 1], [2, 3], [4, 5, 6]]):
            print(columns, score)
