"""Train, validation and test: the depth is chosen on one part and judged once on the other."""
# expect:
# [[run]]
# name = "DecisionTreeClassifier"
# params = {max_depth = 1}
# metrics = {val_score = "validation at 1", test_score = false}
# [[run]]
# name = "DecisionTreeClassifier"
# params = {max_depth = 3}
# metrics = {val_score = "validation at 3", test_score = "test"}
# model = "best.predict(X_test)"
# [[run]]
# name = "DecisionTreeClassifier"
# params = {max_depth = 8}
# metrics = {val_score = "validation at 8", test_score = false}

from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(n_samples=500, n_informative=4, flip_y=0.1, random_state=3)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, test_size=0.25, random_state=0)
trees = {}
for depth in (1, 3, 8):
    trees[depth] = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X_train, y_train)
    print(f"validation at {depth}:", trees[depth].score(X_val, y_val))
best = trees[3]
print("test:", best.score(X_test, y_test))
