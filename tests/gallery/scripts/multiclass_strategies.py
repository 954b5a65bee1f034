"""Many classes from models of two: one against the rest, one against one, and codes that correct errors."""
# expect:
# [[run]]
# name = "OneVsRestClassifier"
# params = {estimator__C = 0.1}
# metrics = {train_score = "OneVsRestClassifier"}
# [[run]]
# name = "OneVsOneClassifier"
# metrics = {train_score = "OneVsOneClassifier"}
# [[run]]
# name = "OutputCodeClassifier"
# params = {code_size = 2, random_state = 0}
# metrics = {train_score = "OutputCodeClassifier"}
# model = "model.predict(X)"

from sklearn.datasets import load_wine
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC

X, y = load_wine(return_X_y=True)
X = scale(X)
machine = LinearSVC(C=0.1, random_state=0)
rest, pairs = OneVsRestClassifier(machine), OneVsOneClassifier(machine)
for model in (rest, pairs, OutputCodeClassifier(machine, code_size=2, random_state=0)):
    model.fit(X, y)
    print(f"{type(model).__name__}:", model.score(X, y))
    print("machines:", len(model.estimators_))
