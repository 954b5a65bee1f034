"""The perceptron and its aggressive cousin, on two clouds of points; the cousin is deprecated and says so."""
# expect:
# [[run]]
# name = "Perceptron"
# params = {eta0 = 0.5, shuffle = false}
# metrics = {train_score = "perceptron"}
# [[run]]
# name = "PassiveAggressiveClassifier"
# params = {C = 0.1, random_state = 1}
# metrics = {train_score = "aggressive"}
# model = "aggressive.decision_function(X)"

from sklearn.datasets import make_blobs
from sklearn.linear_model import PassiveAggressiveClassifier, Perceptron

X, y = make_blobs(n_samples=200, centers=2, cluster_std=2.5, random_state=4)
perceptron = Perceptron(eta0=0.5, shuffle=False).fit(X, y)
print("weights:", perceptron.coef_.tolist())
print("perceptron:", perceptron.score(X, y))
aggressive = PassiveAggressiveClassifier(C=0.1, random_state=1).fit(X, y)
print("weights of the cousin:", aggressive.coef_.tolist())
print("aggressive:", aggressive.score(X, y))
