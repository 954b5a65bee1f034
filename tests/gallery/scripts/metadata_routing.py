"""Weights of rows that find their way through a pipeline and a search, because every step says that it wants them."""
# expect:
# [[run]]
# name = "GridSearchCV"
# params = {cv = 3}
# metrics = {best_score = "best score"}
# [[run.child]]
# name = "candidate *"
# count = 2
# metrics = {mean_test_score = true, std_test_score = true, rank_test_score = true}
# [[run]]
# name = "cross_validate(Pipeline)"
# params = {cv = 3}
# history = {test_score = "scores"}

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sklearn.set_config(enable_metadata_routing=True)
X, y = load_breast_cancer(return_X_y=True)
weights = np.where(y == 0, 3.0, 1.0)
pipe = make_pipeline(
    StandardScaler().set_fit_request(sample_weight=False),
    LogisticRegression().set_fit_request(sample_weight=True),
)
weighted = make_scorer(accuracy_score).set_score_request(sample_weight=True)
search = GridSearchCV(pipe, {"logisticregression__C": [0.01, 1.0]}, scoring=weighted, cv=3)
search.fit(X, y, sample_weight=weights)
print("best:", search.best_params_)
print("best score:", float(search.best_score_))
found = cross_validate(pipe, X, y, scoring=weighted, cv=3, params={"sample_weight": weights})
print("scores:", found["test_score"].tolist())
