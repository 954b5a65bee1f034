"""Principal and independent components: transformations alone leave no run, the model behind them does."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {pca__n_components = 10, pca__whiten = true, lda__solver = "svd"}
# metrics = {test_accuracy = "accuracy"}
# model = "pipe.predict(X_test)"

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline

X, y = load_digits(n_class=5, return_X_y=True)
pca = PCA(n_components=3).fit(X)
print("explained:", pca.explained_variance_ratio_.tolist())
print("likelihood:", pca.score(X))
print("independent:", np.abs(FastICA(n_components=3, random_state=0).fit_transform(X)[0]).tolist())
print("singular:", TruncatedSVD(n_components=3, random_state=0).fit(X).singular_values_.tolist())
print("factors:", FactorAnalysis(n_components=2).fit(X).score(X))
X_train, X_test, y_train, y_test = X[:700], X[700:], y[:700], y[700:]
steps = [("pca", PCA(10, whiten=True, svd_solver="full")), ("lda", LinearDiscriminantAnalysis())]
pipe = Pipeline(steps).fit(X_train, y_train)
print("accuracy:", accuracy_score(y_test, pipe.predict(X_test)))
