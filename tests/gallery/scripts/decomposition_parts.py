"""Parts with no negative weights, and a dictionary of atoms for digits; none of it is a model that predicts."""
# expect:
# run = []

from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, MiniBatchDictionaryLearning, SparsePCA

X, _ = load_digits(n_class=2, return_X_y=True)
parts = NMF(n_components=4, init="nndsvda", max_iter=60, tol=1e-3, random_state=0)
weights = parts.fit_transform(X)
print("error:", float(parts.reconstruction_err_))
print("weights:", weights[0].tolist())
atoms = MiniBatchDictionaryLearning(n_components=6, batch_size=20, max_iter=5, random_state=0).fit(X)
print("atoms:", atoms.components_.shape, float(abs(atoms.components_).sum()))
sparse = SparsePCA(n_components=2, max_iter=10, random_state=0).fit(X[:60, 20:40])
print("zeros:", int((sparse.components_ == 0).sum()))
