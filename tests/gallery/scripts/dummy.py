"""The baseline that looks at nothing: most frequent, at random, and the mean."""
# expect:
# [[run]]
# name = "DummyClassifier"
# params = {strategy = "most_frequent"}
# metrics = {test_score = "most_frequent", train_accuracy = true}
# [[run]]
# name = "DummyClassifier"
# params = {strategy = "stratified", random_state = 0}
# metrics = {test_score = "stratified", train_accuracy = false}
# lacks = ["train metrics"]
# [[run]]
# name = "DummyRegressor"
# params = {strategy = "quantile", quantile = 0.9}
# metrics = {train_score = "quantile"}
# model = "rest.predict(X)"

from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
for strategy in ("most_frequent", "stratified"):
    baseline = DummyClassifier(strategy=strategy, random_state=0).fit(X_train, y_train)
    print(f"{strategy}:", baseline.score(X_test, y_test))
rest = DummyRegressor(strategy="quantile", quantile=0.9).fit(X, X[:, 0])
print("quantile:", rest.score(X, X[:, 0]))
