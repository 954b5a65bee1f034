"""Columns chosen by a test, by the weights of a model, and one after the other: no model that predicts."""
# expect:
# run = []

from sklearn.datasets import load_diabetes
from sklearn.feature_selection import SelectFromModel, SelectKBest, SequentialFeatureSelector, f_regression
from sklearn.linear_model import LassoCV, Ridge

data = load_diabetes(as_frame=True)
X, y = data.data, data.target
best = SelectKBest(f_regression, k=3).fit(X, y)
print("by test:", best.get_feature_names_out().tolist(), best.pvalues_.min())
weighty = SelectFromModel(LassoCV(alphas=10), threshold="1.5*mean").fit(X, y)
print("by weight:", weighty.get_feature_names_out().tolist())
forward = SequentialFeatureSelector(Ridge(), n_features_to_select=2, cv=2).fit(X, y)
print("one by one:", forward.get_feature_names_out().tolist())
