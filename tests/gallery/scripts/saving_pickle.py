"""A fitted model saved and loaded again, by pickle and by joblib."""
# expect:
# [[run]]
# name = "Pipeline"
# metrics = {test_score = "score"}
# tags = {rows_in_training = "X_test: 1"}
# model = "pipe.predict(X_test)"

import pickle
from copy import deepcopy
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=4)
pipe = make_pipeline(MinMaxScaler(), LogisticRegression(C=20)).fit(X_train, y_train)
Path("model.pickle").write_bytes(pickle.dumps(pipe))
joblib.dump(pipe, "model.joblib", compress=3)
print("bytes:", len(pickle.dumps(deepcopy(pipe))))
print("score:", pipe.score(X_test, y_test))
loaded = pickle.loads(Path("model.pickle").read_bytes())
print("the same:", (loaded.predict(X_test) == joblib.load("model.joblib").predict(X_test)).all())
