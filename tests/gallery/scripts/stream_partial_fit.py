"""Data in pieces: a classifier learns from a stream and is judged on the next piece before it learns from it."""
# expect:
# [[run]]
# name = "SGDClassifier"
# params = {loss = "log_loss", random_state = 0}
# history = {fit_time_s = 6}
# tables = ["coefficients"]
# model = "learner.predict(X_last)"

import numpy as np
from sklearn.linear_model import SGDClassifier

rng = np.random.default_rng(0)


def stream(pieces, rows):
    """Pieces of an endless table."""
    for _ in range(pieces):
        X = rng.normal(size=(rows, 5))
        yield X, (X[:, 0] + 0.3 * rng.normal(size=rows) > 0).astype(int)


learner = SGDClassifier(loss="log_loss", random_state=0)
scores = []
for number, (X, y) in enumerate(stream(pieces=6, rows=50)):
    if number:
        scores.append(learner.score(X, y))
    learner.partial_fit(X, y, classes=[0, 1])
    X_last = X
print("scores:", scores)
print("steps:", learner.t_)
