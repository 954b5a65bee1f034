"""A random search: candidates drawn from distributions."""
# expect:
# [[run]]
# name = "RandomizedSearchCV"
# params = {n_iter = 6, random_state = 0}
# metrics = {best_score = "best score", test_score = "test score"}
# history = {mean_test_score = 6}
# model = "search.predict(X_test)"
# [[run.child]]
# name = "candidate *"
# count = 6
# metrics = {mean_test_score = true, std_test_score = true, rank_test_score = true}

from scipy.stats import loguniform, randint
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import RandomizedSearchCV, train_test_split

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
search = RandomizedSearchCV(
    HistGradientBoostingRegressor(max_iter=10, random_state=0),
    {"learning_rate": loguniform(0.01, 0.5), "max_leaf_nodes": randint(3, 20)},
    n_iter=6,
    cv=2,
    random_state=0,
).fit(X_train, y_train)
print("best:", {name: float(value) for name, value in search.best_params_.items()})
print("best score:", float(search.best_score_))
print("test score:", search.score(X_test, y_test))
