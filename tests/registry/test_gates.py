"""Gates: what must hold for a version to be promoted, what is recorded of it, and what never passes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autotrack
from autotrack.errors import AutotrackWarning, DataError, GateFailedError, SearchError
from autotrack.gates import Contender, same_data
from autotrack.registry import Registry
from autotrack.store import Store

Version = Callable[..., int]


@pytest.fixture
def version(store_path: Path) -> Version:
    """`version(test_f1=0.9, data="a")`: a registered version of a run with these metrics, tested on this data."""
    autotrack.enable(store=store_path)

    def make(*, data: str = "same", tags: dict[str, str] | None = None, **metrics: float) -> int:
        with autotrack.start_run(params={"C": 1.0}) as run:
            run.log_metrics(metrics)
            run.describe_data({"X_test": {"kind": "ndarray", "fingerprint": f"xxh3:{data}"}})
            run.log_model({"made of": dict(metrics)})
        return autotrack.register_model(run, "churn", tags=tags).version

    return make


def gate_of(store_path: Path) -> dict[str, Any]:
    """What is on record of the newest gate."""
    newest = max((store_path / "registry" / "churn").glob("0*.json"))
    found: dict[str, Any] = json.loads(newest.read_text())["gate"]
    return found


def test_rule_against_the_champion_lets_only_what_is_as_good_pass(version: Version, store_path: Path) -> None:
    rule = "metrics.test_f1 >= champion"
    autotrack.registry.promote("churn", version(test_f1=0.8), gate=rule)
    with pytest.raises(
        GateFailedError, match=r"`metrics.test_f1 >= champion` does not hold. metrics.test_f1 is 0.7, of 'champion' 0.8"
    ) as failed:
        autotrack.registry.promote("churn", version(test_f1=0.7), gate=rule)
    assert failed.value.__dict__["gate"]["values"] == {"metrics.test_f1": {"candidate": 0.7, "champion": 0.8}}
    assert autotrack.registry.aliases("churn") == {"champion": 1}
    autotrack.registry.promote("churn", version(test_f1=0.8 + 1e-9), gate=rule)
    gate = gate_of(store_path)
    assert (gate["rule"], gate["passed"], gate["forced"], gate["compared_with"]) == (rule, True, False, {"champion": 1})
    assert gate["values"] == {"metrics.test_f1": {"candidate": 0.8 + 1e-9, "champion": 0.8}}
    assert gate["data"] == {"metrics.test_f1": "same"}


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("metrics.test_f1 >= champion + 0.01", True),
        ("metrics.test_f1 >= champion +0.01", True),
        ("metrics.test_f1 > champion + 0.2", False),
        ("metrics.test_f1 >= champion - 1e-3", True),
        ("metrics.val_loss < champion", True),
        ("metrics.val_loss <= champion - 0.5", False),
        ("metrics.val_loss < 0.3", True),
        ("metrics.val_loss.min < 0.3 and params.C = 1", True),
        ("metrics.test_f1 >= champion and tags.approved = 'yes'", True),
        ("metrics.test_f1 >= champion and tags.approved = 'no'", False),
        ("metrics.test_f1 < champion or metrics.val_loss < champion", True),
        ("not metrics.test_f1 >= champion", False),
        ("(metrics.test_f1 >= champion + 0.5 or metrics.val_loss < 0.3) and status = 'finished'", True),
    ],
)
def test_rule_is_a_search_with_the_champion_as_a_number(version: Version, rule: str, passes: bool) -> None:
    autotrack.registry.promote("churn", version(test_f1=0.8, val_loss=0.5))
    number = version(test_f1=0.9, val_loss=0.2, tags={"approved": "yes"})
    if passes:
        assert autotrack.registry.promote("churn", number, gate=rule).aliases == ("champion",)
    else:
        with pytest.raises(GateFailedError):
            autotrack.registry.promote("churn", number, gate=rule)


def test_first_champion_passes_and_that_is_said(version: Version, store_path: Path) -> None:
    autotrack.registry.promote("churn", version(test_f1=0.1), gate="metrics.test_f1 >= champion + 0.01")
    gate = gate_of(store_path)
    assert gate["compared_with"] == {"champion": None}
    assert gate["notes"] == ["There is no 'champion' yet: what compares with it passes, as for the first one."]


def test_first_champion_still_has_to_keep_to_the_rest_of_the_rule(version: Version) -> None:
    with pytest.raises(GateFailedError, match=r"Version 1 has no tags\.approved"):
        autotrack.registry.promote(
            "churn", version(test_f1=0.9), gate="metrics.test_f1 >= champion and tags.approved = 'yes'"
        )
    with pytest.raises(GateFailedError, match="Version 2 has no metric 'test_f1'"):
        autotrack.registry.promote("churn", version(loss=0.9), gate="metrics.test_f1 >= champion")


@pytest.mark.parametrize(
    "rule",
    [
        "metrics.test_f1 >= champion",
        "metrics.test_f1 < champion",
        "metrics.test_f1 != 3",
        "not metrics.test_f1 > 0",
        "metrics.test_f1 > 0.5 or metrics.val_loss < 1",
    ],
)
def test_nan_never_passes(version: Version, rule: str) -> None:
    first = version(test_f1=float("nan"), val_loss=0.1)
    with pytest.raises(GateFailedError, match=r"metrics.test_f1 of version 1 is NaN, which never passes"):
        autotrack.registry.promote("churn", first, gate=rule)


def test_champion_with_nan_is_not_beaten_but_by_force(version: Version, store_path: Path) -> None:
    autotrack.registry.promote("churn", version(test_f1=float("nan")))
    better = version(test_f1=0.9)
    with pytest.raises(GateFailedError, match=r"metrics.test_f1 of version 1, 'champion', is NaN"):
        autotrack.registry.promote("churn", better, gate="metrics.test_f1 >= champion")
    autotrack.registry.promote("churn", better, gate="metrics.test_f1 >= champion", force=True, reason="it is broken")
    gate = gate_of(store_path)
    assert (gate["passed"], gate["forced"]) == (False, True)
    assert gate["values"] == {"metrics.test_f1": {"candidate": 0.9, "champion": "nan"}}


def test_missing_metric_is_refused_with_the_names_there_are(version: Version) -> None:
    autotrack.registry.promote("churn", version(test_f1=0.8))
    number = version(test_f1_macro=0.9, val_loss=0.1)
    with pytest.raises(
        GateFailedError,
        match=r"Version 2 has no metric 'test_f1'. Did you mean 'test_f1_macro'\? It has: test_f1_macro, val_loss\.",
    ):
        autotrack.registry.promote("churn", number, gate="metrics.test_f1 >= champion")
    with pytest.raises(GateFailedError, match=r"Version 1 has no metric 'val_loss'\. It has: test_f1\."):
        autotrack.registry.promote("churn", number, gate="metrics.val_loss <= champion")


def test_missing_metric_among_many_is_told_with_a_few_of_them(version: Version) -> None:
    number = version(**{f"m{at}": 0.5 for at in range(9)})
    with pytest.raises(GateFailedError, match=r"no metric 'other'\. It has: m0, m1, m2 and 6 more\."):
        autotrack.registry.promote("churn", number, gate="metrics.other > 0")


def test_comparison_across_different_test_data_is_said(version: Version, store_path: Path) -> None:
    autotrack.registry.promote("churn", version(test_f1=0.8, data="may"))
    number = version(test_f1=0.9, data="june")
    with pytest.warns(AutotrackWarning, match="of version 2 and of version 1 were computed on different data"):
        autotrack.registry.promote("churn", number, gate="metrics.test_f1 >= champion")
    gate = gate_of(store_path)
    assert gate["data"] == {"metrics.test_f1": "different"}
    assert len(gate["warnings"]) == 1


def test_failed_comparison_across_different_data_says_so_in_the_error(version: Version) -> None:
    autotrack.registry.promote("churn", version(test_f1=0.8, data="may"))
    with pytest.raises(GateFailedError, match="computed on different data"):
        autotrack.registry.promote("churn", version(test_f1=0.7, data="june"), gate="metrics.test_f1 >= champion")


@pytest.mark.parametrize(
    ("metric", "first", "second", "answer"),
    [
        ("test_f1", {"X_test": "xxh3:a", "X": "xxh3:1"}, {"X_test": "xxh3:a", "X": "xxh3:2"}, "same"),
        ("test_f1", {"X_test": "xxh3:a", "y_test": "xxh3:b"}, {"X_test": "xxh3:a", "y_test": "xxh3:c"}, "different"),
        ("test_f1", {"X_test": "xxh3:a"}, {"X_test": "s64:a"}, "unknown"),  # full and sampled say nothing of each other
        ("test_f1", {"X_test": "xxh3:a"}, {}, "unknown"),
        ("f1", {"X_test": "xxh3:a"}, {"X_test": "xxh3:a"}, "unknown"),
        ("train_f1", {"X": "xxh3:1"}, {"X": "xxh3:2"}, "different"),
        (
            "test_2_f1",
            {"X_test": "xxh3:a", "X_test_2": "xxh3:b"},
            {"X_test": "xxh3:a", "X_test_2": "xxh3:c"},
            "different",
        ),
    ],
)
def test_data_of_a_metric_is_told_by_its_name(
    metric: str, first: dict[str, str], second: dict[str, str], answer: str
) -> None:
    rows = [
        {"data": {name: json.dumps({"fingerprint": fingerprint}) for name, fingerprint in side.items()}}
        for side in (first, second)
    ]
    assert same_data(metric, *rows) == answer  # type: ignore[arg-type]


def test_gate_may_be_a_function_of_candidate_and_current(version: Version, store_path: Path) -> None:
    seen: list[tuple[float, float | None]] = []

    def better(candidate: Contender, current: Contender | None) -> bool:
        seen.append((candidate.metrics["test_f1"], current and current.metrics["test_f1"]))
        return current is None or candidate.metrics["test_f1"] > current.metrics["test_f1"]

    autotrack.registry.promote("churn", version(test_f1=0.8), gate=better)
    assert "better" in gate_of(store_path)["rule"]
    with pytest.raises(GateFailedError, match="It gave False"):
        autotrack.registry.promote("churn", version(test_f1=0.8), gate=better)
    assert seen == [(0.8, None), (0.8, 0.8)]


def test_function_that_raises_changes_nothing_and_reaches_the_caller(version: Version) -> None:
    def broken(candidate: Contender, current: Contender | None) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        autotrack.registry.promote("churn", version(test_f1=0.8), gate=broken)
    assert autotrack.registry.aliases("churn") == {}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("metrics.test_f1 >= champoin", r"`champoin` is neither a number"),
        ("tags.approved = champion", "`champion` stands here in the place of a number"),
        ("metrics.test_f1 = champion", "`champion` stands here"),
        ("champion", "`champion` stands here"),
        ("metrics.test_f1 >= champion and", "Expected a field"),
        ("metrics.test_f1 >=", "Expected a value"),
        ("", "The gate is empty"),
        ("import os", "There is no field"),
        ("metrics.test_f1 >= champion * 2", r"'\*' has no meaning"),
    ],
)
def test_rule_that_cannot_be_read_is_told_at_its_place(version: Version, rule: str, told: str) -> None:
    number = version(test_f1=0.9)
    with pytest.raises(SearchError, match=told) as caught:
        autotrack.registry.promote("churn", number, gate=rule)
    assert rule.strip() in str(caught.value)


def test_gate_that_is_neither_rule_nor_function_is_refused(version: Version) -> None:
    number = version(test_f1=0.9)
    with pytest.raises(DataError, match="A gate of type int cannot be asked"):
        autotrack.registry.promote("churn", number, gate=3)  # type: ignore[arg-type]


def test_champion_is_the_champion_also_where_something_else_is_promoted_to(version: Version) -> None:
    autotrack.registry.promote("churn", version(test_f1=0.9))
    autotrack.registry.promote("churn", version(test_f1=0.5), to="staging")
    third = version(test_f1=0.7)
    with pytest.raises(GateFailedError):
        autotrack.registry.promote("churn", third, to="staging", gate="metrics.test_f1 >= champion")
    assert autotrack.registry.promote("churn", third, to="staging", gate="metrics.test_f1 >= staging").version == 3


def test_metrics_of_a_run_that_is_gone_are_those_the_package_says(version: Version, store_path: Path) -> None:
    version(test_f1=0.9)
    registry = Registry(Store.open(store_path))
    elsewhere = Registry(Store.open(store_path / "elsewhere", create=True))
    known = registry.resolve("churn/1")
    for sha256 in (known.manifest,):
        elsewhere.register("churn", elsewhere.store.blobs.put(registry.store.blobs.get(sha256)), run_id=known.run_id)
    assert elsewhere.promote("churn", 1, gate="metrics.test_f1 > 0.8").version == 1
    gate = elsewhere.history("churn")[-1].detail["gate"]
    assert gate["notes"] == ["The metrics of version 1 are what its package says: its run is not here."]


def test_version_that_came_of_no_run_has_no_metrics(registry: Registry, package: Callable[..., str]) -> None:
    registry.register("churn", package(registry.store))
    with pytest.raises(GateFailedError, match=r"Version 1 came of no run that is known here, so it has no metrics\.f1"):
        registry.promote("churn", 1, gate="metrics.f1 > 0")
    registry.set_tag("churn", 1, "approved", "yes")
    assert registry.promote("churn", 1, gate="tags.approved = 'yes'").version == 1
