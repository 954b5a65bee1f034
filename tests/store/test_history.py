"""A history is a numpy array that behaves as lists of Python values do."""

from datetime import UTC, datetime

import numpy as np
import pytest

from autotrack.store.history import history_of
from autotrack.store.journal import NO_EPOCH


@pytest.fixture
def history():
    return history_of(
        np.array([0, 1, 5]), np.array([0, NO_EPOCH, 2]), np.array([0, 1_000_000, 2_500_000]), np.array([0.5, 1.5, -0.0])
    )


def test_columns_hold_python_values_of_the_right_types(history):
    assert history.steps == [0, 1, 5]
    assert history.epochs == [0, None, 2]
    assert list(history.times) == [
        datetime(1970, 1, 1, 0, 0, s, us, tzinfo=UTC) for s, us in ((0, 0), (1, 0), (2, 500_000))
    ]
    assert history.values == [0.5, 1.5, -0.0]
    assert [type(column[0]) for column in (history.steps, history.epochs, history.times, history.values)] == [
        int,
        int,
        datetime,
        float,
    ]
    assert len(history) == 3


def test_columns_are_cut_and_indexed_as_lists_are(history):
    assert history.steps[1:] == [1, 5]
    assert (history.steps[-1], history.epochs[1:][0]) == (5, None)
    with pytest.raises(IndexError):
        history.values[3]
    assert history.steps != [0, 1]
    assert history.steps != "abc"
    assert repr(history.epochs) == "[0, None, 2]"


def test_numpy_gets_the_arrays_themselves(history):
    assert np.shares_memory(np.asarray(history.values), np.asarray(history.values))
    assert np.asarray(history.times).dtype == np.dtype("datetime64[us]")
    assert np.asarray(history.steps, dtype=float).tolist() == [0.0, 1.0, 5.0]
