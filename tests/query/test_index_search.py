"""Searching a store through its index: what people see is what they saw without one."""

import warnings

import pytest

from autotrack.errors import AmbiguousRunError, AutotrackWarning, RunNotFoundError
from autotrack.query import Runs, resolve, search
from autotrack.query.indexed import LazyRows

NOON = 1_700_000_000_000_000


def row(number: int, **fields) -> dict:
    start = {"start_ts": NOON + number, "end_ts": NOON + number + 5}
    return {"run_id": f"0190{number:018d}", "name": f"run {number}", "status": "finished", **start, **fields}


def names(rows) -> list[str]:
    return [found["name"] for found in rows]


@pytest.fixture
def ten(store, journal):
    """Ten sealed runs, and two live ones that belong in between and at the end."""
    journal(
        store, [row(2 * number, metrics={"acc": [number / 10]}, params={"C": str(number)}) for number in range(10)]
    ).close()
    store.seal()
    journal(store, [row(5, metrics={"acc": [0.25]}), row(30, status="running")])
    return store


def test_live_runs_stand_where_they_belong_among_sealed_ones(ten):
    assert names(search(ten, "metrics.acc >= 0.2", order_by="metrics.acc", limit=3)) == ["run 4", "run 5", "run 6"]
    assert names(search(ten, limit=3)) == ["run 30", "run 18", "run 16"]
    assert names(search(ten)) == names(sorted(ten.rows().values(), key=lambda one: -one["start_ts"]))


def test_a_key_that_only_a_live_run_has_is_known_and_others_are_told(ten, journal):
    journal(ten, [row(40, tags={"team": "vision"})])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names(search(ten, "tags.team = 'vision'")) == ["run 40"]
    with pytest.warns(AutotrackWarning, match="No run has the metric 'ac'. Did you mean 'acc'") as told:
        search(ten, "metrics.ac > 1")
    assert told[0].filename == __file__


def test_a_run_is_found_by_a_prefix_of_its_id(ten):
    assert resolve(ten, f"0190{6:018d}")["name"] == "run 6"
    assert resolve(ten, f"0190{3:017d}")["name"] == "run 30"
    with pytest.raises(AmbiguousRunError) as caught:
        resolve(ten, "0190")
    assert len(caught.value.candidates) == 12
    assert "run 30" in str(caught.value)
    with pytest.raises(RunNotFoundError, match="A run named 'run 8' has the id '0190"):
        resolve(ten, "run 8")


def test_children_come_from_sealed_and_live_runs_oldest_first(ten, journal):
    parent = row(0)["run_id"]
    journal(ten, [row(50, parent_run_id=parent)]).close()
    ten.seal()
    journal(ten, [row(45, parent_run_id=parent), row(46, parent_run_id="another")])
    assert names(ten.children(parent)) == ["run 45", "run 50"]


def test_runs_of_an_index_are_made_when_they_are_looked_at(ten):
    found = search(ten)
    assert isinstance(found, LazyRows)
    runs = Runs(found, lambda one: one["name"])
    assert len(runs) == 12
    assert (runs[0], runs[-1]) == ("run 30", "run 0")
    assert list(runs[1:3]) == ["run 18", "run 16"]
    assert runs.rows == list(found)
    assert runs.to_arrow().num_rows == 12
    assert "12 runs" in repr(runs)
    assert search(ten, limit=0) == []
