"""Five naive Bayes classifiers, each for its kind of columns."""
# expect:
# [[run]]
# name = "GaussianNB"
# metrics = {train_score = "GaussianNB"}
# [[run]]
# name = "MultinomialNB"
# params = {alpha = 1.0}
# metrics = {train_score = "MultinomialNB"}
# [[run]]
# name = "ComplementNB"
# metrics = {train_score = "ComplementNB"}
# [[run]]
# name = "BernoulliNB"
# params = {binarize = 0.5}
# metrics = {train_score = "BernoulliNB"}
# [[run]]
# name = "CategoricalNB"
# metrics = {train_score = "CategoricalNB", train_log_loss = true, train_roc_auc = true}
# model = "model.predict_log_proba(X)"

import numpy as np
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

rng = np.random.default_rng(0)
X = rng.integers(0, 5, size=(120, 8))
y = np.where(X[:, 0] + X[:, 1] > 4, "high", "low")
for model in (GaussianNB(), MultinomialNB(), ComplementNB(), BernoulliNB(binarize=0.5), CategoricalNB()):
    model.fit(X, y)
    print(f"{type(model).__name__}:", model.score(X, y))
    print("first:", model.predict(X[:4]).tolist(), model.predict_proba(X[:1]).tolist())
