"""Self-training: most labels are hidden, and the sure predictions of one round are the labels of the next."""
# expect:
# [[run]]
# name = "SelfTrainingClassifier"
# params = {threshold = 0.9, estimator__C = 1.0}
# metrics = {test_accuracy = "accuracy"}
# history = {n_labeled = 6}
# model = "learner.predict(X_test)"

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.semi_supervised import SelfTrainingClassifier

X, y = load_digits(n_class=3, return_X_y=True)
X = X / 16
X_train, X_test, y_test = X[:300], X[300:], y[300:]
known = np.random.default_rng(0).random(300) < 0.1
learner = SelfTrainingClassifier(LogisticRegression(), threshold=0.9)
learner.fit(X_train, np.where(known, y[:300], -1))
print("rounds:", learner.n_iter_, learner.termination_condition_)
print("labelled:", np.bincount(learner.labeled_iter_ + 1).tolist())
print("accuracy:", accuracy_score(y_test, learner.predict(X_test)))
