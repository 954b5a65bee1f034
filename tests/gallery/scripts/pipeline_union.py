"""Two views of the same columns beside each other, before a classifier; kept in a cache on disk."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {featureunion__pca__n_components = 2, featureunion__selectkbest__k = 1}
# metrics = {train_score = "score"}
# tables = ["warnings"]
# tags = {warning = "UserWarning, RuntimeWarning"}
# model = "pipe.predict(X)"

from tempfile import TemporaryDirectory

from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
views = make_union(PCA(n_components=2), SelectKBest(k=1))
with TemporaryDirectory() as folder:
    pipe = make_pipeline(PolynomialFeatures(2), views, SVC(kernel="linear"), memory=folder).fit(X, y)
    print("columns:", pipe[:-1].transform(X[:1]).tolist())
    print("score:", pipe.score(X, y))
pipe.set_params(memory=None)
