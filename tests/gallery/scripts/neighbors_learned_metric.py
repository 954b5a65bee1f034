"""A metric that is learned for the neighbours, as the first step of a pipeline."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {metric__n_components = 2, vote__n_neighbors = 3}
# metrics = {test_accuracy = "accuracy"}
# model = "pipe.predict(X_test)"

from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.pipeline import Pipeline

X, y = load_wine(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
metric = NeighborhoodComponentsAnalysis(n_components=2, max_iter=30, random_state=0)
pipe = Pipeline([("metric", metric), ("vote", KNeighborsClassifier(n_neighbors=3))]).fit(X_train, y_train)
print("accuracy:", accuracy_score(y_test, pipe.predict(X_test)))
