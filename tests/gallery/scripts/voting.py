"""Three models vote, by majority, by probability, and by the mean of their numbers."""
# expect:
# [[run]]
# name = "VotingClassifier"
# params = {voting = "hard"}
# metrics = {test_score = "hard"}
# [[run]]
# name = "VotingClassifier"
# params = {voting = "soft", weights = [1, 2, 1], bayes__var_smoothing = 1e-9}
# metrics = {test_score = "soft"}
# [[run]]
# name = "VotingRegressor"
# metrics = {train_score = "mean"}
# model = "mean.predict(X)"

from sklearn.datasets import load_iris
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X[:, 1:3], y, random_state=0)
members = [
    ("line", LogisticRegression(max_iter=300)),
    ("bayes", GaussianNB()),
    ("tree", DecisionTreeClassifier(max_depth=4, random_state=0)),
]
hard = VotingClassifier(members).fit(X_train, y_train)
print("hard:", hard.score(X_test, y_test))
soft = VotingClassifier(members, voting="soft", weights=[1, 2, 1]).fit(X_train, y_train)
print("soft:", soft.score(X_test, y_test))
mean = VotingRegressor([("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=3))]).fit(X, y)
print("mean:", mean.score(X, y))
