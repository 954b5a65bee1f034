"""Boosting on histograms with missing values, a category and early stopping."""
# expect:
# [[run]]
# name = "HistGradientBoostingClassifier"
# params = {early_stopping = true, max_iter = 40, scoring = "loss"}
# metrics = {test_roc_auc = "area", train_accuracy = true, n_iter = "iterations"}
# history = {val_loss = "losses"}
# tables = ["confusion", "roc", "precision_recall", "calibration"]
# model = "model.predict_proba(X_test)"

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(0)
X = pd.DataFrame({"age": rng.normal(50, 12, 400), "dose": rng.gamma(2, 1, 400), "ward": rng.choice(["a", "b"], 400)})
y = (X["age"] / 10 + X["dose"] * (X["ward"] == "a") + rng.normal(size=400) > 6.5).astype(int)
X.loc[::7, "dose"] = np.nan
X["ward"] = X["ward"].astype("category")
X_train, X_test, y_train, y_test = X[:300], X[300:], y[:300], y[300:]
model = HistGradientBoostingClassifier(
    max_iter=40, early_stopping=True, categorical_features="from_dtype", random_state=0
)
model.fit(X_train, y_train)
print("iterations:", model.n_iter_)
print("losses:", [-score for score in model.validation_score_.tolist()])
print("area:", roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]))
