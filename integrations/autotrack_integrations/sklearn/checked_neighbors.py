"""Checks of models that keep points: neighbour trees, neighbours, k-means, support vectors.

Checked on scikit-learn 1.9 (neighbors/_binary_tree.pxi.tp, metrics/_pairwise_distances_reduction, cluster/_kmeans.py,
svm/_libsvm.pyx).
"""

from typing import Any

from autotrack_integrations.sklearn.trusted_types import DISTANCES, RefusedError

__all__ = ["CHECKS"]

_KERNELS = ("linear", "poly", "rbf", "sigmoid", "precomputed")
_SUPPORT_TYPES = {"SVC": True, "NuSVC": True, "SVR": False, "NuSVR": False, "OneClassSVM": False}  # has classes


def _require(holds: object, why: str) -> None:
    if not holds:
        raise RefusedError(why)


def _is_array(value: Any, *shape: int | None) -> bool:
    """Whether it is an array of numbers of this shape; None stands for any length."""
    import numpy as np

    if type(value) is not np.ndarray or value.dtype.kind not in "biuf" or value.ndim != len(shape):
        return False
    return all(wanted is None or wanted == found for wanted, found in zip(shape, value.shape, strict=True))


def _check_neighbor_tree(tree: Any) -> None:
    """KDTree, BallTree: from __getstate__, in the order that pickling has (since scikit-learn 0.24)."""
    data, points, nodes, bounds, leaf_size, n_levels, n_nodes, *_, distance, weights = tree.__getstate__()
    _require(_is_array(data, None, None) and data.size > 0, "a neighbour tree has no points")
    n, n_features = data.shape
    _require(_is_array(points, n) and points.dtype.kind == "i", "a neighbour tree has other points than it says")
    ordered = points.copy()
    ordered.sort()
    _require((ordered == range(n)).all(), "a neighbour tree names a point that it does not have")
    levels = 1 + max(0, (n - 1) // max(leaf_size, 1)).bit_length() - ((n - 1) // max(leaf_size, 1) > 0)
    _require(leaf_size >= 1 and n_levels == levels, "a neighbour tree has another depth than its points ask for")
    _require(n_nodes == 2**n_levels - 1 and nodes.shape == (n_nodes,), "a neighbour tree has fewer nodes than it says")
    sides = 2 if "KDTree" in type(tree).__name__ else 1
    _require(_is_array(bounds, sides, n_nodes, n_features), "a neighbour tree has fewer bounds than nodes")
    start, end, is_leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"]
    _require(((start >= 0) & (start <= end) & (end <= n)).all(), "a neighbour tree has a node with other points")
    _require((is_leaf[n_nodes // 2 :] == 1).all(), "a neighbour tree has a leaf with children")
    _require(weights is None or _is_array(weights, n), "a neighbour tree has other weights than points")
    _check_distance(distance, n_features)


def _check_distance(distance: Any, n_features: int) -> None:
    kind = type(distance)
    _require(f"{kind.__module__}.{kind.__name__}" in DISTANCES, "a neighbour tree has no distance")
    power, weights, _ = distance.__getstate__()
    _require(power > 0, "a distance has a negative power")
    if kind.__name__ in ("SEuclideanDistance64", "MinkowskiDistance64"):
        optional = kind.__name__ == "MinkowskiDistance64" and weights.size == 0
        _require(optional or weights.shape == (n_features,), "a distance has other weights than there are features")
    _require(kind.__name__ != "HaversineDistance64" or n_features == 2, "a distance on a globe has two features")


def _check_neighbors(model: Any) -> None:
    """KNeighbors*, RadiusNeighbors*, NearestNeighbors, LocalOutlierFactor, and what uses them."""
    values: Any = vars(model)
    points = values.get("_fit_X")
    if points is None:
        return
    shape: Any = getattr(points, "shape", ())
    _require(len(shape) == 2 and shape[1] == values.get("n_features_in_"), "neighbours have other features")
    _require(values.get("n_samples_fit_") == shape[0], "neighbours are fewer than the model says")
    wanted = values.get("n_neighbors")
    _require(wanted is None or (isinstance(wanted, int) and wanted >= 1), "a model asks for no neighbours")
    if "_y" in values and "classes_" in values:
        _check_labels(values, shape[0])


def _check_labels(values: Any, n: int) -> None:
    """Compiled code counts `_y[neighbour]` into an array with a place for each class."""
    import numpy as np

    _require((values.get("n_neighbors") or 1) <= n, "a model asks for more neighbours than it has")
    labels, classes = values["_y"], values["classes_"]
    classes = classes if values.get("outputs_2d_") else [classes]
    _require(_is_array(labels, n) or _is_array(labels, n, len(classes)), "neighbours have other labels")
    columns = np.reshape(labels, (n, -1))
    _require(labels.dtype.kind == "i" and columns.shape[1] == len(classes), "neighbours have other labels")
    for column, known in zip(columns.T, classes, strict=True):
        _require((column >= 0).all() and (column < len(known)).all(), "a neighbour has a class that is not known")


def _check_kmeans(model: Any) -> None:
    """KMeans, MiniBatchKMeans, BisectingKMeans: BLAS multiplies as many columns as predict() lets in."""
    values: Any = vars(model)
    if "cluster_centers_" not in values:
        return
    n_features = values.get("n_features_in_")
    _require(n_features is not None, "clusters have no number of features")
    centers = values["cluster_centers_"]
    _require(_is_array(centers, None, n_features) and len(centers) > 0, "clusters have other features")
    _require(values.get("_n_threads", 0) >= 1, "a model asks for no threads")
    mean = values.get("_X_mean")
    _require(mean is None or _is_array(mean, n_features), "clusters have other features")
    waiting = [values["_bisecting_tree"]] if "_bisecting_tree" in values else []
    while waiting:
        node = vars(waiting.pop())
        _require(_is_array(node.get("center"), n_features), "clusters have other features")
        children = [node[side] for side in ("left", "right") if node.get(side) is not None]
        _require(len(children) in (0, 2), "a cluster is divided into one")
        waiting += children


def _check_support_vectors(model: Any) -> None:
    """SVC, NuSVC, SVR, NuSVR, OneClassSVM: libsvm takes pointers, and the sizes from `_n_support` and `support_`."""
    values: Any = vars(model)
    if "support_" not in values:
        return
    kind = type(model).__name__
    _require(kind in _SUPPORT_TYPES and values.get("kernel") in _KERNELS, "a support vector machine has its own kernel")
    support, counts, vectors = values["support_"], values.get("_n_support"), values.get("support_vectors_")
    _require(_is_array(support, None) and _is_array(counts, None), "support vectors have no numbers")
    n, n_classes = len(support), len(counts)
    is_precomputed = values["kernel"] == "precomputed"
    has_classes = _SUPPORT_TYPES[kind]
    _require(n_classes >= 2 and (has_classes or n_classes == 2), "support vectors have no classes")
    _require((counts >= 0).all() and (counts <= n).all(), "support vectors are fewer than the model says")
    _require(not has_classes or counts.sum() == n, "support vectors are fewer than the model says")
    pairs = n_classes * (n_classes - 1) // 2
    _require(_is_array(values.get("_intercept_"), pairs), "support vectors have other intercepts")
    for name in ("_probA", "_probB"):
        size = len(values[name]) if _is_array(values.get(name), None) else -1
        _require(size == 0 or size >= (pairs if has_classes else 1 - (name == "_probB")), "support vectors: no chances")
    _require(values.get("n_features_in_") is not None, "support vectors have no features")
    if is_precomputed:
        width = values["shape_fit_"][0] if isinstance(values.get("shape_fit_"), tuple) else 0
        _require(isinstance(width, int) and (support >= 0).all() and (support < width).all(), "no such support vector")
    _check_sizes(values, n, n_classes, vectors, is_precomputed)


def _check_sizes(values: Any, n: int, n_classes: int, vectors: Any, is_precomputed: bool) -> None:
    from scipy import sparse

    coefficients = values.get("_dual_coef_")
    n_features = values["n_features_in_"]
    if values.get("_sparse") is False:
        _require(_is_array(coefficients, n_classes - 1, n), "support vectors have other coefficients")
        _require(
            _is_array(vectors, n, n_features) or (is_precomputed and _is_array(vectors, None, None)),
            "support vectors have other features",
        )
        return
    _require(
        values.get("_sparse") is True and all(map(sparse.issparse, (coefficients, vectors))),
        "support vectors have another form",
    )
    _require(
        coefficients.shape == (n_classes - 1, n) and coefficients.data.size == (n_classes - 1) * n,
        "support vectors have other coefficients",
    )
    _require(
        vectors.format == "csr" and vectors.shape == (n, n_features),
        "support vectors have other features",
    )


CHECKS = {
    "sklearn.neighbors._kd_tree.BinaryTree64": _check_neighbor_tree,
    "sklearn.neighbors._ball_tree.BinaryTree64": _check_neighbor_tree,
    "sklearn.neighbors._base.NeighborsBase": _check_neighbors,
    "sklearn.cluster._kmeans._BaseKMeans": _check_kmeans,
    "sklearn.svm._base.BaseLibSVM": _check_support_vectors,
}
