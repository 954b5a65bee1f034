"""Which columns a forest needs: the score that is lost when one of them is shuffled."""
# expect:
# [[run]]
# name = "RandomForestRegressor"
# params = {n_estimators = 10}
# metrics = {test_score = "score"}
# tables = ["feature_importances", "test_permutation_importance", "residuals"]
# model = "forest.predict(X_test)"

from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import train_test_split

data = load_diabetes()
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=0)
forest = RandomForestRegressor(n_estimators=10, random_state=0).fit(X_train, y_train)
print("score:", forest.score(X_test, y_test))
found = permutation_importance(forest, X_test, y_test, n_repeats=3, random_state=0)
for place in found.importances_mean.argsort()[::-1][:3]:
    print(data.feature_names[place], float(found.importances_mean[place]), float(found.importances_std[place]))
dependence = partial_dependence(forest, X_test, features=[2], grid_resolution=4)
print("dependence:", dependence["average"].tolist())
