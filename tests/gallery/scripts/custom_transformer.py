"""A transformer of one's own before a regression: alone it leaves no run."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {clip__low = 0.05, fit__alpha = 1.0}
# metrics = {test_r2 = "r2"}
# tables = ["coefficients"]
# lacks = ["train metrics"]
# model = "pipe.predict(X_test)"

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import Pipeline


class Clip(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Values beyond two quantiles are moved to them."""

    def __init__(self, low=0.1):
        self.low = low

    def fit(self, X, y=None):
        self.limits_ = np.quantile(X, [self.low, 1 - self.low], axis=0)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.clip(X, *self.limits_)


X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = X[:350], X[350:], y[:350], y[350:]
clipped = Clip().fit_transform(X_train)
print("largest:", clipped.max(axis=0).tolist())
pipe = Pipeline([("clip", Clip(low=0.05)), ("fit", Ridge())]).fit(X_train, y_train)
print("r2:", r2_score(y_test, pipe.predict(X_test)))
