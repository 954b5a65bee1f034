"""Fits that fail: each error is caught, told, and followed by a fit that works."""
# expect:
# [[run]]
# name = "LogisticRegression"
# status = "failed"
# error = "Input X contains NaN"
# [[run]]
# name = "Pipeline"
# status = "failed"
# error = "inconsistent numbers of samples"
# [[run]]
# name = "SVC"
# status = "failed"
# error = "parameter of SVC must be"
# [[run]]
# name = "LogisticRegression"
# metrics = {train_accuracy = true}
# model = "works.predict(X)"

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
holes = X.copy()
holes[3, 2] = np.nan
attempts = [
    (LogisticRegression(), holes, y),
    (make_pipeline(StandardScaler(), LogisticRegression()), X, y[:-1]),
    (SVC(C=-1), X, y),
]
for model, data, labels in attempts:
    try:
        model.fit(data, labels)
    except ValueError as error:
        print(type(error).__name__, str(error).splitlines()[0])
works = LogisticRegression(max_iter=300).fit(X, y)
print("iterations:", works.n_iter_.tolist())
