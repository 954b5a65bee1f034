"""Loaded models, checked before anybody may use them: whatever compiled code will use as an index is one.

scikit-learn trusts its own attributes: a child index outside of a tree's nodes, a vocabulary that counts past its
end or a matrix of another width is read (or written) wherever in memory it leads. So every object in a loaded graph
is looked at, by class: trees (checked_trees.py), neighbours and kernels (checked_neighbors.py), what builds or is a
sparse matrix (checked_sparse.py). What is left to Python and NumPy raises an error by itself.
"""

from collections.abc import Callable
from typing import Any

from autotrack_integrations.sklearn import checked_neighbors, checked_sparse, checked_trees, object_graph
from autotrack_integrations.sklearn.trusted_types import RefusedError

__all__ = ["check"]

_MAX_THREADS = 1024  # asked for by a model; OpenMP ends the process when it cannot start them
_MT19937_WORDS = 624
# Class attributes that scikit-learn itself gives other values on instances.
_OVERRIDDEN = frozenset({"positive"})

CHECKS: dict[str, Callable[[Any], None]] = {
    **checked_trees.CHECKS,
    **checked_neighbors.CHECKS,
    **checked_sparse.CHECKS,
}


def check(root: object) -> None:
    """Check everything in `root`.

    Raises:
        RefusedError: Using it could crash or stall the process.
    """
    for value in object_graph.walk(root):
        for kind in type(value).__mro__:
            found = CHECKS.get(f"{kind.__module__}.{kind.__qualname__}")
            if found is not None:
                found(value)
        attributes = getattr(value, "__dict__", None)
        if attributes and not callable(getattr(value, "__code__", None)) and not isinstance(value, type):
            _check_attributes(value, attributes)


def _check_attributes(value: object, attributes: dict[str, Any]) -> None:
    """No attribute stands in for a method, and those that any estimator may have are what they are for."""
    kind = type(value)
    if not kind.__module__.startswith("sklearn."):
        return
    for name in attributes:
        if name not in _OVERRIDDEN and hasattr(kind, name):
            raise RefusedError(f"a {kind.__name__} has its own {name!r} in place of its class's")
    if "n_features_in_" in attributes and not _is_int(attributes["n_features_in_"], 1):
        raise RefusedError(f"a {kind.__name__} has the number of features {attributes['n_features_in_']!r:.60}")
    for name in ("n_jobs", "_n_threads"):
        threads = attributes.get(name)
        if threads is not None and not _is_int(threads, -_MAX_THREADS, _MAX_THREADS):
            raise RefusedError(f"a {kind.__name__} asks for {threads!r:.60} threads")
    if attributes.get("memory") is not None:
        raise RefusedError(f"a {kind.__name__} has a cache on disk, which holds pickles")


def _is_int(value: object, low: int, high: int = 1 << 40) -> bool:
    import numpy as np

    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and low <= int(value) <= high


def _check_random_state(value: Any) -> None:
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937" or not 0 <= state["state"]["pos"] <= _MT19937_WORDS:
        raise RefusedError("a random state stands outside of its numbers")


CHECKS["numpy.random.mtrand.RandomState"] = _check_random_state
