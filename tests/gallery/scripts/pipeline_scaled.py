"""Scaling and a classifier in one object, so that the test rows never shape the scaling."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {svc__C = 1.0, standardscaler__with_mean = true}
# metrics = {test_score = "score", test_matthews_corrcoef = "correlation", train_accuracy = true}
# data = {X = [133, 13], y = [133]}
# model = "pipe.predict(X_test)"

from sklearn.datasets import load_wine
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipe = make_pipeline(StandardScaler(), SVC())
print("can give probabilities:", hasattr(pipe, "predict_proba"))
pipe.fit(X_train, y_train)
print("score:", pipe.score(X_test, y_test))
print("correlation:", matthews_corrcoef(y_test, pipe.predict(X_test)))
