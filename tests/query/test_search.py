"""Searching, ordering, finding one run, and the sequence that comes back."""

import math
import warnings

import pytest

from autotrack.errors import AmbiguousRunError, AutotrackWarning, RunNotFoundError, SearchError
from autotrack.query import Runs, parse, resolve, search, unknown_keys

SECOND = 1_000_000  # microseconds


class Source:
    """Rows as a store gives them back."""

    def __init__(self, *rows: dict) -> None:
        self.by_id = {row["run_id"]: row for row in rows}

    def rows(self, run_ids=None) -> dict:
        return {run_id: row for run_id, row in self.by_id.items() if run_ids is None or run_id in run_ids}


def run(number: int, acc: float | None = None, **fields) -> dict:
    summary = {} if acc is None else {"acc": {"last": acc, "min": acc, "max": acc, "last_step": 0, "count": 1}}
    return {
        "run_id": f"{number:022d}",
        "name": f"run {number}",
        "experiment": "first",
        "status": "finished",
        "start_ts": number * SECOND,
        "end_ts": (number + 1) * SECOND,
        "summary": summary,
        **fields,
    }


def params(**texts_and_types) -> dict:
    return {
        "params": {key: text for key, (text, _) in texts_and_types.items()},
        "param_types": {key: kind for key, (_, kind) in texts_and_types.items()},
    }


def names(rows) -> list[str]:
    return [row["name"] for row in rows]


def test_runs_come_newest_first():
    assert names(search(Source(run(1), run(3), run(2)))) == ["run 3", "run 2", "run 1"]


def test_where_experiment_and_limit_narrow_the_search():
    source = Source(run(1, 0.9), run(2, 0.5), run(3, 0.8, experiment="other"), run(4, 0.95))
    assert names(search(source, "metrics.acc > 0.6")) == ["run 4", "run 3", "run 1"]
    assert names(search(source, "metrics.acc > 0.6", experiment="first")) == ["run 4", "run 1"]
    assert names(search(source, "metrics.acc > 0.6", limit=1)) == ["run 4"]
    assert names(search(source, None, experiment="none such")) == []
    assert names(search(source, limit=0)) == []


def test_order_by_sorts_with_nan_then_missing_values_last_in_either_direction():
    source = Source(run(1, 0.5), run(2), run(3, math.nan), run(4, 0.9), run(5, 0.5))
    assert names(search(source, order_by="metrics.acc")) == ["run 5", "run 1", "run 4", "run 3", "run 2"]
    assert names(search(source, order_by="metrics.acc DESC")) == ["run 4", "run 5", "run 1", "run 3", "run 2"]


def test_order_by_takes_several_keys_as_one_text_or_a_list():
    source = Source(run(1, 0.5), run(2, 0.9), run(3, 0.5))
    expected = ["run 2", "run 1", "run 3"]
    assert names(search(source, order_by="metrics.acc desc, started_at")) == expected
    assert names(search(source, order_by=["metrics.acc desc", "started_at asc"])) == expected


def test_params_sort_by_their_type_with_numbers_before_texts():
    source = Source(
        run(1, **params(C=("10", "int"))), run(2, **params(C=("9.5", "float"))), run(3, **params(C=("auto", "string")))
    )
    assert names(search(source, order_by="params.C")) == ["run 2", "run 1", "run 3"]


@pytest.mark.parametrize(
    "order_by", ["acc", "metrics.acc down", "metrics.acc,", "metrics.acc started_at", 3, ["metrics.acc", None]]
)
def test_an_order_by_that_cannot_be_read_is_a_search_error(order_by):
    with pytest.raises(SearchError, match=r"order_by=|Expected one of"):
        search(Source(), order_by=order_by)


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True])
def test_a_limit_that_is_no_count_is_a_search_error(limit):
    with pytest.raises(SearchError, match="limit is"):
        search(Source(), limit=limit)


def test_a_key_no_run_has_is_told_with_the_nearest_at_the_line_of_the_caller():
    source = Source(run(1, 0.5, **params(learning_rate=("0.1", "float"))))
    with pytest.warns(
        AutotrackWarning, match="No run has the param 'learning_rat'. Did you mean 'learning_rate'"
    ) as told:
        assert search(source, "params.learning_rat > 0") == []
    assert told[0].filename == __file__
    with pytest.warns(AutotrackWarning, match="No run has the metric 'loss'"):
        search(source, order_by="metrics.loss")


def test_nothing_is_told_of_known_keys_of_is_null_or_of_an_empty_store():
    source = Source(run(1, 0.5, **params(C=("None", "null"))), run(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search(source, "metrics.acc.min > 0 and params.C = 3 and tags.nothing is null")
        search(Source(), "params.C = 3")


def test_unknown_keys_are_those_that_no_row_has():
    rows = [run(1, 0.5)]
    assert [str(key) for key in unknown_keys(parse("metrics.acc > 1 or params.x = 1 or not tags.y = 'z'"), rows)] == [
        "params.x",
        "tags.y",
    ]


def test_a_run_is_found_by_its_id_or_a_prefix_that_only_it_has():
    source = Source({"run_id": "0190a" + "0" * 17, "name": "a"}, {"run_id": "0190b" + "0" * 17, "name": "b"})
    assert resolve(source, "0190a" + "0" * 17)["name"] == "a"
    assert resolve(source, "0190b")["name"] == "b"
    assert resolve(source, " 0190B ")["name"] == "b"


def test_an_ambiguous_prefix_lists_the_candidates():
    source = Source(*({"run_id": f"0190{number:018d}", "name": f"run {number}"} for number in range(8)))
    with pytest.raises(AmbiguousRunError) as caught:
        resolve(source, "0190")
    assert len(caught.value.candidates) == 8
    assert "8 runs" in str(caught.value)
    assert "run 7" in str(caught.value)
    assert "3 more" in str(caught.value)


def test_an_unknown_id_is_told_with_the_nearest_or_the_run_of_that_name():
    source = Source({"run_id": "0190a" + "0" * 17, "name": "my run"})
    with pytest.raises(RunNotFoundError, match="Did you mean '0190a"):
        resolve(source, "0190c" + "0" * 17)
    with pytest.raises(RunNotFoundError, match="A run named 'my run' has the id '0190a"):
        resolve(source, "my run")
    with pytest.raises(RunNotFoundError, match="no runs yet"):
        resolve(Source(), "0190")
    for nonsense in ("", "  ", None, 3):
        with pytest.raises(RunNotFoundError, match="is no run id"):
            resolve(source, nonsense)


def test_runs_are_a_sequence_that_opens_a_run_when_it_is_asked_for():
    opened = []
    runs = Runs([run(1), run(2), run(3)], lambda row: opened.append(row["name"]) or row["name"])
    assert len(runs) == 3
    assert bool(runs)
    assert not opened
    assert runs[-1] == "run 3"
    assert list(runs) == ["run 1", "run 2", "run 3"]
    assert isinstance(runs[1:], Runs)
    assert list(runs[1:]) == ["run 2", "run 3"]
    assert "run 2" in runs
    with pytest.raises(IndexError):
        runs[3]


def test_the_repr_is_a_small_table():
    text = repr(Runs([run(number, 0.25) for number in range(30)], dict))
    assert text.splitlines()[0] == "30 runs"
    assert text.splitlines()[1].split() == ["id", "name", "status", "started", "duration", "acc"]
    assert "0.25" in text
    assert text.splitlines()[-1] == "... 20 more"
    assert repr(Runs([], dict)) == "No runs"


def test_html_shows_names_as_text_never_as_markup():
    nasty = "<script>alert('x')</script>"
    row = run(1, name=nasty)
    row["summary"] = {nasty: {"last": 1.0, "min": 1.0, "max": 1.0, "last_step": 0, "count": 1}}
    html = Runs([row], dict)._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 2


def test_the_text_table_holds_no_control_characters_of_a_name():
    assert "\x1b" not in repr(Runs([run(1, name="red \x1b[31m")], dict))
