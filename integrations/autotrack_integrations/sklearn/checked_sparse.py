"""Checks of sparse matrices and of what makes them: SciPy writes to whatever column an index names.

Checked on scikit-learn 1.9 (feature_extraction, preprocessing/_encoders.py, preprocessing/_label.py) and SciPy 1.17.
"""

import re
from typing import Any

from autotrack_integrations.sklearn.trusted_types import RefusedError

__all__ = ["CHECKS"]

_MAX_HASHED = 2**31 - 1  # columns of a hashing vectorizer: its indices have 32 bits
# One after another: an atom, perhaps repeated. No groups, so no pattern that takes for ever on a chosen text.
_PATTERN = re.compile(
    r"(?:\(\?[iu]+\))?(?:\\b)?\(?(?:(?:\\[wWdDsS]|\[[^\[\]]{1,40}\]|[A-Za-z0-9_'\-])(?:[+*?]|\{\d{1,3},?\d{0,3}\})?){1,8}\)?"
    r"(?:\\b)?"
)
_MAX_REPEATS = 3  # in a pattern: each may multiply the time by the length of the text


def _require(holds: object, why: str) -> None:
    if not holds:
        raise RefusedError(why)


def _check_matrix(matrix: Any) -> None:
    """Rows, columns and pointers of a sparse matrix."""
    if matrix.format in ("csr", "csc", "bsr"):
        try:
            matrix.check_format(full_check=True)
        except (ValueError, TypeError, IndexError) as error:
            raise RefusedError(f"a sparse matrix points outside of itself: {error}") from None
    elif matrix.format == "coo":
        for indices, size in zip((matrix.row, matrix.col), matrix.shape, strict=True):
            _require(len(indices) == len(matrix.data), "a sparse matrix has other indices than values")
            inside = len(indices) == 0 or (indices.min() >= 0 and indices.max() < size)
            _require(inside, "a sparse matrix points outside of itself")
    else:
        _require(matrix.format == "dia", "a sparse matrix has another format")
        _require(len(matrix.offsets) == len(matrix.data), "a sparse matrix has other diagonals than values")


def _check_vocabulary(model: Any) -> None:
    """CountVectorizer, TfidfVectorizer, DictVectorizer: each word's column is one of the matrix."""
    words = vars(model).get("vocabulary_")
    if words is not None:
        _require(isinstance(words, dict), "a vocabulary has another form")
        _check_columns(words)
    given = vars(model).get("vocabulary")
    if isinstance(given, dict):
        _check_columns(given)


def _check_columns(numbers: dict[Any, Any]) -> None:
    for number in numbers.values():
        _require(_is_index(number, len(numbers)), "a vocabulary counts past its end")


def _is_index(number: object, count: int) -> bool:
    import numpy as np

    return isinstance(number, (int, np.integer)) and 0 <= int(number) < count


def _check_text(model: Any) -> None:
    """What is asked of each text takes no longer than the text is long."""
    pattern = vars(model).get("token_pattern")
    if pattern is None:
        return
    simple = isinstance(pattern, str) and _PATTERN.fullmatch(pattern) is not None
    repeats = sum(pattern.count(sign) for sign in "*+{") if simple else 0
    _require(simple and repeats <= _MAX_REPEATS, f"a token pattern could stall on some texts: {pattern!r:.80}")


def _check_hashing(model: Any) -> None:
    columns = vars(model).get("n_features")
    inside = isinstance(columns, int) and 1 <= columns <= _MAX_HASHED
    _require(inside, f"a hashing vectorizer has {columns!r:.40} columns")


def _check_one_hot(model: Any) -> None:
    """OneHotEncoder adds up the number of columns of each feature: no category has a later one."""
    values: Any = vars(model)
    if "categories_" not in values:
        return
    categories, columns = values["categories_"], values.get("_n_features_outs")
    n = len(categories) if isinstance(categories, list) else -1
    _require(isinstance(columns, list) and n == len(columns) == values.get("n_features_in_"), "an encoder: no columns")
    grouped = values.get("_default_to_infrequent_mappings")
    dropped = values.get("_drop_idx_after_grouping")
    uses_groups = bool(values.get("_infrequent_enabled"))
    _require(not uses_groups or (isinstance(grouped, list) and len(grouped) == n), "an encoder has other groups")
    _require(dropped is None or len(dropped) == n, "an encoder drops other columns")
    for place, known in enumerate(categories):
        _check_sorted(known)
        count = len(known)
        group = grouped[place] if uses_groups else None
        if group is not None:
            _require(len(group) == count and min(group) >= 0, "an encoder has other groups than categories")
            count = int(max(group)) + 1
        drop = None if dropped is None else dropped[place]
        _require(drop is None or _is_index(drop, count), "an encoder drops a column that is not there")
        expected = count - (drop is not None)
        _require(_is_index(columns[place], count + 1) and columns[place] == expected, "an encoder has other columns")


def _check_sorted(known: Any) -> None:
    """Numbers are looked up by bisection, which finds a place behind the last if they are not in order."""
    import numpy as np

    _require(type(known) is np.ndarray and known.ndim == 1 and len(known) > 0, "an encoder has no categories")
    if known.dtype.kind in "OUS":
        return
    _require(known.dtype.kind in "biuf", "an encoder has categories of another kind")
    numbers = known[~np.isnan(known)] if known.dtype.kind == "f" else known
    _require((numbers[1:] > numbers[:-1]).all(), "an encoder's categories are not in order")
    _require(not np.isnan(known[: len(numbers)].astype(float)).any(), "an encoder's categories are not in order")


def _check_labels(model: Any) -> None:
    """MultiLabelBinarizer: the columns it remembers."""
    cached = vars(model).get("_cached_dict")
    if cached is not None:
        _require(isinstance(cached, dict), "labels have another form")
        _check_columns(cached)


def _check_spline(spline: Any) -> None:
    """A spline again, by its own constructor: the same one, or an error."""
    import numpy as np
    from scipy.interpolate import BSpline

    try:
        _require(0 <= spline.k <= 100 and isinstance(spline.k, int), "a spline has no degree")
        again = BSpline(spline.t, spline.c, spline.k, spline.extrapolate, spline.axis)
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise RefusedError(f"a spline is none: {error}") from None
    for one, other in ((spline.t, again.t), (spline.c, again.c)):
        same = type(one) is np.ndarray and one.dtype == other.dtype and one.shape == other.shape
        _require(same and one.flags.c_contiguous, "a spline is none")


CHECKS = {
    "scipy.sparse._base._spbase": _check_matrix,
    "sklearn.feature_extraction.text.CountVectorizer": _check_vocabulary,
    "sklearn.feature_extraction.text._VectorizerMixin": _check_text,
    "sklearn.feature_extraction._dict_vectorizer.DictVectorizer": _check_vocabulary,
    "sklearn.feature_extraction._hash.FeatureHasher": _check_hashing,
    "sklearn.feature_extraction.text.HashingVectorizer": _check_hashing,
    "sklearn.preprocessing._encoders.OneHotEncoder": _check_one_hot,
    "sklearn.preprocessing._label.MultiLabelBinarizer": _check_labels,
    "scipy.interpolate._bsplines.BSpline": _check_spline,
}
