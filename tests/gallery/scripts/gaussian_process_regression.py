"""A Gaussian process through six points, with what it does not know between them."""
# expect:
# [[run]]
# name = "GaussianProcessRegressor"
# params = {n_restarts_optimizer = 2, random_state = 0}
# metrics = {train_r2 = true, log_marginal_likelihood = "likelihood"}
# model = "process.predict(grid)"

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

X = np.array([[1.0], [3.0], [5.0], [6.0], [7.0], [8.0]])
y = X[:, 0] * np.sin(X[:, 0])
kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(10, (1e-2, 1e2))
process = GaussianProcessRegressor(kernel=kernel, n_restarts_optimizer=2, random_state=0).fit(X, y)
grid = np.linspace(0, 10, 7)[:, None]
mean, deviation = process.predict(grid, return_std=True)
print("kernel:", process.kernel_)
print("mean:", mean.tolist())
print("deviation:", deviation.tolist())
print("likelihood:", float(process.log_marginal_likelihood_value_))
