"""Optuna: a study in memory, made of its record: for Optuna's plots and importances, or to go on from it.

Watches   nothing; `run.to_study()` asks
Records   nothing: in this study nothing is recorded while it is made
Never     needs the storage that the study was in
Needs     optuna.create_study, FrozenTrial (public)
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autotrack import run
from autotrack.errors import DataError, MissingLibraryError
from autotrack.objectives import directions_of, param, values_of
from autotrack.run import Run
from autotrack.types import Row
from autotrack_integrations.optuna.spaces import read_space

__all__ = ["to_study"]

_NOTED = "user_attrs."
_CONSTRAINT = "constraint_"
_REPORTED = "intermediate_value"
_STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "fail": "FAIL", "waiting": "WAITING"}


def to_study(study_run: Run) -> Any:
    """The study of a run.

    Raises:
        DataError: The run is no study.
        MissingLibraryError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise MissingLibraryError(
            "to_study() needs Optuna, which is not installed here.\nInstall it with: pip install optuna",
            library="optuna",
        ) from None
    row, children = study_run.with_children()
    directions: list[Any] = directions_of(row)
    if not directions:
        raise DataError(
            f"Run {study_run.id} ({study_run.name}) is no study.\n"
            "Expected the run of an Optuna study. Find them with: autotrack.search_runs(\"source = 'optuna'\")",
            run_id=study_run.id,
        )
    with run.paused():
        study = optuna.create_study(directions=directions, study_name=study_run.name)
        names = param(row, "metric_names")
        if names:
            study._storage.set_study_system_attr(study._study_id, "study:metric_names", names)
        for name, value in _noted(row).items():
            study.set_user_attr(name, value)
        reported = _reported(study_run, children)
        by_number = {int(child["tags"].get("trial", 0)): child for child in children}
        for number in range(max(by_number, default=-1) + 1):
            child = by_number.get(number, {"run_id": ""})  # nobody has recorded it: the others keep their numbers
            study.add_trial(_trial(study_run, child, len(directions), reported.get(child["run_id"], {})))
    return study


def _trial(study_run: Run, row: Row, count: int, reported: Mapping[int, float]) -> Any:
    """One trial. What is still running, was killed or is not on record has failed as far as the study is concerned."""
    from optuna.trial import FrozenTrial, TrialState

    tags = row.get("tags", {})
    distributions = read_space(tags.get("space", ""), study_run.data) if tags.get("space") else {}
    state = TrialState[_STATES.get(tags.get("state", ""), "FAIL")]
    constraints = _constraints(row)
    started = datetime.fromtimestamp(row.get("start_ts", 0) / 1e6)  # noqa: DTZ006  Optuna's are naive and local
    ended = datetime.fromtimestamp(row.get("end_ts", row.get("start_ts", 0)) / 1e6)  # noqa: DTZ006
    return FrozenTrial(
        number=0,
        trial_id=0,
        state=state,
        value=None,
        values=values_of(row, count) if state == TrialState.COMPLETE else _pruned_at(state.name, reported),
        datetime_start=None if state == TrialState.WAITING else started,
        datetime_complete=ended if state.is_finished() else None,
        params={name: _choice(param(row, name), each) for name, each in distributions.items()},
        distributions=distributions,
        user_attrs=_noted(row),
        system_attrs={f"constraints:{name}": value for name, value in constraints.items()},
        intermediate_values=dict(reported),
    )


def _pruned_at(state: str, reported: Mapping[int, float]) -> list[float] | None:
    """What Optuna takes for the value of a trial that it prunes: the last report, if that is a number."""
    last = reported[max(reported)] if state == "PRUNED" and reported else math.nan
    return None if math.isnan(last) else [last]


def _choice(value: Any, distribution: Any) -> Any:
    """The very choice of a categorical distribution: a tuple was recorded as a list."""
    for choice in getattr(distribution, "choices", ()):
        if type(choice) is type(value) and choice == value:
            return choice
    return value


def _noted(row: Row) -> dict[str, Any]:
    tags = row.get("tags", {})
    return {name.removeprefix(_NOTED): _read(text) for name, text in tags.items() if name.startswith(_NOTED)}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _constraints(row: Row) -> Mapping[str, float]:
    summaries = row.get("summary", {})
    return {
        name.removeprefix(_CONSTRAINT): summary["last"]
        for name, summary in summaries.items()
        if name.startswith(_CONSTRAINT)
    }


def _reported(study_run: Run, rows: Sequence[Row]) -> dict[str, dict[int, float]]:
    """What each trial reported, by its run id; all of it is read in one scan."""
    run_ids = [row["run_id"] for row in rows if _REPORTED in row.get("summary", {})]
    found = study_run.store.points_of(run_ids, _REPORTED)
    return {run_id: dict(zip(each.steps, each.values, strict=True)) for run_id, each in found.items()}
