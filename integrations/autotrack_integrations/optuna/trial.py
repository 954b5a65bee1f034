"""Optuna: the record of one trial, which is a run inside that of its study.

Watches   nothing; study.py feeds it
Records   params    what was suggested, typed
          metrics   `value`, with several objectives `value_0`, `value_1` ..., and under the study's metric names;
                    `intermediate_value` of each report, by its step; `constraint_<name>`
          tags      `trial` (its number), `state` (complete, pruned, fail, running, waiting), `worker` (process and
                    thread, where it was begun here), `space` (spaces.py), `infeasible`, `user_attrs.<name>`
          status    finished; failed, with the error; finished with the reason `pruned at step 7`; killed, if its
                    process ends in it
Never     asks the storage for what the trial itself knows
Needs     Trial._cached_frozen_trial (private; checked on Optuna 4.0 to 5.0); without it the storage is asked
"""

import json
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.objectives import names_of_values
from autotrack.run import Recorder
from autotrack.run.buffer import now_us
from autotrack.run.held import Held
from autotrack.run.inputs import param_fields
from autotrack.run.late import LateRun
from autotrack.run.redact import redact_value
from autotrack.types import Row, RunStatus

__all__ = [
    "OpenTrial",
    "constraints_of",
    "frozen_of",
    "note",
    "outcome",
    "start_row",
    "started_us",
    "trial_id",
    "values_by_name",
    "worker",
]

_ID_GAP = 1 << 40  # a millisecond, in ids: trials sort behind their study, and short forms of its id mean the study
_MAX_NOTE = 10_000  # characters of one user attribute
_CONSTRAINTS = "constraints"
_STATUS: dict[str, RunStatus] = {"complete": "finished", "pruned": "finished", "fail": "failed"}


def trial_id(study_run_id: str, number: int) -> str:
    """The run id of a trial: the same in whatever process it is asked for."""
    return f"{int(study_run_id, 16) + _ID_GAP + number:022x}"


def frozen_of(trial: Any) -> Any:
    """What a trial knows of itself, without asking the storage where possible."""
    known = getattr(trial, "_cached_frozen_trial", None)
    return trial.storage.get_trial(trial._trial_id) if known is None else known


def start_row(number: int, run_id: str, common: Row, tags: Mapping[str, str], started_us: int) -> Row:
    """A trial that has begun."""
    return {
        **common,
        "run_id": run_id,
        "name": f"trial {number}",
        "status": "running",
        "start_ts": started_us,
        "tags": {**tags, "trial": str(number), "state": "running"},
    }


class OpenTrial:
    """A trial between ask and tell."""

    __slots__ = ("_trial", "_written", "number", "run")

    def __init__(self, trial: Any, row: Row, recorder: Recorder, *, is_held: bool) -> None:
        self.number = frozen_of(trial).number
        self.run = LateRun(row, recorder)
        self.run.held = Held() if is_held else None
        self._trial = weakref.ref(trial)
        self._written = 0  # params that are on record

    @property
    def frozen(self) -> Any:
        """What the trial knows of itself; None if it is gone."""
        trial = self._trial()
        return None if trial is None else frozen_of(trial)

    def write(self) -> None:
        """It takes longer than a moment: others shall see it, with the params it has by now."""
        self.run.write()
        frozen = self.frozen
        if frozen is not None and len(frozen.params) > self._written:
            params = dict(frozen.params)
            self._written = len(params)
            self.run.write(param_fields(params))

    def report(self, value: float, step: int) -> None:
        """Record an intermediate value, unless there is one of this step: then Optuna does not take it."""
        self.run.derive_metrics({"intermediate_value": value}, step)
        self.write()


def outcome(frozen: Any, state: str, space: str, constraints: Mapping[str, float]) -> Row:
    """The part of its row that says how a trial ended.

    Args:
        frozen: The trial, with its params, attributes and intermediate values.
        state: The name of its state, in small letters.
    """
    fields = param_fields(frozen.params)
    tags = {"state": state}
    if space:
        tags["space"] = space
    if any(value > 0 for value in constraints.values()):
        tags["infeasible"] = "yes"
    for name, value in frozen.user_attrs.items():
        tags[f"user_attrs.{name}"] = redact_value(str(name), note(value))
    fields["tags"] = tags
    if state in _STATUS:
        fields["status"] = _STATUS[state]
        fields["end_ts"] = now_us() if frozen.datetime_complete is None else _us(frozen.datetime_complete)
    if state == "pruned":
        steps = frozen.intermediate_values
        fields["reason"] = f"pruned at step {max(steps)}" if steps else "pruned"
    return fields


def values_by_name(
    values: Sequence[float] | None, names: Sequence[str] | None, taken: frozenset[str] = frozenset()
) -> dict[str, float]:
    """The objectives by the metrics that hold them.

    Args:
        names: The study's own names for them.
        taken: What the user has logged himself; that stays as it is.
    """
    if values is None:
        return {}
    found: dict[str, float] = {}
    for key, value in zip(names_of_values(len(values)), values, strict=True):
        found[f"objective_{key}" if key in taken else key] = float(value)
    for key, value in zip(names or (), values, strict=False):
        if key not in taken:
            found.setdefault(str(key), float(value))
    return found


def constraints_of(system_attrs: Mapping[str, Any]) -> dict[str, float]:
    """What the constraints came to, by name or number; more than 0 breaks one."""
    found = {str(index): float(value) for index, value in enumerate(system_attrs.get(_CONSTRAINTS) or ())}
    for key, value in system_attrs.items():
        if key.startswith(f"{_CONSTRAINTS}:"):
            found[key.partition(":")[2]] = float(value)
    return found


def started_us(frozen: Any) -> int:
    """When a trial began; of one that waits, now."""
    return now_us() if frozen.datetime_start is None else _us(frozen.datetime_start)


def _us(moment: Any) -> int:
    """A naive local time, as Optuna keeps it."""
    return int(moment.timestamp() * 1_000_000)


def note(value: Any) -> str:
    """A user attribute as text that can be read back: text as it is, unless it reads as something else."""
    if isinstance(value, str):
        text = json.dumps(value) if _reads_as_json(value) else value
    else:
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):
            text = repr(value)
    return text if len(text) <= _MAX_NOTE else text[: _MAX_NOTE - 3] + "..."


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def worker() -> str:
    """This process and thread: who runs a trial."""
    thread = threading.current_thread()
    return str(os.getpid()) if thread is threading.main_thread() else f"{os.getpid()} {thread.name}"
