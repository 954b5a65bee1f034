"""Extremely random trees on numbers, and a forest that only makes columns for a linear model."""
# expect:
# [[run]]
# name = "ExtraTreesRegressor"
# params = {n_estimators = 20, min_samples_leaf = 3}
# metrics = {test_explained_variance = "explained"}
# tables = ["feature_importances", "residuals"]
# [[run]]
# name = "Pipeline"
# params = {randomtreesembedding__n_estimators = 10}
# metrics = {test_score = "embedded"}
# model = "embedded.predict(X_test)"

from sklearn.datasets import make_friedman1
from sklearn.ensemble import ExtraTreesRegressor, RandomTreesEmbedding
from sklearn.linear_model import Ridge
from sklearn.metrics import explained_variance_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

X, y = make_friedman1(n_samples=200, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
trees = ExtraTreesRegressor(n_estimators=20, min_samples_leaf=3, random_state=0).fit(X_train, y_train)
print("explained:", explained_variance_score(y_test, trees.predict(X_test)))
embedded = make_pipeline(RandomTreesEmbedding(n_estimators=10, random_state=0), Ridge()).fit(X_train, y_train)
print("embedded:", embedded.score(X_test, y_test))
