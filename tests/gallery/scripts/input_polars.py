"""A Polars frame in, a Polars frame out."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {linearregression__fit_intercept = true}
# metrics = {test_r2 = "r2"}
# data = {X = [90, 2], y = [90]}
# model = "pipe.predict(X_test)"

import numpy as np
import polars as pl
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(0)
frame = pl.DataFrame({"width": rng.normal(size=120), "height": rng.normal(size=120)})
frame = frame.with_columns((3 * pl.col("width") - pl.col("height") + 1).alias("weight"))
X, y = frame.select("width", "height"), frame["weight"]
X_train, X_test, y_train, y_test = X[:90], X[90:], y[:90], y[90:]
pipe = make_pipeline(StandardScaler().set_output(transform="polars"), LinearRegression())
pipe.fit(X_train, y_train)
print(pipe[0].transform(X_test).columns, type(pipe[0].transform(X_test)).__name__)
print("names:", pipe.feature_names_in_.tolist())
print("r2:", r2_score(y_test, pipe.predict(X_test)))
