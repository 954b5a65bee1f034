"""Checks of decision trees and what sums them up: every path leads from the root downward to a leaf, within the arrays.

Checked on scikit-learn 1.9 (tree/_tree.pyx, ensemble/_gradient_boosting.pyx, _hist_gradient_boosting/_predictor.pyx).
"""

from typing import Any

from autotrack_integrations.sklearn.trusted_types import RefusedError

__all__ = ["CHECKS"]

_LEAF = -1


def _require(holds: object, why: str) -> None:
    if not holds:
        raise RefusedError(why)


def _check_tree(tree: Any) -> None:
    """`sklearn.tree._tree.Tree`: node_count first, because every other attribute is read by it."""
    count = tree.node_count
    _require(0 < count <= tree.capacity, "a decision tree has fewer nodes than it says")
    _require(tree.n_outputs > 0 and (tree.n_classes > 0).all(), "a decision tree has no outputs")
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    is_leaf = left == _LEAF
    _require((is_leaf == (right == _LEAF)).all(), "a decision tree has a node with one child")
    inner = (~is_leaf).nonzero()[0]
    for children in (left[inner], right[inner]):
        _require((children > inner).all() and (children < count).all(), "a decision tree has a child outside of it")
    _require(
        (feature[inner] >= 0).all() and (feature[inner] < tree.n_features).all(), "a decision tree asks for no feature"
    )
    _require(tree.value.shape[0] == count, "a decision tree has fewer values than nodes")
    _require(_depth(left, right, inner, count) <= tree.max_depth <= count, "a decision tree is deeper than it says")


def _depth(left: Any, right: Any, inner: Any, count: int) -> int:
    """Of the deepest node, with children behind their parents."""
    depths = [0] * count
    for node, one, other in zip(inner.tolist(), left[inner].tolist(), right[inner].tolist(), strict=True):
        below = depths[node] + 1
        depths[one] = max(depths[one], below)
        depths[other] = max(depths[other], below)
    return max(depths)


def _check_estimator(model: Any) -> None:
    """DecisionTree*, ExtraTree*: it lets in only as many features as its tree knows."""
    from sklearn.tree._tree import Tree

    tree = vars(model).get("tree_")
    if tree is None:
        return
    _require(type(tree) is Tree, "a decision tree has something else as its tree")
    _require(vars(model).get("n_features_in_") == tree.n_features, "a decision tree lets in other features")


def _check_gradient_boosting(model: Any) -> None:
    """Adds the values of tree k to column k: there are as many columns as trees per iteration."""
    import numpy as np
    from sklearn.tree import DecisionTreeRegressor

    trees: Any = vars(model).get("estimators_")
    if trees is None:
        return
    _require(isinstance(trees, np.ndarray) and trees.ndim == 2 and trees.size > 0, "a boosting model has no trees")
    _require(all(type(tree) is DecisionTreeRegressor for tree in trees.flat), "a boosting model has no trees")
    features = {vars(tree).get("n_features_in_") for tree in trees.flat}
    _require(
        all("tree_" in vars(tree) for tree in trees.flat)
        and features == {vars(model).get("n_features_in_")}
        and len(features) == 1
        and all(tree.tree_.n_outputs == 1 for tree in trees.flat),
        "a boosting model has trees of other features",
    )
    columns = trees.shape[1]
    _require(vars(model).get("n_trees_per_iteration_") == columns, "a boosting model has other trees than it says")
    _check_start(vars(model).get("init_"), vars(model).get("_loss"), columns)


def _check_start(init: Any, loss: Any, columns: int) -> None:
    """The predictions a boosting model starts from have one column per tree."""
    import numpy as np
    from sklearn._loss.loss import HalfMultinomialLoss
    from sklearn.dummy import DummyClassifier, DummyRegressor

    _require((type(loss) is HalfMultinomialLoss) == (columns > 1), "a boosting model has a loss for other classes")
    if isinstance(init, str) and init == "zero":
        return
    values: Any = vars(init) if type(init) in (DummyClassifier, DummyRegressor) else {}
    _require(values.get("n_outputs_") == 1, "a boosting model starts from an estimator of its own")
    if type(init) is DummyRegressor:
        _require(
            columns == 1 and np.shape(values.get("constant_", ())) == (1, 1), "a boosting model starts from no value"
        )
        return
    prior = values.get("class_prior_")
    classes = values.get("n_classes_")
    _require(
        values.get("_strategy") in ("prior", "most_frequent", "uniform", "stratified")
        and isinstance(prior, np.ndarray)
        and prior.shape == (classes,)
        and classes == (columns if columns > 1 else 2)
        and np.shape(values.get("classes_", ())) == (classes,),
        "a boosting model starts from other classes",
    )


def _check_hist_boosting(model: Any) -> None:
    """HistGradientBoosting*: no node asks for a feature that predict() does not check to be there."""
    values: Any = vars(model)
    if "_predictors" not in values:
        return
    n_features = values.get("n_features_in_")
    _require(values.get("_preprocessor") is None, "its categories are encoded by a function: functools.partial")
    _require(isinstance(n_features, int), "a boosting model has no number of features")
    for row in values["_predictors"]:
        for predictor in row:
            _check_predictor(predictor, n_features)
    mapper: Any = vars(values["_bin_mapper"]) if "_bin_mapper" in values else {}
    known: Any = mapper.get("is_categorical_")
    _require(getattr(known, "shape", None) == (n_features,), "a boosting model maps other features")
    _require(not known.any(), "a boosting model has categories, but nothing that encodes them")


def _check_predictor(predictor: Any, n_features: int) -> None:
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    _require(type(predictor) is TreePredictor, "a boosting model has something else as a tree")
    nodes = vars(predictor).get("nodes")
    _require(
        getattr(nodes, "dtype", None) == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1 and len(nodes) > 0,
        "a boosting model has a tree without nodes",
    )
    _require((nodes["is_leaf"] <= 1).all(), "a boosting model has a node of another form")
    _require(not nodes["is_categorical"].any(), "a boosting model has categories, but nothing that encodes them")
    inner = (nodes["is_leaf"] == 0).nonzero()[0]
    for side in ("left", "right"):
        children = nodes[side][inner].astype("int64")
        _require((children > inner).all() and (children < len(nodes)).all(), "a boosting model has a child outside")
    features = nodes["feature_idx"][inner]
    _require((features >= 0).all() and (features < n_features).all(), "a boosting model asks for no feature")


CHECKS = {
    "sklearn.tree._tree.Tree": _check_tree,
    "sklearn.tree._classes.BaseDecisionTree": _check_estimator,
    "sklearn.ensemble._gb.BaseGradientBoosting": _check_gradient_boosting,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting": _check_hist_boosting,
}
