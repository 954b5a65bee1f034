"""A PyArrow table as the data."""
# expect:
# [[run]]
# name = "RandomForestRegressor"
# params = {n_estimators = 5, max_depth = 4}
# metrics = {train_r2 = true}
# data = {X = [100, 2], y = [100]}
# model = "forest.predict(X)"

import numpy as np
import pyarrow as pa
from sklearn.ensemble import RandomForestRegressor

rng = np.random.default_rng(0)
X = pa.table({"first": rng.normal(size=100), "second": rng.uniform(size=100)})
y = np.asarray(X["first"]) * 2 + np.asarray(X["second"])
forest = RandomForestRegressor(n_estimators=5, max_depth=4, random_state=0).fit(X, y)
print("names:", forest.feature_names_in_.tolist())
print("first rows:", forest.predict(X.slice(0, 3)).tolist())
