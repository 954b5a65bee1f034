"""A forest that keeps only the columns with some variance: it overrides fit and calls the forest's own."""
# expect:
# [[run]]
# name = "CarefulForest"
# params = {n_estimators = 12, min_variance = 0.5}
# metrics = {test_score = "score", train_accuracy = false}
# lacks = ["train metrics"]
# model = "forest.predict_proba(X_test)"

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


class CarefulForest(RandomForestClassifier):
    """Leaves out columns that hardly change."""

    def __init__(self, n_estimators=12, min_variance=0.5, random_state=None):
        super().__init__(n_estimators=n_estimators, random_state=random_state)
        self.min_variance = min_variance

    def fit(self, X, y, sample_weight=None):
        self.kept_ = X.var(axis=0) > self.min_variance
        return super().fit(X[:, self.kept_], y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X[:, self.kept_])


X, y = load_digits(n_class=4, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
forest = CarefulForest(random_state=0).fit(X_train, y_train)
print("kept:", int(forest.kept_.sum()), "of", X.shape[1])
print("score:", forest.score(X_test, y_test))
