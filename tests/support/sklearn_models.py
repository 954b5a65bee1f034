"""Models as people build them, by family, and the data each is fitted on: what must survive being saved."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import sklearn.experimental.enable_halving_search_cv
import sklearn.experimental.enable_iterative_imputer  # noqa: F401
import threadpoolctl
from sklearn import (
    calibration,
    cluster,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_extraction,
    feature_selection,
    gaussian_process,
    impute,
    isotonic,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    manifold,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    semi_supervised,
    svm,
    tree,
)
from sklearn.gaussian_process import kernels

__all__ = ["FAMILIES", "ROUNDED", "differing", "every_estimator", "fitted", "outputs"]

_rng = np.random.default_rng(0)
X = _rng.random((80, 4))
y = (X[:, 0] + X[:, 1] > 1).astype(int)
y3 = y + (X[:, 2] > 0.6)
target = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 3.0
holes = np.where(_rng.random(X.shape) < 0.1, np.nan, X)
texts = [
    f"{('good', 'bad')[i % 2]} film number {i % 7} with {('fine', 'poor', 'odd')[i % 3]} actors" for i in range(80)
]
frame = pd.DataFrame(
    {
        "age": X[:, 0] * 80,
        "fare": np.where(X[:, 1] < 0.1, np.nan, X[:, 1] * 100),
        "sex": np.where(X[:, 2] > 0.5, "male", "female").astype(object),
        "port": np.array(["C", "Q", "S"], dtype=object)[(X[:, 3] * 3).astype(int)],
    }
)
DATA: dict[str, tuple[Any, Any]] = {
    "binary": (X, y),
    "classes": (X, y3),
    "names": (X, np.array(["no", "yes"])[y]),
    "regression": (X, target),
    "many": (X, np.c_[target, X[:, 0]]),
    "labels": (X, np.c_[y, y3 > 1].astype(int)),
    "holes": (holes, y),
    "text": (texts, y),
    "frame": (frame, y),
    "one": (X[:, 0], target),
    "kernel": (X @ X.T, y),
    "rows": ([{"a": float(i % 5), "b": f"v{i % 3}"} for i in range(80)], y),
    "some": (X, np.where(_rng.random(80) < 0.3, -1, y)),
    "outliers": (X, None),
}

# Their sums depend on where arrays lie in memory, so they differ in the last bits whatever they were saved by.
ROUNDED = {
    "KernelRidge",
    "LabelPropagation",
    "LabelSpreading",
    "kernel ridge",
    "label spreading",
    "PCA svd_solver=arpack",
}

Build = Callable[[], Any]


def _pipe(*steps: Any) -> Any:
    return pipeline.make_pipeline(*steps)


def _columns(*, encoder: Any = None, scaler: Any = None) -> Any:
    return compose.ColumnTransformer(
        [
            ("numbers", _pipe(impute.SimpleImputer(), scaler or preprocessing.StandardScaler()), ["age", "fare"]),
            ("words", encoder or preprocessing.OneHotEncoder(handle_unknown="ignore"), ["sex", "port"]),
        ]
    )


def _logistic(**given: Any) -> Any:
    return linear_model.LogisticRegression(**given)


def _forest(**given: Any) -> Any:
    return ensemble.RandomForestClassifier(**{"n_estimators": 5, "random_state": 0, **given})


def _grid(model: Any, grid: dict[str, Any], **given: Any) -> Any:
    return model_selection.GridSearchCV(model, grid, cv=given.pop("cv", 2), **given)


def _each(template: Callable[..., Any], data: str, **choices: list[Any]) -> dict[str, tuple[str, Build]]:
    """One configuration for each value of one parameter."""
    ((name, values),) = choices.items()
    found: dict[str, tuple[str, Build]] = {}
    for value in values:
        said = getattr(value, "__name__", None) or str(value)
        found[f"{template.__name__.strip('_')} {name}={said[:60]}"] = (
            data,
            lambda value=value: template(**{name: value}),
        )
    return found


FAMILIES: dict[str, dict[str, tuple[str, Build]]] = {
    "linear": {
        **_each(_logistic, "classes", solver=["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"]),
        **_each(_logistic, "binary", class_weight=["balanced", {0: 1.0, 1: 3.0}]),
        **_each(linear_model.SGDClassifier, "binary", loss=["hinge", "log_loss", "modified_huber", "squared_hinge"]),
        **_each(linear_model.SGDRegressor, "regression", loss=["squared_error", "huber", "epsilon_insensitive"]),
        **_each(linear_model.Ridge, "regression", solver=["auto", "svd", "cholesky", "lsqr", "saga"]),
        **_each(linear_model.TweedieRegressor, "regression", power=[0, 1, 1.5, 2]),
        "names as classes": ("names", _logistic),
        "logistic, l1": ("binary", lambda: _logistic(l1_ratio=1.0, solver="liblinear")),
        "ridge, many targets": ("many", linear_model.Ridge),
        "lasso path": ("regression", lambda: linear_model.LassoCV(cv=3)),
        "elastic net": ("regression", lambda: linear_model.ElasticNetCV(l1_ratio=[0.1, 0.9], cv=3)),
        "logistic by cross-validation": ("binary", lambda: linear_model.LogisticRegressionCV(Cs=3, cv=3)),
        "ridge by cross-validation": ("regression", lambda: linear_model.RidgeCV(alphas=[0.1, 1.0])),
        "huber": ("regression", linear_model.HuberRegressor),
        "ransac": ("regression", lambda: linear_model.RANSACRegressor(random_state=0)),
        "quantile": ("regression", lambda: linear_model.QuantileRegressor(quantile=0.9)),
        "isotonic": ("one", isotonic.IsotonicRegression),
        "log target": (
            "regression",
            lambda: compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
        ),
    },
    "trees": {
        **_each(_forest, "classes", criterion=["gini", "entropy", "log_loss"]),
        **_each(_forest, "binary", max_features=["sqrt", "log2", 0.5, None]),
        **_each(_forest, "binary", class_weight=["balanced", "balanced_subsample"]),
        **_each(
            tree.DecisionTreeRegressor, "regression", criterion=["squared_error", "absolute_error", "friedman_mse"]
        ),
        **_each(ensemble.GradientBoostingClassifier, "binary", loss=["log_loss", "exponential"]),
        **_each(ensemble.GradientBoostingRegressor, "regression", loss=["squared_error", "huber", "quantile"]),
        **_each(
            ensemble.HistGradientBoostingRegressor, "regression", loss=["squared_error", "poisson", "absolute_error"]
        ),
        "tree, pruned": ("classes", lambda: tree.DecisionTreeClassifier(ccp_alpha=0.01)),
        "tree, holes": ("holes", lambda: tree.DecisionTreeClassifier(max_depth=3)),
        "tree, labels": ("labels", lambda: tree.DecisionTreeClassifier(max_depth=3)),
        "forest, out of bag": ("binary", lambda: _forest(oob_score=True, n_estimators=30)),
        "forest, labels": ("labels", _forest),
        "forest, names": ("names", _forest),
        "forest, monotonic": ("binary", lambda: _forest(monotonic_cst=[1, 0, 0, 0])),
        "extra trees": ("classes", lambda: ensemble.ExtraTreesClassifier(5, random_state=0)),
        "forest, regression": ("many", lambda: ensemble.RandomForestRegressor(5, random_state=0)),
        "boosting, three classes": ("classes", lambda: ensemble.GradientBoostingClassifier(n_estimators=5)),
        "boosting, own start": (
            "binary",
            lambda: ensemble.GradientBoostingClassifier(n_estimators=5, init=_logistic()),
        ),
        "boosting, from zero": ("binary", lambda: ensemble.GradientBoostingClassifier(n_estimators=5, init="zero")),
        "histograms, three classes": ("classes", lambda: ensemble.HistGradientBoostingClassifier(max_iter=5)),
        "histograms, holes": ("holes", lambda: ensemble.HistGradientBoostingClassifier(max_iter=5)),
        "histograms, stopped early": (
            "binary",
            lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, early_stopping=True, random_state=0),
        ),
        "histograms, own scoring": (
            "binary",
            lambda: ensemble.HistGradientBoostingClassifier(
                max_iter=5, early_stopping=True, scoring="accuracy", random_state=0
            ),
        ),
        "histograms, categories": (
            "classes",
            lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, categorical_features=[0], max_bins=255),
        ),
        "ada boost": ("classes", lambda: ensemble.AdaBoostClassifier(n_estimators=5)),
        "bagging": ("classes", lambda: ensemble.BaggingClassifier(max_features=0.5, random_state=0)),
        "bagging of neighbours": ("classes", lambda: ensemble.BaggingClassifier(neighbors.KNeighborsClassifier())),
        "isolation forest": (
            "outliers",
            lambda: ensemble.IsolationForest(n_estimators=10, max_features=2, random_state=0),
        ),
        "leaves as features": (
            "binary",
            lambda: _pipe(ensemble.RandomTreesEmbedding(5, random_state=0), _logistic()),
        ),
    },
    "neighbours and kernels": {
        **_each(neighbors.KNeighborsClassifier, "classes", algorithm=["auto", "brute", "kd_tree", "ball_tree"]),
        **_each(neighbors.KNeighborsRegressor, "regression", metric=["manhattan", "chebyshev", "cosine", "canberra"]),
        **_each(neighbors.KNeighborsClassifier, "binary", weights=["distance"]),
        **_each(neighbors.KNeighborsClassifier, "binary", p=[1, 1.5, 3]),
        **_each(neighbors.RadiusNeighborsClassifier, "binary", radius=[5.0]),
        **_each(neighbors.KernelDensity, "outliers", kernel=["gaussian", "tophat", "epanechnikov"]),
        **_each(svm.SVC, "classes", kernel=["linear", "poly", "rbf", "sigmoid"]),
        **_each(svm.SVR, "regression", kernel=["linear", "rbf"]),
        **_each(svm.LinearSVC, "classes", loss=["hinge", "squared_hinge"]),
        "neighbours, mahalanobis": (
            "binary",
            lambda: neighbors.KNeighborsClassifier(
                algorithm="ball_tree", metric="mahalanobis", metric_params={"VI": np.eye(4)}
            ),
        ),
        "neighbours, weighted": (
            "binary",
            lambda: neighbors.KNeighborsClassifier(metric="seuclidean", metric_params={"V": np.ones(4)}),
        ),
        "neighbours, labels": ("labels", neighbors.KNeighborsClassifier),
        "neighbours, graph": ("classes", lambda: _pipe(neighbors.KNeighborsTransformer(mode="distance"))),
        "neighbourhood components": (
            "classes",
            lambda: _pipe(neighbors.NeighborhoodComponentsAnalysis(random_state=0), neighbors.KNeighborsClassifier()),
        ),
        "local outliers": ("outliers", lambda: neighbors.LocalOutlierFactor(novelty=True)),
        "nearest centroid": ("classes", neighbors.NearestCentroid),
        "one class": ("outliers", svm.OneClassSVM),
        "nu": ("binary", lambda: svm.NuSVC(nu=0.3)),
        "precomputed kernel": ("kernel", lambda: svm.SVC(kernel="precomputed")),
        "kernel ridge": ("regression", lambda: kernel_ridge.KernelRidge(kernel="rbf")),
        "kernel features": ("binary", lambda: _pipe(kernel_approximation.Nystroem(n_components=10), svm.LinearSVC())),
        "random kernel features": ("binary", lambda: _pipe(kernel_approximation.RBFSampler(), _logistic())),
        "process, sum of kernels": (
            "regression",
            lambda: gaussian_process.GaussianProcessRegressor(kernels.RBF() + kernels.WhiteKernel()),
        ),
        "process, matern": (
            "regression",
            lambda: gaussian_process.GaussianProcessRegressor(kernels.ConstantKernel() * kernels.Matern(nu=1.5)),
        ),
        "process, powers": (
            "regression",
            lambda: gaussian_process.GaussianProcessRegressor(kernels.DotProduct() ** 2 + kernels.WhiteKernel()),
        ),
        "process, classes": (
            "classes",
            lambda: gaussian_process.GaussianProcessClassifier(kernels.RationalQuadratic()),
        ),
    },
    "text": {
        "counts": ("text", lambda: _pipe(feature_extraction.text.CountVectorizer(), naive_bayes.MultinomialNB())),
        "tf-idf": ("text", lambda: _pipe(feature_extraction.text.TfidfVectorizer(), _logistic())),
        "tf-idf, pairs": (
            "text",
            lambda: _pipe(feature_extraction.text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), _logistic()),
        ),
        "letters": (
            "text",
            lambda: _pipe(feature_extraction.text.CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)), _logistic()),
        ),
        "stop words": (
            "text",
            lambda: _pipe(feature_extraction.text.TfidfVectorizer(stop_words="english"), _logistic()),
        ),
        "own pattern": (
            "text",
            lambda: _pipe(feature_extraction.text.CountVectorizer(token_pattern=r"[a-z]+"), _logistic()),
        ),
        "own vocabulary": (
            "text",
            lambda: _pipe(feature_extraction.text.CountVectorizer(vocabulary=["good", "bad"]), _logistic()),
        ),
        "hashes": ("text", lambda: _pipe(feature_extraction.text.HashingVectorizer(n_features=64), _logistic())),
        "counts, then idf": (
            "text",
            lambda: _pipe(
                feature_extraction.text.CountVectorizer(), feature_extraction.text.TfidfTransformer(), svm.LinearSVC()
            ),
        ),
        "topics": (
            "text",
            lambda: _pipe(
                feature_extraction.text.CountVectorizer(), decomposition.LatentDirichletAllocation(3, random_state=0)
            ),
        ),
        "latent meaning": (
            "text",
            lambda: _pipe(
                feature_extraction.text.TfidfVectorizer(), decomposition.TruncatedSVD(3, random_state=0), _forest()
            ),
        ),
        "words and letters": (
            "text",
            lambda: _pipe(
                pipeline.make_union(
                    feature_extraction.text.CountVectorizer(),
                    feature_extraction.text.TfidfVectorizer(analyzer="char", ngram_range=(1, 2)),
                ),
                _logistic(),
            ),
        ),
        "sparse support vectors": ("text", lambda: _pipe(feature_extraction.text.TfidfVectorizer(), svm.SVC())),
        "rows as dictionaries": ("rows", lambda: _pipe(feature_extraction.DictVectorizer(), _logistic())),
        "rows, hashed": ("rows", lambda: _pipe(feature_extraction.FeatureHasher(16), _logistic())),
    },
    "tables": {
        "columns, logistic": ("frame", lambda: _pipe(_columns(), _logistic())),
        "columns, forest": ("frame", lambda: _pipe(_columns(), _forest())),
        "columns, histograms": (
            "frame",
            lambda: _pipe(
                _columns(encoder=preprocessing.OneHotEncoder(sparse_output=False)),
                ensemble.HistGradientBoostingClassifier(max_iter=5),
            ),
        ),
        "columns, ordinal": (
            "frame",
            lambda: _pipe(
                _columns(encoder=preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
                _forest(),
            ),
        ),
        "columns, target encoded": (
            "frame",
            lambda: _pipe(_columns(encoder=preprocessing.TargetEncoder(random_state=0)), _logistic()),
        ),
        "columns, rare categories": (
            "frame",
            lambda: _pipe(_columns(encoder=preprocessing.OneHotEncoder(min_frequency=30, drop="first")), _logistic()),
        ),
        "columns, one of two": (
            "frame",
            lambda: _pipe(_columns(encoder=preprocessing.OneHotEncoder(drop="if_binary")), _logistic()),
        ),
        "columns, robust": ("frame", lambda: _pipe(_columns(scaler=preprocessing.RobustScaler()), _logistic())),
        "columns by dtype": (
            "frame",
            lambda: _pipe(
                compose.make_column_transformer(
                    (impute.SimpleImputer(), compose.make_column_selector(dtype_include=np.number)),
                    (preprocessing.OneHotEncoder(), compose.make_column_selector(dtype_exclude=np.number)),
                ),
                _logistic(),
            ),
        ),
        "columns, rest passed": (
            "frame",
            lambda: _pipe(
                compose.make_column_transformer(
                    (preprocessing.OneHotEncoder(), ["sex", "port"]), remainder=impute.SimpleImputer()
                ),
                _forest(),
            ),
        ),
        "columns by slice": (
            "classes",
            lambda: _pipe(
                compose.make_column_transformer((preprocessing.StandardScaler(), slice(0, 2)), remainder="passthrough"),
                _logistic(),
            ),
        ),
        "columns as a frame": (
            "frame",
            lambda: _pipe(
                _columns(encoder=preprocessing.OneHotEncoder(sparse_output=False)).set_output(transform="pandas"),
                _logistic(),
            ),
        ),
        **_each(impute.SimpleImputer, "holes", strategy=["mean", "median", "most_frequent", "constant"]),
        "imputed by neighbours": ("holes", lambda: _pipe(impute.KNNImputer(), _logistic())),
        "imputed by regressions": (
            "holes",
            lambda: _pipe(impute.IterativeImputer(max_iter=2, random_state=0), _logistic()),
        ),
        "imputed, marked": ("holes", lambda: _pipe(impute.SimpleImputer(add_indicator=True), _logistic())),
    },
    "preparation": {
        **_each(preprocessing.KBinsDiscretizer, "binary", encode=["onehot", "onehot-dense", "ordinal"]),
        **_each(preprocessing.QuantileTransformer, "binary", n_quantiles=[20]),
        **_each(preprocessing.PowerTransformer, "binary", method=["yeo-johnson"]),
        **_each(preprocessing.SplineTransformer, "binary", extrapolation=["constant", "linear", "periodic"]),
        **_each(preprocessing.FunctionTransformer, "binary", func=[np.log1p, np.abs, None]),
        **_each(
            feature_selection.SelectKBest,
            "binary",
            score_func=[feature_selection.f_classif, feature_selection.chi2, feature_selection.mutual_info_classif],
        ),
        **_each(decomposition.PCA, "binary", svd_solver=["full", "arpack", "randomized"]),
        **_each(decomposition.KernelPCA, "binary", kernel=["rbf", "poly"]),
        **_each(decomposition.FastICA, "binary", fun=["logcosh", "exp"]),
        "polynomial ridge": ("regression", lambda: _pipe(preprocessing.PolynomialFeatures(2), linear_model.Ridge())),
        "scaled polynomial lasso": (
            "regression",
            lambda: _pipe(preprocessing.PolynomialFeatures(3), preprocessing.StandardScaler(), linear_model.Lasso()),
        ),
        "selected by a model": ("binary", lambda: _pipe(feature_selection.SelectFromModel(_forest()), _logistic())),
        "selected by elimination": ("binary", lambda: _pipe(feature_selection.RFECV(_logistic(), cv=2), _logistic())),
        "selected one by one": (
            "binary",
            lambda: _pipe(feature_selection.SequentialFeatureSelector(_logistic(), cv=2), _logistic()),
        ),
        "union": (
            "binary",
            lambda: _pipe(pipeline.make_union(decomposition.PCA(2), feature_selection.SelectKBest(k=1)), svm.SVC()),
        ),
        "random projection": (
            "binary",
            lambda: _pipe(random_projection.SparseRandomProjection(3, random_state=0), _logistic()),
        ),
        "factors": ("binary", lambda: decomposition.NMF(2, init="random", random_state=0, max_iter=500)),
        "dictionary": ("binary", lambda: decomposition.DictionaryLearning(3, max_iter=5, random_state=0)),
        "pools of features": ("binary", lambda: cluster.FeatureAgglomeration(2)),
        "isomap": ("binary", lambda: _pipe(manifold.Isomap(n_components=2), _logistic())),
        "locally linear": ("binary", lambda: _pipe(manifold.LocallyLinearEmbedding(random_state=0), _logistic())),
        "partial least squares": ("many", lambda: cross_decomposition.PLSRegression(2)),
        "restricted machine": (
            "binary",
            lambda: _pipe(neural_network.BernoulliRBM(3, n_iter=2, random_state=0), _logistic()),
        ),
    },
    "clusters and mixtures": {
        **_each(cluster.KMeans, "outliers", init=["k-means++", "random"]),
        **_each(cluster.KMeans, "outliers", algorithm=["lloyd", "elkan"]),
        **_each(mixture.GaussianMixture, "outliers", covariance_type=["full", "tied", "diag", "spherical"]),
        "mini batches": ("outliers", lambda: cluster.MiniBatchKMeans(3, random_state=0)),
        "bisecting": ("outliers", lambda: cluster.BisectingKMeans(3, random_state=0)),
        "mean shift": ("outliers", cluster.MeanShift),
        "affinity": ("outliers", lambda: cluster.AffinityPropagation(random_state=0)),
        "birch": ("outliers", lambda: cluster.Birch(n_clusters=3)),
        "density": ("outliers", lambda: cluster.DBSCAN(eps=0.3)),
        "hierarchical density": ("outliers", lambda: cluster.HDBSCAN(min_cluster_size=5, copy=True)),
        "bayesian mixture": ("outliers", lambda: mixture.BayesianGaussianMixture(n_components=3, random_state=0)),
    },
    "composed": {
        "voting, soft": (
            "classes",
            lambda: ensemble.VotingClassifier([("a", _logistic()), ("b", _forest())], voting="soft"),
        ),
        "voting, weighted": (
            "regression",
            lambda: ensemble.VotingRegressor(
                [("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor())], weights=[1, 2]
            ),
        ),
        "stacking": (
            "classes",
            lambda: ensemble.StackingClassifier(
                [("a", _pipe(preprocessing.StandardScaler(), svm.SVC())), ("b", _forest())], cv=2
            ),
        ),
        "stacking, regression": (
            "regression",
            lambda: ensemble.StackingRegressor(
                [("a", linear_model.Ridge()), ("b", neighbors.KNeighborsRegressor())], cv=2
            ),
        ),
        **_each(calibration.CalibratedClassifierCV, "binary", method=["sigmoid", "isotonic", "temperature"]),
        "calibrated forest": ("classes", lambda: calibration.CalibratedClassifierCV(_forest(), cv=2)),
        "tuned threshold": (
            "binary",
            lambda: model_selection.TunedThresholdClassifierCV(_logistic(), scoring="f1", cv=2),
        ),
        "fixed threshold": ("binary", lambda: model_selection.FixedThresholdClassifier(_logistic(), threshold=0.3)),
        "one against the rest": ("classes", lambda: multiclass.OneVsRestClassifier(svm.LinearSVC())),
        "one against one": ("classes", lambda: multiclass.OneVsOneClassifier(_logistic())),
        "output codes": ("classes", lambda: multiclass.OutputCodeClassifier(_logistic(), random_state=0)),
        "many outputs": (
            "many",
            lambda: multioutput.MultiOutputRegressor(ensemble.GradientBoostingRegressor(n_estimators=3)),
        ),
        "chain of labels": ("labels", lambda: multioutput.ClassifierChain(_logistic(), random_state=0)),
        "self training": ("some", lambda: semi_supervised.SelfTrainingClassifier(_logistic())),
        "label spreading": ("some", lambda: semi_supervised.LabelSpreading(kernel="knn")),
        "pipeline in a pipeline": (
            "classes",
            lambda: _pipe(
                _pipe(preprocessing.StandardScaler(), decomposition.PCA(2)),
                _pipe(preprocessing.MinMaxScaler(), _forest()),
            ),
        ),
        "bayes": ("classes", naive_bayes.GaussianNB),
        "bayes, counts": ("classes", naive_bayes.ComplementNB),
        "linear discriminant": ("classes", discriminant_analysis.LinearDiscriminantAnalysis),
        "quadratic discriminant": (
            "classes",
            lambda: discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
        ),
        "most frequent": ("classes", lambda: dummy.DummyClassifier(strategy="prior")),
        **_each(neural_network.MLPClassifier, "classes", solver=["adam", "sgd", "lbfgs"]),
        **_each(neural_network.MLPRegressor, "regression", activation=["relu", "tanh", "logistic"]),
    },
    "searches": {
        "grid": ("binary", lambda: _grid(_logistic(), {"C": [0.1, 1.0]})),
        "grid, scoring": ("binary", lambda: _grid(_logistic(), {"C": [0.1, 1.0]}, scoring="roc_auc")),
        "grid, scorings": (
            "binary",
            lambda: _grid(_logistic(), {"C": [0.1, 1.0]}, scoring=["accuracy", "f1"], refit="f1"),
        ),
        "grid, folds": (
            "binary",
            lambda: _grid(
                _forest(), {"max_depth": [1, 2]}, cv=model_selection.StratifiedKFold(2, shuffle=True, random_state=0)
            ),
        ),
        "grid, repeated folds": (
            "binary",
            lambda: _grid(
                _logistic(),
                {"C": [1.0]},
                cv=model_selection.RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
            ),
        ),
        "grid, time": (
            "regression",
            lambda: _grid(linear_model.Ridge(), {"alpha": [1.0]}, cv=model_selection.TimeSeriesSplit(2)),
        ),
        "grid over a pipeline": (
            "frame",
            lambda: _grid(_pipe(_columns(), _logistic()), {"logisticregression__C": [0.1, 1.0]}),
        ),
        "grid over steps": (
            "classes",
            lambda: _grid(
                pipeline.Pipeline([("scale", preprocessing.StandardScaler()), ("model", _logistic())]),
                {"scale": [preprocessing.StandardScaler(), "passthrough"], "model": [_logistic(), svm.SVC()]},
            ),
        ),
        "grid, regression": (
            "regression",
            lambda: _grid(
                ensemble.HistGradientBoostingRegressor(max_iter=5),
                {"max_depth": [2, 3]},
                scoring="neg_mean_squared_error",
            ),
        ),
        "grid over text": (
            "text",
            lambda: _grid(
                _pipe(feature_extraction.text.TfidfVectorizer(), _logistic()),
                {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]},
            ),
        ),
        "random": (
            "binary",
            lambda: model_selection.RandomizedSearchCV(
                _forest(), {"max_depth": [1, 2, 3]}, n_iter=2, cv=2, random_state=0
            ),
        ),
        "random, distribution": (
            "binary",
            lambda: model_selection.RandomizedSearchCV(
                _forest(), {"max_depth": __import__("scipy.stats").stats.randint(1, 4)}, n_iter=2, cv=2, random_state=0
            ),
        ),
        "halving": (
            "binary",
            lambda: model_selection.HalvingGridSearchCV(_forest(), {"max_depth": [1, 2]}, cv=2, random_state=0),
        ),
        "search in a pipeline": (
            "classes",
            lambda: _pipe(preprocessing.StandardScaler(), _grid(svm.SVC(), {"C": [0.1, 1.0]})),
        ),
        "search in a search": (
            "binary",
            lambda: _grid(_grid(_logistic(), {"C": [0.1, 1.0]}), {"estimator__tol": [1e-3, 1e-4]}),
        ),
    },
}


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings, and in one thread: sums of several threads differ in their last bits."""
    with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


def fitted(family: str, name: str) -> tuple[Any, Any]:
    """The model of a configuration, fitted, and the X it was fitted on."""
    data, build = FAMILIES[family][name]
    X, y = DATA[data]
    with _quietly():
        return build().fit(X, y), X


def outputs(model: Any, X: Any) -> dict[str, Any]:
    """What the model says of X: an array for each method that it has, or its attributes if it has none."""
    found = {}
    with _quietly():
        for method in ("predict", "predict_proba", "decision_function", "transform", "score_samples", "kneighbors"):
            if hasattr(model, method) and not (found and method == "kneighbors"):
                np.random.seed(0)  # what some models draw from
                said = getattr(model, method)(X)
                said = said.toarray() if hasattr(said, "toarray") else said
                found[method] = np.concatenate(said, axis=1) if isinstance(said, (list, tuple)) else np.asarray(said)
    attributes = {name: value for name, value in vars(model).items() if name.endswith("_")}
    return found or {name: value for name, value in attributes.items() if isinstance(value, np.ndarray)}


def differing(said: dict[str, Any], again: dict[str, Any], *, rounded: bool = False) -> list[str]:
    """The methods whose outputs differ in any bit; `rounded`: by more than rounding."""
    if list(said) != list(again):
        return sorted(set(said) ^ set(again))
    return [method for method in said if not _equal(said[method], again[method], rounded)]


def _equal(one: Any, other: Any, rounded: bool) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.hasobject:
        return repr(one.tolist()) == repr(other.tolist())
    return one.tobytes() == other.tobytes() or (rounded and np.allclose(one, other, rtol=1e-9))


def every_estimator() -> Iterator[tuple[str, Any, Any]]:
    """Each of scikit-learn's estimators that can be fitted, by name, fitted, with what it was fitted on."""
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances

    own = {
        "FrozenEstimator": lambda kind: kind(linear_model.LogisticRegression().fit(X, y)),
        "SparseCoder": lambda kind: kind(np.eye(4)),
    }
    for name, kind in all_estimators():
        with _quietly():
            model = own[name](kind) if name in own else next(iter(_construct_instances(kind)))
            given = _fitted_on(model)
        if given is not None:
            yield name, model, given


def _fitted_on(model: Any) -> Any:
    """The first data that a model can be fitted on and asked about; None if there is none."""
    candidates = [
        DATA[name] for name in ("classes", "labels", "one", "kernel", "text", "rows", "regression", "outliers")
    ]
    for given, wanted in [*candidates, ([["a"], ["b", "a"]], None), (np.array([3, 1, 2]), None)]:
        try:
            said = outputs(model.fit(given, wanted) if wanted is not None else model.fit(given), given)
        except Exception:
            continue
        if said:
            return given
    return None
