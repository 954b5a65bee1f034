"""The same words hashed into a wide sparse matrix, which stays sparse."""
# expect:
# [[run]]
# name = "RidgeClassifier"
# params = {solver = "sparse_cg"}
# metrics = {train_score = "score", train_f1_weighted = "f1"}
# data = {X = [60, 4096], y = [60]}
# tables = ["coefficients"]
# lacks = ["coefficients"]
# model = "ridge.predict(X)"

import random

from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import f1_score

random.seed(0)
words = {"sea": ["wave", "salt", "boat", "fish", "wind"], "hill": ["rock", "tree", "path", "wind", "bird"]}
y = [kind for kind in words for _ in range(30)]
texts = [" ".join(random.choices(words[kind], k=6)) for kind in y]
X = HashingVectorizer(n_features=4096).transform(texts)
ridge = RidgeClassifier(solver="sparse_cg").fit(X, y)
print("nonzero:", X.nnz, type(X).__name__)
print("score:", ridge.score(X, y))
print("f1:", f1_score(y, ridge.predict(X), average="weighted"))
