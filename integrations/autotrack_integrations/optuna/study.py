"""Optuna: the record of one study, which is a run whose children are the trials.

Watches   nothing; watch.py feeds it
Records   params    `directions`, `metric_names`, `sampler` and `pruner` with their plain settings, `storage`
                    (places.py), the search space as `space.<param>`, the best trial as `best_trial` and
                    `best.<param>`, of several objectives the front as `pareto_trials`
          metrics   `best_value` by trial, `trials_done`, `trials_complete`, `trials_pruned`, `trials_failed`
          tags      `user_attrs.<name>`
          children  the trials: trial.py
Never     writes into the study, reads it from another thread, or reads all of its trials once a trial
Needs     Study._storage, Study._study_id (private; checked on Optuna 4.0 to 5.0)
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack.run import Recorder
from autotrack.run.buffer import now_us
from autotrack.run.inputs import error_text
from autotrack.run.late import LateRun
from autotrack.run.progress import Ended
from autotrack.run.tally import Tally
from autotrack.run.trials import start_row, trial_id, values_by_name, worker
from autotrack.types import Row
from autotrack_integrations.optuna import trial as trials
from autotrack_integrations.optuna.found import Found
from autotrack_integrations.optuna.opened import open_run, settings_of
from autotrack_integrations.optuna.places import place_of
from autotrack_integrations.optuna.settling import Settling
from autotrack_integrations.optuna.spaces import Spaces, short_text
from autotrack_integrations.optuna.trial import OpenTrial

__all__ = ["StudyRecord"]


class StudyRecord:
    """One study, as this process records it.

    Attributes:
        run: The study's run.
        pid: The process.
        recorder: Where it is recorded.
    """

    def __init__(self, study: Any, recorder: Recorder) -> None:
        self.pid = os.getpid()
        self.recorder = recorder
        self._directions = [direction.name.lower() for direction in study.directions]
        self._place = place_of(study._storage)
        self.run, presence = open_run(study, self._place, recorder)
        self._common: Row = {"experiment": self.run.experiment, "source": "optuna", "parent_run_id": self.run.id}
        self._spaces = Spaces(lambda name, space: self.run.describe_data({name: space}))
        self._tally = Tally[OpenTrial](
            self.run, self._directions, recorder, recorder.keep_models, is_shared=self._place.at is not None
        )
        self._names: list[str] | None = None
        self._shown: set[str] = set()  # params whose distribution is told
        self._found = Found(presence, self._states_on_record, self._adopt)
        self._has_unseen = True
        self._settling = Settling(lambda known: recorder.buffer.later(partial(self._settle, known)))
        self._optimizing = 0
        self._lock = threading.Lock()
        self._describe(study)
        self.see(study)

    # ---- from the user's threads

    def enter(self, study: Any) -> None:
        """`optimize` begins."""
        with self._lock:
            self._optimizing += 1
        self.run.reopen()
        self._describe(study)
        self.see(study)

    def leave(self, study: Any, error: BaseException | None) -> None:
        """`optimize` has ended."""
        with self._lock:
            self._optimizing -= 1
            is_over = not self._optimizing
        self.see(study)
        with guard("optuna.study"):
            self._describe(study)
            if self._place.at is not None and not self._has_all(study):  # others may have found better trials
                self._settling.due(study)
        if is_over:
            self.run.finish("finished" if error is None else "failed", error)
            run.announce(self.run)

    def begin(self, study: Any, trial: Any) -> OpenTrial:
        """A trial was asked for."""
        if self.run.status != "running":
            self.run.reopen()
        if self._has_unseen:
            self.see(study)
        frozen = trials.frozen_of(trial)
        number = frozen.number
        self._found.take(number)
        run_id, tags = trial_id(self.run.id, number), {**self.recorder.tags, "worker": worker()}
        row = start_row(number, run_id, self._common, tags, trials.started_us(frozen))
        opened = OpenTrial(trial, row, self.recorder, is_held=self.recorder.log_models)
        self._tally.begin(number, opened)
        return opened

    def opened(self, number: int) -> OpenTrial | None:
        """A trial of this process that is not over."""
        return self._tally.open.get(number)

    def end(self, study: Any, trial: Any, state: str, values: Sequence[float] | None, why: str | None) -> None:
        """A trial was told.

        Args:
            trial: The trial, or its number.
            why: Why it has failed, if it was for its value.
        """
        number = trial if isinstance(trial, int) else trial.number
        opened = self._tally.open.pop(number, None)
        if opened is None:
            self._found.take(number)
        frozen = self._frozen(study, number, trial, opened)
        constraints = self._constraints(study, frozen)
        fields = trials.outcome(frozen, state, self._spaces.name_of(frozen.distributions), constraints)
        fields["end_ts"] = now_us()  # Optuna's own moment would have to be asked from the storage
        if why:
            fields["error"] = why
        target = opened.run if opened is not None else self._late(frozen)
        self._write(target, fields, frozen, values, constraints, reports=opened is None)
        self._tally.end(Ended(number, state, values, "infeasible" not in fields["tags"], frozen.params), target.held)

    def interrupt(self, opened: OpenTrial, error: BaseException | None) -> None:
        """A trial was left without being told: Ctrl-C, or the sampler failed."""
        if self._tally.open.pop(opened.number, None) is None:
            return
        fields: Row = {"status": "failed", "end_ts": now_us()}
        if error is not None:
            fields["error"] = error_text(error)
        opened.write()
        opened.run.write(fields)
        if opened.run.held is not None:
            opened.run.held.drop()

    def expect_unseen(self, study: Any) -> None:
        """A trial has come that nobody has asked for here. All are read for it, though not for each of many."""
        self._has_unseen = True
        self._settling.due(study)

    def see(self, study: Any) -> None:
        """Record the trials that were there before, were added or wait."""
        if self._has_unseen:
            self._has_unseen = False
            self.recorder.buffer.later(partial(self._look, study.get_trials(deepcopy=False)))

    def finish_soon(self) -> None:
        """The storage is gone. Called by the garbage collector."""
        if self.pid == os.getpid():
            self.run.soon(self.run.finish)

    # ---- what is not told trial by trial

    def _describe(self, study: Any) -> None:
        """What is known of the study as a whole; it may have changed."""
        self._names = study.metric_names
        with guard("optuna.study"):
            self.run.derive_params(settings_of(study, self._directions, self._place, self._names))
            notes = study.user_attrs
            if notes:
                self.run.set_tags({f"user_attrs.{name}": trials.note(value) for name, value in notes.items()})

    def _has_all(self, study: Any) -> bool:
        """Whether no other process has run a trial of the study: then there is nothing to read."""
        number = self._found.next_number
        if number is None or self._tally.open:
            return False
        try:
            study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
        except KeyError:
            return True
        return False

    def _look(self, known: Sequence[Any]) -> None:
        self._found.record(known)
        self._tally.catch_up()

    def _states_on_record(self) -> dict[int, str]:
        rows = [row.get("tags", {}) for row in self.run.store.children(self.run.id)]
        return {int(tags["trial"]): tags["state"] for tags in rows if {"trial", "state"} <= tags.keys()}

    def _adopt(self, frozen: Any, state: str) -> None:
        """Record a trial as it was found."""
        constraints = trials.constraints_of(frozen.system_attrs)
        fields = trials.outcome(frozen, state, self._spaces.name_of(frozen.distributions), constraints)
        values = frozen.values if state == "complete" else None
        self._write(self._late(frozen), fields, frozen, values, constraints, reports=True)
        if state != "waiting":
            ended = Ended(frozen.number, state, values, "infeasible" not in fields["tags"], frozen.params)
            self._tally.end(ended, None)

    def _settle(self, done: Sequence[Any]) -> None:
        """What the storage says of all trials, whichever process has done them."""
        begun = time.monotonic()
        self._found.record(done)
        found = []
        for frozen in done:
            if frozen.state.is_finished():
                constraints = trials.constraints_of(frozen.system_attrs)
                is_feasible = all(value <= 0 for value in constraints.values())
                state = frozen.state.name.lower()
                values = frozen.values if state == "complete" else None
                found.append(Ended(frozen.number, state, values, is_feasible, frozen.params))
        self._tally.settle(found)
        self._settling.took(time.monotonic() - begun)

    # ---- parts

    def _frozen(self, study: Any, number: int, trial: Any, opened: OpenTrial | None) -> Any:
        if not isinstance(trial, int):
            return trials.frozen_of(trial)
        known = None if opened is None else opened.frozen
        if known is not None:
            return known
        storage = study._storage
        return storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study._study_id, number))

    def _constraints(self, study: Any, frozen: Any) -> Mapping[str, float]:
        """Those that the sampler computes lie in the storage only."""
        if getattr(study.sampler, "_constraints_func", None) is not None:
            frozen = study._storage.get_trial(frozen._trial_id)
        return trials.constraints_of(frozen.system_attrs)

    def _late(self, frozen: Any) -> LateRun:
        """The run of a trial that was begun elsewhere."""
        run_id = trial_id(self.run.id, frozen.number)
        tags = self.recorder.tags
        return LateRun(start_row(frozen.number, run_id, self._common, tags, trials.started_us(frozen)), self.recorder)

    def _write(
        self,
        target: LateRun,
        fields: Row,
        frozen: Any,
        values: Sequence[float] | None,
        constraints: Mapping[str, float],
        *,
        reports: bool,
    ) -> None:
        target.write(fields)
        found = values_by_name(values, self._names, target.logged) if values else {}
        found.update((f"constraint_{name}", value) for name, value in constraints.items())
        if found:
            target.derive_metrics(found, 0)
        if reports and frozen.intermediate_values:
            steps = sorted(frozen.intermediate_values)
            series = [frozen.intermediate_values[step] for step in steps]
            target.derive_series({"intermediate_value": series}, steps)
        if len(self._shown) < len(self._shown | frozen.distributions.keys()):
            news = {name: each for name, each in frozen.distributions.items() if name not in self._shown}
            self._shown.update(news)
            self.run.derive_params({f"space.{name}": short_text(each) for name, each in news.items()})
