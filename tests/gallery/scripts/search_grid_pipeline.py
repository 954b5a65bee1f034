"""A search over the steps of a pipeline themselves, in two processes."""
# expect:
# [[run]]
# name = "GridSearchCV"
# params = {n_jobs = 2}
# metrics = {best_score = "best score"}
# history = {mean_test_score = 6}
# model = "search.predict(X)"
# [[run.child]]
# name = "candidate *"
# count = 6
# metrics = {mean_test_score = true, std_test_score = true, rank_test_score = true}

from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_wine(return_X_y=True)
pipe = Pipeline(
    [("scale", StandardScaler()), ("reduce", "passthrough"), ("classify", LogisticRegression(max_iter=500))]
)
grid = [
    {"reduce": [PCA(random_state=0)], "reduce__n_components": [2, 4], "classify__C": [0.1, 1.0]},
    {"reduce": [SelectKBest()], "reduce__k": [2, 4]},
]
search = GridSearchCV(pipe, grid, n_jobs=2, cv=3).fit(X, y)
print("best:", search.best_params_)
print("best score:", float(search.best_score_))
print("ranks:", search.cv_results_["rank_test_score"].tolist())
