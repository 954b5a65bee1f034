"""One parameter against the score, on the rows of the fit and on others."""
# expect:
# [[run]]
# name = "validation_curve(Ridge)"
# params = {cv = 3, param_name = "alpha"}
# history = {mean_train_score = "train", mean_test_score = "test"}

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import validation_curve

X, y = load_diabetes(return_X_y=True)
train, test = validation_curve(Ridge(), X, y, param_name="alpha", param_range=np.logspace(-3, 1, 4), cv=3)
print("train:", train.mean(axis=1).tolist())
print("test:", test.mean(axis=1).tolist())
