"""A decision tree as rules that can be read, and how it is pruned."""
# expect:
# [[run]]
# name = "DecisionTreeClassifier"
# params = {max_depth = 2, random_state = 0}
# metrics = {train_score = "accuracy"}
# [[run]]
# name = "DecisionTreeClassifier"
# params = {ccp_alpha = 0.02}
# metrics = {n_leaves = "leaves"}
# tables = ["feature_importances", "confusion"]
# model = "pruned.predict_proba(X)"

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier, export_text

iris = load_iris()
X, y = iris.data, iris.target
tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
print(export_text(tree, feature_names=iris.feature_names))
print("accuracy:", tree.score(X, y))
path = tree.cost_complexity_pruning_path(X, y)
print("alphas:", path.ccp_alphas.tolist())
pruned = DecisionTreeClassifier(ccp_alpha=0.02, random_state=0).fit(X, y)
print("leaves:", pruned.get_n_leaves())
