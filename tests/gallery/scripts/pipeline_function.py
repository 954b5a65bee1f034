"""A function of one's own as a step: hours become points on a circle."""
# expect:
# [[run]]
# name = "Pipeline"
# metrics = {train_accuracy = false}
# lacks = ["train metrics"]
# model = "pipe.predict(X)"

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

calls = []


def on_a_circle(hours):
    """Midnight is next to one o'clock."""
    calls.append(len(hours))
    angle = 2 * np.pi * np.asarray(hours) / 24
    return np.hstack([np.sin(angle), np.cos(angle)])


rng = np.random.default_rng(0)
X = rng.uniform(0, 24, size=(100, 1))
y = 10 + 3 * np.sin(2 * np.pi * X[:, 0] / 24) + rng.normal(scale=0.2, size=100)
pipe = Pipeline([("circle", FunctionTransformer(on_a_circle)), ("line", LinearRegression())]).fit(X, y)
print("coefficients:", pipe["line"].coef_.tolist())
print("function was called with:", calls)
