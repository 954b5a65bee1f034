"""A script that says how it ended: with 0, because the score is good enough."""
# expect:
# exit = 0
# [[run]]
# name = "GaussianNB"
# metrics = {train_score = "score"}

import sys

from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB


def main() -> int:
    X, y = load_iris(return_X_y=True)
    score = GaussianNB().fit(X, y).score(X, y)
    print("score:", score)
    return 0 if score > 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
