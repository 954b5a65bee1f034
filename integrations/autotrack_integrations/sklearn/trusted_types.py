"""What a data-only file may be made of, beside the estimators themselves: a fixed list, reviewed name by name.

skops constructs nothing that is not on its own list (estimators, arrays, plain values, ufuncs) or on this one; nothing
in a file adds to it. A name belongs here if constructing it with any arguments, and calling it if it is a function,
can do no harm. Not here: `functools.partial` (calls anything), `check_array` and `nan_to_num` (they write where they
are told to), `numpy.memmap` (opens files), `xgboost` and `lightgbm` boosters (their own parsers read the bytes).
"""

__all__ = [
    "DISTANCES",
    "FUNCTIONS",
    "LOSSES",
    "NAMED_TUPLES",
    "OBJECTS",
    "REFUSED",
    "SCALARS",
    "TREES",
    "TRUSTED",
    "VALUES",
    "RefusedError",
]


class RefusedError(ValueError):
    """What a file holds, or what a model would put into one, is not loaded; the text says why, as half a sentence."""


def _in(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


# Arrays that compiled code indexes with no check of its own: only with our checks of every index (structures.py).
TREES = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.KDTree64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._ball_tree.BallTree64",
    }
)
# A few numbers each. Not Mahalanobis (a buffer that its state does not hold) nor PyFunc (calls a function).
DISTANCES = _in(
    "sklearn.metrics._dist_metrics",
    "EuclideanDistance64 ManhattanDistance64 ChebyshevDistance64 MinkowskiDistance64 SEuclideanDistance64 "
    "HaversineDistance64 HammingDistance64 CanberraDistance64 BrayCurtisDistance64 JaccardDistance64",
)
# Pure Python with plain attributes: __new__ and __dict__, no code of the file.
OBJECTS = (
    TREES
    | DISTANCES
    # How scores are computed and data is split: only used when a search is fitted or scored again.
    | _in("sklearn.metrics._scorer", "_Scorer _CurveScorer _PassthroughScorer _MultimetricScorer")
    | _in(
        "sklearn.model_selection._split",
        "KFold StratifiedKFold GroupKFold StratifiedGroupKFold TimeSeriesSplit RepeatedKFold RepeatedStratifiedKFold "
        "ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit LeaveOneOut LeavePOut LeaveOneGroupOut PredefinedSplit",
    )
    # Formulas over arrays.
    | _in(
        "sklearn.gaussian_process.kernels",
        "Sum Product Exponentiation CompoundKernel ConstantKernel WhiteKernel RBF Matern RationalQuadratic "
        "ExpSineSquared DotProduct PairwiseKernel",
    )
    | _in("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace")
    | _in("sklearn._loss.loss", "HalfTweedieLoss HalfTweedieLossIdentity")
    | _in("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer")
    # Parts of estimators: arrays and other estimators.
    | _in("sklearn.calibration", "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling")
    | _in("sklearn.multiclass", "_ConstantPredictor")
    | _in("sklearn.cluster._bisect_k_means", "_BisectingTree")
    | _in("sklearn.compose._column_transformer", "make_column_selector _RemainderColsList")
    | _in("sklearn.utils._bunch", "Bunch")
    | _in("sklearn.utils._metadata_requests", "MetadataRequest MethodMetadataRequest")
    | _in("scipy.interpolate._bsplines", "BSpline")  # checked again, as its constructor would
)
NAMED_TUPLES = frozenset({"sklearn.impute._iterative._ImputerTriplet"})
# Functions of arrays that return arrays or numbers, and touch nothing else.
FUNCTIONS = (
    _in("numpy", "mean median max min amax amin sum std var prod abs")
    | _in(
        "sklearn.feature_selection._univariate_selection",
        "f_classif f_regression f_oneway chi2 r_regression",
    )
    | _in("sklearn.feature_selection._mutual_info", "mutual_info_classif mutual_info_regression")
    | _in(
        "sklearn.metrics._classification",
        "accuracy_score balanced_accuracy_score brier_score_loss cohen_kappa_score d2_brier_score d2_log_loss_score "
        "f1_score fbeta_score hamming_loss jaccard_score log_loss matthews_corrcoef precision_score recall_score "
        "zero_one_loss",
    )
    | _in("sklearn.metrics._ranking", "average_precision_score roc_auc_score top_k_accuracy_score ndcg_score")
    | _in(
        "sklearn.metrics._regression",
        "d2_absolute_error_score explained_variance_score max_error mean_absolute_error "
        "mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss mean_poisson_deviance "
        "mean_squared_error mean_squared_log_error mean_tweedie_deviance median_absolute_error r2_score "
        "root_mean_squared_error root_mean_squared_log_error",
    )
    | _in("sklearn.metrics._scorer", "negative_likelihood_ratio positive_likelihood_ratio")
    | _in(
        "sklearn.metrics.cluster._supervised",
        "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score homogeneity_score "
        "mutual_info_score normalized_mutual_info_score rand_score v_measure_score",
    )
    | _in("sklearn.cluster._kmeans", "_kmeans_single_lloyd _kmeans_single_elkan")
    | _in("scipy._lib.array_api_compat.numpy._aliases", "asarray")  # an attribute of every BSpline
)
# Compiled losses: one number each, or none. skops trusts them itself.
LOSSES = _in(
    "sklearn._loss._loss",
    "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss CyHalfPoissonLoss "
    "CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss CyPinballLoss",
) | _in(
    "sklearn.linear_model._sgd_fast",
    "EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive SquaredHinge Huber Log SquaredLoss",
)
# NumPy's numbers, and below them the types that may be values (dtype=np.float32) or keys of dictionaries.
SCALARS = _in(
    "numpy",
    "bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longlong ulonglong "
    "complex64 complex128 str_ bytes_ datetime64 timedelta64",
)
# skops trusts the base classes of these only. SciPy reads them itself, whatever class is named.
_SPARSE = frozenset(
    f"scipy.sparse._{kind}.{kind}_{form}"
    for kind in ("csr", "csc", "coo", "bsr", "dia")
    for form in ("matrix", "array")
)
_KINDS = _in("numpy", "number integer floating object_")  # as make_column_selector takes them
_TYPES = _in("builtins", "object dict bytes")
_SPLITTERS = frozenset(name for name in OBJECTS if name.startswith("sklearn.model_selection._split."))
VALUES = SCALARS | _KINDS | _TYPES | _SPLITTERS | _in("builtins", "str int float bool list tuple set")

# Trusted by skops, refused by us, and why.
REFUSED = {
    "sklearn.cluster._hdbscan.hdbscan.HDBSCAN": "its compiled code walks the stored linkage tree without checks",
    "sklearn.cluster._birch.Birch": "its nodes refer to each other in circles",
}

TRUSTED = sorted(OBJECTS | NAMED_TUPLES | FUNCTIONS | _SPARSE | _KINDS | _TYPES | {"numpy.dtype"})
