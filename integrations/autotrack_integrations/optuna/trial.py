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
import weakref
from collections.abc import Mapping
from typing import Any

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
    "started_us",
]

_MAX_NOTE = 10_000  # characters of one user attribute
_CONSTRAINTS = "constraints"
_STATUS: dict[str, RunStatus] = {"complete": "finished", "pruned": "finished", "fail": "failed"}


def frozen_of(trial: Any) -> Any:
    """What a trial knows of itself, without asking the storage where possible."""
    known = getattr(trial, "_cached_frozen_trial", None)
    return trial.storage.get_trial(trial._trial_id) if known is None else known


class OpenTrial:
    """A trial between ask and tell."""

    __slots__ = ("_reported", "_trial", "_written", "number", "run")

    def __init__(self, trial: Any, row: Row, recorder: Recorder, *, is_held: bool) -> None:
        self.number = frozen_of(trial).number
        self.run = LateRun(row, recorder)
        self.run.held = Held() if is_held else None
        self._trial = weakref.ref(trial)
        self._written = 0  # params that are on record
        self._reported: set[int] = set()  # steps

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
        if step not in self._reported:
            self._reported.add(step)
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
            text = json.dumps(value, default=lambda each: each.item())  # a number of numpy or torch
        except (TypeError, ValueError, AttributeError, RuntimeError, RecursionError):
            text = repr(value)
    return text if len(text) <= _MAX_NOTE else text[: _MAX_NOTE - 3] + "..."


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
