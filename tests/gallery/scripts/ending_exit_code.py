"""A script that ends with a code of its own after a training: the training was fine all the same."""
# expect:
# exit = 3
# [[run]]
# name = "Ridge"
# metrics = {train_score = "score"}

import sys

from sklearn.linear_model import Ridge

X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 2.0, 1.0, 3.0]
ridge = Ridge(alpha=0.1).fit(X, y)
print("score:", ridge.score(X, y))
if ridge.score(X, y) < 0.9:
    print("not good enough", file=sys.stderr)
    sys.exit(3)
