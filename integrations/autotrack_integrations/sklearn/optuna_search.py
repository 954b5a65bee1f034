"""scikit-learn: OptunaSearchCV is one run, each of its trials a child of it.

Watches   the objective of optuna_integration.sklearn (private; checked on 5.0): it knows its trial, and its threads
          know nothing of the search they work for
Records   children  the trials, as the candidates of any search; a pruned one has the tag `state`
          params    best_params_ as `best.<name>`, `best_index`, `n_candidates`, `n_splits`; distributions as text
          metrics   best_score, candidates_done, while it runs as well; mean and standard deviation, step = trial
Never     writes into the study, or reads more of it than the trials of this search
Needs     optuna-integration
"""

import re
import weakref
from collections.abc import Collection, Generator, Mapping
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Carried, Patch, Scope, inside
from autotrack_integrations.sklearn.candidates import Results
from autotrack_integrations.sklearn.search import Search

__all__ = ["OptunaSearch", "results_of_study", "watch"]

_SCORE = re.compile(r"split\d+_(?:test|train)_score|(?:mean|std)_(?:test_score|train_score|fit_time|score_time)")


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    objective = import_module("optuna_integration.sklearn.sklearn")._Objective
    of_objective: weakref.WeakKeyDictionary[Any, Carried] = weakref.WeakKeyDictionary()

    def watch_objective(call: Call) -> Generator[None, None, None]:
        """Remember which search it is made for."""
        if inside() is not None:
            of_objective[call.args[0]] = Carried()
        yield

    def watch_trial(call: Call) -> Generator[None, None, None]:
        """Do a trial as a part of the search, in whatever thread, and tell it of the result."""
        carried = of_objective.get(call.args[0])
        if carried is None:
            return
        with carried.here():
            around = inside()
            with Scope():
                yield
        if around is not None and around.on_result is not None:
            result = call.result if call.error is None else call.error
            around.on_result(call.args[0], (call.argument(1, "trial"),), {}, result)

    return [Patch(objective, "__init__", watch_objective), Patch(objective, "__call__", watch_trial)]


class OptunaSearch(Search):
    """The record of a search whose candidates are the trials of a study; their numbers are the trials'."""

    def __init__(self, target: run.Run, estimator: Any) -> None:
        super().__init__(target, estimator)
        study = getattr(estimator, "study", None)  # the user's own, which may have trials of an earlier search
        self._earlier: set[int] = set() if study is None else {trial.number for trial in _finished(study)}

    def hear(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """Note that a trial is done."""
        is_mine = getattr(function, "estimator", None) is getattr(self._estimator, "estimator", self)
        if not is_mine or not hasattr(args[0], "user_attrs"):  # of a search inside, or a fit
            return
        trial = args[0]
        n_splits = self._estimator.n_splits_
        is_pruned = type(result).__name__ == "TrialPruned"
        if isinstance(result, BaseException) and not is_pruned:
            self._note((trial.number, 0), (0, n_splits), trial.params, result)
            return
        attrs = trial.user_attrs
        heard = {f"{part}_time": attrs.get(f"mean_{part}_time", 0.0) for part in ("fit", "score")}
        split_s = sum(heard.values())
        for split in range(n_splits):
            scores = {f"{phase}_scores": attrs.get(f"split{split}_{phase}_score") for phase in ("test", "train")}
            reason = {"reason": "pruned"} if is_pruned else {}
            found = {**heard, **scores, **reason}
            self._note((trial.number, 0), (split, n_splits), trial.params, found, (n_splits - 1 - split) * split_s)

    def _number(self, position: int, count: int, n_splits: int) -> int:
        return position

    def _results(self) -> Results | None:
        return results_of_study(self._estimator.study_, self._earlier)


def results_of_study(study: Any, earlier: Collection[int] = ()) -> Results:
    """The trials of a study, but for the earlier ones, as the results of a search."""
    trials = [trial for trial in _finished(study) if trial.number not in earlier]
    attrs = [trial.user_attrs for trial in trials]
    keys = sorted({key for each in attrs for key in each if _SCORE.fullmatch(key)})
    columns = {key: [each.get(key) for each in attrs] for key in keys}
    params = [trial.params for trial in trials]
    return Results({**columns, "params": params}, numbers=[trial.number for trial in trials])


def _finished(study: Any) -> list[Any]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
