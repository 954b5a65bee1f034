"""A classifier of one's own, written in the script, in a pipeline and in a cross-validation."""
# expect:
# [[run]]
# name = "NearestMean"
# params = {shrink = 0.0}
# metrics = {test_score = "alone"}
# lacks = ["train metrics"]
# model = "alone.predict(X_test)"
# [[run]]
# name = "Pipeline"
# params = {nearestmean__shrink = 0.5}
# metrics = {test_score = "in a pipeline"}
# lacks = ["train metrics"]
# [[run]]
# name = "cross_val_score(NearestMean)"
# history = {test_score = "scores"}

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data


class NearestMean(ClassifierMixin, BaseEstimator):
    """The class whose mean is nearest."""

    def __init__(self, shrink=0.0):
        self.shrink = shrink

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        self.classes_ = unique_labels(y)
        means = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        self.means_ = (1 - self.shrink) * means + self.shrink * X.mean(axis=0)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        distances = ((X[:, None, :] - self.means_) ** 2).sum(axis=2)
        return self.classes_[distances.argmin(axis=1)]


X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
alone = NearestMean().fit(X_train, y_train)
print("alone:", alone.score(X_test, y_test))
pipe = make_pipeline(StandardScaler(), NearestMean(shrink=0.5)).fit(X_train, y_train)
print("in a pipeline:", pipe.score(X_test, y_test))
print("scores:", cross_val_score(NearestMean(), X, y, cv=3).tolist())
print(alone, sorted(vars(alone)))
