"""How the score grows with the number of rows, and how long a fit takes."""
# expect:
# [[run]]
# name = "learning_curve(GaussianNB)"
# params = {cv = 3}
# history = {mean_train_score = "train", mean_test_score = "test"}

from sklearn.datasets import load_digits
from sklearn.model_selection import learning_curve
from sklearn.naive_bayes import GaussianNB

X, y = load_digits(n_class=5, return_X_y=True)
sizes, train, test = learning_curve(GaussianNB(), X, y, cv=3, train_sizes=[0.2, 0.6, 1.0], shuffle=True, random_state=0)
print("sizes:", sizes.tolist())
print("train:", train.mean(axis=1).tolist())
print("test:", test.mean(axis=1).tolist())
