"""Partial least squares and canonical correlation: two tables that share hidden columns."""
# expect:
# [[run]]
# name = "PLSRegression"
# params = {n_components = 2}
# metrics = {test_r2 = "r2 of PLSRegression"}
# tables = ["coefficients", "residuals"]
# [[run]]
# name = "CCA"
# params = {n_components = 2}
# metrics = {test_r2 = "r2 of CCA"}
# model = "model.predict(X_test)"

import numpy as np
from sklearn.cross_decomposition import CCA, PLSRegression
from sklearn.metrics import r2_score

rng = np.random.default_rng(0)
hidden = rng.normal(size=(150, 2))
X = hidden @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(150, 5))
Y = hidden @ rng.normal(size=(2, 3)) + 0.3 * rng.normal(size=(150, 3))
X_train, X_test, Y_train, Y_test = X[:100], X[100:], Y[:100], Y[100:]
for model in (PLSRegression(n_components=2), CCA(n_components=2)):
    model.fit(X_train, Y_train)
    print(f"r2 of {type(model).__name__}:", r2_score(Y_test, model.predict(X_test)))
    first, second = model.transform(X_test, Y_test)
    print("correlation:", float(np.corrcoef(first[:, 0], second[:, 0])[0, 1]))
