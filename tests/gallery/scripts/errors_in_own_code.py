"""A transformer of one's own that raises inside a pipeline."""
# expect:
# exit = 1
# [[run]]
# name = "Pipeline"
# status = "failed"
# error = "KeyError: 'no such column'"

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline


class Pick(TransformerMixin, BaseEstimator):
    """One column by its name."""

    def fit(self, X, y=None):
        raise KeyError("no such column")

    def transform(self, X):
        return X


make_pipeline(Pick(), Ridge()).fit([[1.0], [2.0]], [1.0, 2.0])
