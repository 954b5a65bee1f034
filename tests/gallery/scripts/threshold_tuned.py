"""The threshold of a rare class: found by cross-validation, and set by hand."""
# expect:
# [[run]]
# name = "LogisticRegression"
# metrics = {test_f1 = "f1, usual"}
# [[run]]
# name = "TunedThresholdClassifierCV"
# params = {scoring = "f1", cv = 3, estimator__max_iter = 500}
# metrics = {test_f1 = "f1, tuned", best_threshold = "threshold"}
# model = "tuned.predict(X_test)"
# [[run]]
# name = "FixedThresholdClassifier"
# params = {threshold = 0.2}
# metrics = {test_f1 = "f1, fixed", test_recall = "recall, fixed"}

from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV, train_test_split

X, y = make_classification(n_samples=600, weights=[0.92], n_informative=4, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = LogisticRegression(max_iter=500)
model.fit(X_train, y_train)
print("f1, usual:", f1_score(y_test, model.predict(X_test)))
tuned = TunedThresholdClassifierCV(model, scoring="f1", cv=3).fit(X_train, y_train)
print("threshold:", float(tuned.best_threshold_))
print("f1, tuned:", f1_score(y_test, tuned.predict(X_test)))
fixed = FixedThresholdClassifier(model, threshold=0.2).fit(X_train, y_train)
print("f1, fixed:", f1_score(y_test, fixed.predict(X_test)))
print("recall, fixed:", recall_score(y_test, fixed.predict(X_test)))
