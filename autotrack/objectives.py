"""What the children of a search say of how good they are, as rows: their objectives, which of them is the best.

A study is a run with the param `directions`; its children are trials: the tag `state` says how one ended, the metric
`value` what it reached, with several objectives `value_0`, `value_1` ...; the tag `infeasible`, that it broke a
constraint; the tag `ranked`, that it counts although it was stopped early. Other searches name their best candidate
themselves, by the param `best_index`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.types import Row
from autotrack.values import decode

__all__ = ["best_of_search", "directions_of", "front", "is_ranked", "names_of_values", "param", "values_of"]


def param(row: Row, name: str) -> Any:
    """One param of a run, with its type; None if it has none such."""
    text = row.get("params", {}).get(name)
    return None if text is None else decode(text, row.get("param_types", {}).get(name))


def directions_of(search: Row) -> list[str]:
    """`minimize` or `maximize`, for each objective; empty if the run is no study."""
    found = param(search, "directions")
    return [str(each) for each in found] if isinstance(found, list) else []


def names_of_values(count: int) -> list[str]:
    """The metrics that hold the objectives of a trial."""
    return ["value"] if count == 1 else [f"value_{index}" for index in range(count)]


def values_of(trial: Row, count: int) -> list[float] | None:
    """The objectives of a trial; None if it did not reach any.

    Where the user logs a metric of such a name, ours is `objective_value`.
    """
    summaries = trial.get("summary", {})
    found = [summaries.get(f"objective_{name}") or summaries.get(name) for name in names_of_values(count)]
    values = [each["last"] for each in found if each is not None]
    return values if len(values) == count else None


def is_ranked(trial: Row) -> bool:
    """Whether a trial may be the best one: complete, or stopped early where the search says so; within constraints."""
    tags = trial.get("tags", {})
    return (tags.get("state") == "complete" or "ranked" in tags) and "infeasible" not in tags


def best_of_search(search: Row, children: Sequence[Row]) -> Row | None:
    """The best child of a search with one objective; None if there is none, or no single one."""
    directions = directions_of(search)
    if not directions:
        index = param(search, "best_index")
        return next((row for row in children if row.get("name") == f"candidate {index}"), None)
    if len(directions) > 1:
        return None
    ranked = [(values[0], row) for row in children if is_ranked(row) and (values := values_of(row, 1)) is not None]
    found = [(value, row) for value, row in ranked if not math.isnan(value)]
    if not found:
        return None
    choose = max if directions[0] == "maximize" else min
    return choose(found, key=lambda each: each[0])[1]  # of equals the first


def front(directions: Sequence[str], values: Mapping[int, Sequence[float]]) -> list[int]:
    """Whose values no others are better than in all objectives, or better in one and equal in the rest."""
    signs = [-1.0 if direction == "maximize" else 1.0 for direction in directions]
    losses = {key: [sign * value for sign, value in zip(signs, found, strict=True)] for key, found in values.items()}
    kept: list[int] = []
    for key in sorted(losses, key=lambda each: (losses[each], each)):  # who is better in some way comes earlier
        loss = losses[key]
        if not any(_is_dominated(loss, losses[other]) for other in kept):
            kept.append(key)
    return sorted(kept)


def _is_dominated(loss: Sequence[float], by: Sequence[float]) -> bool:
    return loss != by and all(theirs <= ours for ours, theirs in zip(loss, by, strict=True))
