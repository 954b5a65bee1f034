"""Plain lists all through, with labels that are words, and names given for the arguments."""
# expect:
# [[run]]
# name = "KNeighborsClassifier"
# params = {n_neighbors = 1}
# metrics = {train_accuracy = 1.0}
# data = {X = [6, 2], y = [6]}
# [[run]]
# name = "GridSearchCV"
# params = {"best.n_neighbors" = 1}
# model = "search.predict(X)"
# [[run.child]]
# name = "candidate *"
# count = 2
# metrics = {mean_test_score = true, std_test_score = true, rank_test_score = true}

from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

X = [[0, 0], [0, 1], [1, 0], [5, 5], [5, 6], [6, 5]]
y = ["low", "low", "low", "high", "high", "high"]
nearest = KNeighborsClassifier(n_neighbors=1)
nearest.fit(y=y, X=X)
print("predicted:", nearest.predict([[0.4, 0.4], [5.5, 5.5]]).tolist())
search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 2]}, cv=3).fit(X, y)
print("score:", float(search.best_score_))
