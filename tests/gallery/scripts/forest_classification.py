"""A random forest: its rows out of the bag, and which columns it looks at."""
# expect:
# [[run]]
# name = "RandomForestClassifier"
# params = {n_estimators = 30, oob_score = true, n_jobs = 2}
# metrics = {test_score = "score", test_f1_weighted = "f1", oob_score = "out of bag"}
# tables = ["feature_importances", "confusion", "roc", "precision_recall", "calibration"]
# model = "forest.predict_proba(X_test)"

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.model_selection import train_test_split

data = load_breast_cancer(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=0)
forest = RandomForestClassifier(n_estimators=30, oob_score=True, n_jobs=2, random_state=0)
forest.fit(X_train, y_train)
print("out of bag:", forest.oob_score_)
print("score:", forest.score(X_test, y_test))
print("f1:", f1_score(y_test, forest.predict(X_test), average="weighted"))
print("confusion:", confusion_matrix(y_test, forest.predict(X_test)).tolist())
ranked = sorted(zip(forest.feature_importances_.tolist(), data.feature_names, strict=True), reverse=True)
for importance, name in ranked[:3]:
    print(f"{name}: {importance!r}")
