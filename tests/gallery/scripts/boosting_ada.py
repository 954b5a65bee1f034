"""AdaBoost of stumps: the weight of each, and the score as they join."""
# expect:
# [[run]]
# name = "AdaBoostClassifier"
# params = {estimator__max_depth = 1, n_estimators = 20, learning_rate = 0.5}
# metrics = {test_score = "score"}
# history = {estimator_weight = "weights"}
# tables = ["feature_importances"]
# model = "boosted.predict(X_test)"

from sklearn.datasets import make_hastie_10_2
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

X, y = make_hastie_10_2(n_samples=300, random_state=1)
X_train, X_test, y_train, y_test = X[:200], X[200:], y[:200], y[200:]
stump = DecisionTreeClassifier(max_depth=1)
boosted = AdaBoostClassifier(stump, n_estimators=20, learning_rate=0.5, random_state=0).fit(X_train, y_train)
print("weights:", boosted.estimator_weights_.tolist())
print("stages:", [float(score) for score in boosted.staged_score(X_test, y_test)])
print("score:", boosted.score(X_test, y_test))
