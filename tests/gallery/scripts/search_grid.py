"""An exhaustive search over a grid, and the best model on rows it has not seen."""
# expect:
# [[run]]
# name = "GridSearchCV"
# params = {cv = 3, estimator__kernel = "rbf", "best.C" = 10, "best.gamma" = 0.01}
# metrics = {best_score = "best score", test_score = "test score"}
# history = {mean_test_score = "means"}
# tables = ["confusion"]
# model = "search.predict(X_test)"
# [[run.child]]
# name = "candidate 0"
# params = {C = 1, gamma = 0.0001}
# metrics = {mean_test_score = "first mean", mean_fit_time = true}
# history = {test_score = 3}
# [[run.child]]
# name = "candidate *"
# count = 5
# metrics = {mean_test_score = true, std_test_score = true, rank_test_score = true}

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.svm import SVC

X, y = load_digits(n_class=4, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.4, random_state=0)
search = GridSearchCV(SVC(), {"C": [1, 10], "gamma": [0.0001, 0.001, 0.01]}, cv=3)
search.fit(X_train, y_train)
print("best:", search.best_params_)
print("best score:", float(search.best_score_))
print("means:", search.cv_results_["mean_test_score"].tolist())
print("first mean:", float(search.cv_results_["mean_test_score"][0]))
print("test score:", search.score(X_test, y_test))
