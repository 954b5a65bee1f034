"""A run on record compared with its entry in the script's `# expect:` block and with the observed truth."""

import math
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from autotrack.run import Run

__all__ = ["KEYS", "differences", "entries"]

KEYS = {"name", "count", "status", "error", "epochs", "steps", "params", "metrics", "history", "models", "tags"}
KEYS |= {"lacks"}

Points = list[tuple[float, int | None, int]]  # value, epoch, optimizer steps done before it


def entries(expected: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry a run, in the order of their start."""
    return [entry for entry in expected["run"] for _ in range(entry.get("count", 1))]


def differences(found: Sequence[Run], wanted: list[dict[str, Any]], truth: dict[str, Any]) -> Iterator[str]:
    """What is on record and should not be, or should be and is not; a line each."""
    if len(found) != len(wanted):
        yield f"{len(found)} runs, not {len(wanted)}: {[one.name for one in found]}"
    for number, (one, entry) in enumerate(zip(found, wanted, strict=False)):
        observed = {name: points for (run, name), points in truth["values"].items() if run == number}
        for difference in (*_entry(one, entry), *_series(one, observed)):
            yield f"run {number}: {difference}"


def _entry(one: Run, entry: dict[str, Any]) -> Iterator[str]:
    """What the block says."""
    losses = one.history("train_loss")
    models = entry.get("models", [])
    # A run may know its best epoch by its training loss.
    unasked = {name for name in one.models if name.startswith("best")} - set(models)
    is_wanted: dict[str, tuple[Any, Any]] = {
        "status": (one.status, entry.get("status", "finished")),
        "lacks": (sorted(one.lacks), sorted(entry.get("lacks", []))),
        "models": (sorted(one.models.keys() - unasked), sorted(models)),
        "epochs": (len(set(losses.epochs) - {None}), entry.get("epochs")),
        "steps": (len(losses), entry.get("steps")),
    }
    for what, (is_now, wanted) in is_wanted.items():
        if wanted is not None and is_now != wanted:
            yield f"{what}: {is_now!r}, not {wanted!r}{f' ({one.error})' if what == 'status' else ''}"
    if not fnmatchcase(one.name, entry.get("name", "*")):
        yield f"name: {one.name!r}, not {entry['name']!r}"
    if entry.get("error", "") not in (one.error or ""):
        yield f"error: {one.error!r} is without {entry['error']!r}"
    for kind, has in (("params", one.params), ("tags", one.tags)):
        for key, value in entry.get(kind, {}).items():
            if key not in has or not _is_equal(has[key], value):
                yield f"{kind}: {key} = {has.get(key, '(not recorded)')!r}, not {value!r}"
    for key, value in entry.get("metrics", {}).items():
        if isinstance(value, bool):
            if (key in one.metrics) != value:
                yield f"metrics: {key} is {'missing' if value else 'there'}; there are {sorted(one.metrics)}"
        elif not _is_close(one.metrics.get(key), value):
            yield f"metrics: {key} = {one.metrics.get(key)!r}, not {value!r}"
    for key, count in entry.get("history", {}).items():
        if len(one.history(key)) != count:
            yield f"history: {key} has {len(one.history(key))} values, not {count}"


def _series(one: Run, observed: dict[str, Points]) -> Iterator[str]:
    """What the observer saw: each value, the epoch of training losses, the steps done before an evaluation."""
    losses = observed.get("train_loss")
    if losses and "train_loss_epoch" not in observed:
        yield from _epoch_means(one, losses)
    for name, points in observed.items():
        history = one.history(name)
        if not history.values:
            yield f"{name} is missing; there are {sorted(one.metrics)}"
            continue
        values = [value for value, _, _ in points]
        if re.fullmatch(r"lr(_\d+)?", name):  # on record where it changes
            yield from _values(name, _changes(history.values), _changes(values))
            continue
        yield from _values(name, history.values, values)
        if name == "train_loss" and len(history) == len(points):
            yield from _same(f"steps of {name}", history.steps, list(range(len(points))))
            if points[0][1] is not None:
                yield from _same(f"epochs of {name}", history.epochs, [epoch for _, epoch, _ in points])
        elif losses and name.startswith(("val_", "test_")) and len(history) == len(points):
            yield from _same(f"steps of {name}", history.steps, [done for _, _, done in points])


def _epoch_means(one: Run, losses: Points) -> Iterator[str]:
    """The mean of each epoch; none where each epoch is a single step, or nobody says what an epoch is."""
    by_epoch: dict[int, list[float]] = {}
    for value, epoch, _ in losses:
        if epoch is not None:
            by_epoch.setdefault(epoch, []).append(value)
    if by_epoch:
        is_left_out = all(len(values) == 1 for values in by_epoch.values())
        means = [] if is_left_out else [sum(values) / len(values) for values in by_epoch.values()]
        yield from _values("train_loss_epoch", one.history("train_loss_epoch").values, means)


def _values(name: str, values: Sequence[float], wanted: Sequence[float]) -> Iterator[str]:
    if len(values) != len(wanted):
        yield f"{name} has {len(values)} values, not {len(wanted)}: {_start(values)}, not {_start(wanted)}"
        return
    for index, (is_now, value) in enumerate(zip(values, wanted, strict=True)):
        if not _is_close(is_now, value):
            yield f"{name}[{index}] = {is_now!r}, not {value!r}"
            return


def _changes(values: Sequence[float]) -> list[float]:
    return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]


def _same(what: str, values: Sequence[Any], wanted: list[Any]) -> Iterator[str]:
    if list(values) != wanted:
        yield f"{what}: {_start(values)}, not {_start(wanted)}"


def _start(values: Sequence[Any]) -> str:
    return f"{list(values[:8])}{'...' if len(values) > 8 else ''}"


def _is_equal(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and value == wanted


def _is_close(value: float | None, wanted: float) -> bool:
    """Equal to six digits."""
    if value is None:
        return False
    return (math.isnan(value) and math.isnan(wanted)) or math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-9)
