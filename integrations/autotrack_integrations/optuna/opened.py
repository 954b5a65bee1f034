"""Optuna: the run of a study, found again where the study goes on, and the settings it has.

Watches   nothing; study.py asks once for each study
Records   see study.py
Never     takes a study for another one: a storage that was deleted and made anew has a run of its own
Needs     Sampler and pruner as they are; their plain attributes are their settings
"""

from collections.abc import Sequence
from typing import Any

from autotrack import run
from autotrack.run import Recorder, Run
from autotrack.run.shared import Presence, shared_id
from autotrack.run.trials import trial_id
from autotrack.types import Row
from autotrack_integrations.optuna.places import Place
from autotrack_integrations.optuna.trial import started_us

__all__ = ["open_run", "settings_of"]

_MAX_NAME = 200  # characters of a study's name that its run is called by
_ANONYMOUS = "no-name-"  # what Optuna calls a study that was given no name begins so
_SAME_US = 2_000_000  # a moment that was written and read back differs by less
_ZONE_US = 15 * 60 * 1_000_000  # storages keep local times: in other zones they differ by a multiple of this
_PLAIN = (bool, int, float, str)


def open_run(study: Any, place: Place, recorder: Recorder) -> tuple[Run, Presence | None]:
    """The run of a study. Processes that share the study's storage share its run, and each is present in it."""
    name = _name_of(study.study_name)
    key = place.key(study.study_name, study._study_id)
    if key is None:
        return run.start(name, source="optuna", is_active=False), None
    store = recorder.buffer.store()
    recorder.buffer.flush()
    found: dict[str, Row] = {}

    def is_it(run_id: str) -> bool:
        """Whether the first trial on record is the first one of the study."""
        first = trial_id(run_id, 0)
        found.update(store.rows([run_id, first]))
        return first not in found or _is_same_start(study, found[first])

    run_id, is_new = shared_id(store, key, is_it)
    if is_new:
        opened = run.start(name, source="optuna", is_active=False, run_id=run_id)
        return opened, Presence(recorder.buffer, run_id)
    known: Row = {"run_id": run_id, "name": name, "experiment": recorder.experiment, "source": "optuna"}
    joined = Run({**known, **found.get(run_id, {})}, lambda: recorder, is_live=True)
    joined.stay_running()
    run.announce(joined)
    return joined, Presence(recorder.buffer, run_id)


def settings_of(study: Any, directions: Sequence[str], place: Place, names: Sequence[str] | None) -> dict[str, Any]:
    """How a study searches, as params."""
    found: dict[str, Any] = {"directions": list(directions), "storage": place.kind}
    if place.at is not None:
        found["storage.at"] = place.at
    if names:
        found["metric_names"] = list(names)
    for role, part in (("sampler", study.sampler), ("pruner", study.pruner)):
        found[role] = type(part).__name__
        for name, value in vars(part).items():
            if type(value) in _PLAIN:
                found[f"{role}.{name.lstrip('_')}"] = value
    return found


def _name_of(study_name: str) -> str:
    if study_name.startswith(_ANONYMOUS):
        return "study"
    text = "".join(char if char.isprintable() else " " for char in study_name).strip(" .")
    return text[:_MAX_NAME] or "study"


def _is_same_start(study: Any, first: Row) -> bool:
    trials = study.get_trials(deepcopy=False)
    if not trials:
        return False
    if trials[0].datetime_start is None or first.get("tags", {}).get("state") == "waiting":
        return True  # it waits, so there is nothing to know it by
    ahead_us = abs(started_us(trials[0]) - first.get("start_ts", 0)) % _ZONE_US
    return min(ahead_us, _ZONE_US - ahead_us) < _SAME_US
