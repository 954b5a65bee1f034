"""Histories made small enough to draw."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.errors import SearchError
from autotrack.query import downsample
from autotrack.types import History

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)


def history(values) -> History:
    count = len(values)
    times = [NOON + timedelta(seconds=step) for step in range(count)]
    return History([10 * step for step in range(count)], [step // 7 for step in range(count)], times, list(values))


def test_a_short_history_comes_back_as_it_is():
    short = history([1.0, math.nan, 3.0])
    assert downsample(short) is short
    assert downsample(history([]), 7).values == []


def test_peaks_ends_and_order_are_kept():
    values = [math.sin(step / 50) for step in range(10_000)]
    values[1234], values[5678] = 99.0, -99.0
    small = downsample(history(values), 400)
    assert 100 <= len(small) <= 400
    assert {99.0, -99.0} <= set(small.values)
    assert (small.values[0], small.values[-1]) == (values[0], values[-1])
    assert small.steps == sorted(small.steps)


def test_a_divergence_stays_visible_and_hides_no_finite_peak():
    values = [float(step % 10) for step in range(5000)]
    values[100], values[200], values[300], values[301] = math.inf, -math.inf, math.nan, 1e9
    values[4000:] = [math.nan] * 1000
    small = downsample(history(values), 70)
    by_step = dict(zip(small.steps, small.values, strict=True))
    assert by_step[1000] == math.inf
    assert by_step[2000] == -math.inf
    assert math.isnan(by_step[3000])
    assert by_step[3010] == 1e9
    assert math.isnan(small.values[-1])


def test_every_kept_point_is_a_point_of_the_history():
    whole = history([float(step) for step in range(100)])
    small = downsample(whole, 8)
    points = set(zip(whole.steps, whole.epochs, whole.times, whole.values, strict=True))
    assert set(zip(small.steps, small.epochs, small.times, small.values, strict=True)) <= points


def test_fewer_points_than_one_stretch_needs_is_an_error():
    with pytest.raises(SearchError, match="at least 7"):
        downsample(history([1.0]), 6)


@given(st.lists(st.floats(), max_size=200), st.integers(7, 60))
def test_there_are_never_more_than_asked_and_the_extremes_are_among_them(values, most):
    small = downsample(history(values), most)
    assert len(small) <= max(most, 0)
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        kept = [value for value in small.values if math.isfinite(value)]
        assert (min(kept), max(kept)) == (min(finite), max(finite))
    for odd in (math.isnan, lambda value: value == math.inf, lambda value: value == -math.inf):
        assert any(map(odd, small.values)) is any(map(odd, values))
