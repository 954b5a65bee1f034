"""A forest that grows by ten trees at a time and keeps those it has."""
# expect:
# [[run]]
# name = "RandomForestClassifier"
# params = {warm_start = true, random_state = 0}
# history = {fit_time_s = 3, oob_score = "scores"}
# tables = ["feature_importances"]
# model = "forest.predict_proba(X)"

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

X, y = load_breast_cancer(return_X_y=True)
forest = RandomForestClassifier(warm_start=True, oob_score=True, random_state=0, n_estimators=0)
scores = []
for number in (30, 40, 50):
    forest.set_params(n_estimators=number)
    forest.fit(X, y)
    scores.append(float(forest.oob_score_))
print("scores:", scores)
print("trees:", len(forest.estimators_))
