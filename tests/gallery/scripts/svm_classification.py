"""A support vector classifier, and what its margin says of new points."""
# expect:
# [[run]]
# name = "SVC"
# params = {kernel = "rbf", C = 2.0, gamma = "scale"}
# metrics = {test_accuracy = "accuracy", test_balanced_accuracy = "balanced", train_f1 = true}
# model = "machine.decision_function(X_test)"

from sklearn import metrics, svm
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

X, y = make_moons(n_samples=200, noise=0.2, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
machine = svm.SVC(kernel="rbf", C=2.0)
machine.fit(X_train, y_train)
predicted = machine.predict(X_test)
print("support vectors:", machine.n_support_.tolist())
print("margins:", machine.decision_function(X_test[:4]).tolist())
print("accuracy:", metrics.accuracy_score(y_test, predicted))
print("balanced:", metrics.balanced_accuracy_score(y_test, predicted))
print(metrics.classification_report(y_test, predicted))
