"""Isotonic regression: steps that never go down."""
# expect:
# [[run]]
# name = "IsotonicRegression"
# params = {out_of_bounds = "clip"}
# metrics = {train_score = "score"}
# model = "steps.predict([-5.0, 3.5, 100.0])"

import numpy as np
from sklearn.isotonic import IsotonicRegression

rng = np.random.RandomState(0)
x = np.arange(50)
y = rng.randint(-20, 20, size=50) + 30.0 * np.log1p(np.arange(50))
steps = IsotonicRegression(out_of_bounds="clip").fit(x, y)
print("thresholds:", len(steps.X_thresholds_))
print("score:", steps.score(x, y))
