"""A linear machine that does not converge in time, and one whose number of support vectors is set by nu."""
# expect:
# [[run]]
# name = "LinearSVC"
# params = {max_iter = 2, C = 100}
# metrics = {train_accuracy = true, converged = 0}
# tables = ["warnings"]
# tags = {warning = "ConvergenceWarning"}
# [[run]]
# name = "NuSVC"
# params = {nu = 0.3}
# metrics = {train_score = "score"}
# model = "nu.predict(X)"

from sklearn.datasets import load_wine
from sklearn.svm import LinearSVC, NuSVC

X, y = load_wine(return_X_y=True)
linear = LinearSVC(max_iter=2, C=100, random_state=0).fit(X, y)
print("iterations:", linear.n_iter_)
nu = NuSVC(nu=0.3).fit(X, y)
print("score:", nu.score(X, y))
print("support vectors:", nu.n_support_.tolist())
