"""Frames all through: every transformer keeps the names of its columns."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {logisticregression__max_iter = 500}
# metrics = {test_score = "score"}
# data = {X = [112, 4], y = [112]}
# tags = {rows_in_training = "X_test: 1"}
# model = "pipe.predict(X_test)"

import sklearn
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectPercentile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_iris(as_frame=True, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
with sklearn.config_context(transform_output="pandas"):
    pipe = make_pipeline(StandardScaler(), SelectPercentile(percentile=75), LogisticRegression(max_iter=500))
    pipe.fit(X_train, y_train)
    print(pipe[:-1].transform(X_test).describe())
print("names:", pipe[-1].feature_names_in_.tolist())
print("score:", pipe.score(X_test, y_test))
