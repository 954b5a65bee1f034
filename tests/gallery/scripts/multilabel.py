"""Each row may have several labels: neighbours, a chain of classifiers, and a classifier for each label."""
# expect:
# [[run]]
# name = "KNeighborsClassifier"
# metrics = {test_hamming_loss = "loss of KNeighborsClassifier", test_f1_micro = "f1 of KNeighborsClassifier"}
# [[run]]
# name = "ClassifierChain"
# params = {random_state = 0, estimator__max_iter = 200}
# metrics = {test_hamming_loss = "loss of ClassifierChain", test_f1_micro = "f1 of ClassifierChain"}
# [[run]]
# name = "MultiOutputClassifier"
# metrics = {test_hamming_loss = "loss of MultiOutputClassifier", test_f1_micro = "f1 of MultiOutputClassifier"}
# model = "model.predict(X_test)"

from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, hamming_loss
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier

X, Y = make_multilabel_classification(n_samples=150, n_features=10, n_classes=4, random_state=0)
X_train, X_test, Y_train, Y_test = X[:100], X[100:], Y[:100], Y[100:]
line = LogisticRegression(max_iter=200)
for model in (KNeighborsClassifier(), ClassifierChain(line, random_state=0), MultiOutputClassifier(line)):
    Y_pred = model.fit(X_train, Y_train).predict(X_test)
    print(f"loss of {type(model).__name__}:", hamming_loss(Y_test, Y_pred))
    print(f"f1 of {type(model).__name__}:", f1_score(Y_test, Y_pred, average="micro"))
