"""A sparse matrix with weights for its rows, in three formats."""
# expect:
# [[run]]
# name = "MultinomialNB"
# metrics = {train_accuracy = true}
# data = {X = [80, 300]}
# [[run]]
# name = "LinearRegression"
# data = {X = [80, 300]}
# [[run]]
# name = "DecisionTreeClassifier"
# params = {max_depth = 3}
# data = {X = [80, 300], sample_weight = [80]}
# model = "tree.predict(X_csc)"

import numpy as np
from scipy import sparse
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.tree import DecisionTreeClassifier

X = sparse.random_array((80, 300), density=0.05, random_state=np.random.default_rng(0), format="csr")
y = (X.sum(axis=1) > np.median(X.sum(axis=1))).astype(int)
bayes = MultinomialNB().fit(X, y)
print("bayes:", bayes.score(X, y))
line = LinearRegression().fit(X.tocoo(), y)
print("line:", float(line.intercept_))
X_csc = X.tocsc()
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X_csc, y, sample_weight=np.linspace(1, 2, 80))
print("tree:", tree.get_depth(), tree.predict(X_csc)[:10].tolist())
