"""Cross-validation in one line, with folds of a kind of one's own choice."""
# expect:
# [[run]]
# name = "cross_val_score(SVC)"
# params = {cv = 5, C = 1, kernel = "linear"}
# metrics = {mean_test_score = "mean", std_test_score = "deviation"}
# history = {test_score = "scores"}
# [[run]]
# name = "cross_val_score(SVC)"
# params = {scoring = "f1_macro"}
# history = {test_score = "f1"}

from sklearn import svm
from sklearn.datasets import load_iris
from sklearn.model_selection import ShuffleSplit, cross_val_score

X, y = load_iris(return_X_y=True)
machine = svm.SVC(kernel="linear", C=1, random_state=42)
scores = cross_val_score(machine, X, y, cv=5)
print("scores:", scores.tolist())
print("mean:", float(scores.mean()))
print("deviation:", float(scores.std()))
print(f"{scores.mean():.2f} with a deviation of {scores.std():.2f}")
splits = ShuffleSplit(n_splits=4, test_size=0.3, random_state=0)
print("f1:", cross_val_score(machine, X, y, cv=splits, scoring="f1_macro").tolist())
