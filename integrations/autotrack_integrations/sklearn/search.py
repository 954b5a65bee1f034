"""scikit-learn: a search is one run, each of its candidates a child of it, on record as soon as its splits are done.

Watches   tasks of scikit-learn's own pools: sklearn.utils.parallel._FuncWrapper.__call__ (private; checked on 1.4 to
          1.9) in this process, joblib.py beyond it. A search is heard through its tasks `_fit_and_score` and their
          `candidate_progress`, `split_progress` and `parameters`; what was not heard is read from `cv_results_`
Records   children  the candidates: candidates.py
          params    best_params_ as `best.<name>`, `best_index`, `n_candidates`, `n_splits`; distributions as text
          metrics   best_score, candidates_done, while it runs as well; mean and standard deviation over the splits,
                    step = candidate
Never     opens a run for a fit inside; tells a search anything
Needs     scikit-learn >= 1.4
"""

import threading
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any, Protocol

from autotrack import run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Scope, inside
from autotrack.run.buffer import now_us
from autotrack.run.inputs import error_text
from autotrack.values import encode
from autotrack_integrations.sklearn.asking import FAILURES
from autotrack_integrations.sklearn.candidates import Candidate, Known, Results, readable, results_of

__all__ = ["Search", "SearchRecord", "best_of", "found_by", "is_search", "search_of", "watch"]

_SPACES = ("param_grid", "param_distributions", "search_spaces")  # params of searches that hold what is searched
_MAX_SPACE = 2000  # characters of one of them as text
_MAX_VALUES = 50  # of one param that stand in it
_SCORE = "mean_test_score"
_OPTUNA = "OptunaSearchCV"  # a class that is derived from nothing but BaseEstimator


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    from sklearn.utils import parallel

    return [Patch(parallel._FuncWrapper, "__call__", watch_task)] if hasattr(parallel, "_FuncWrapper") else []


def watch_task(call: Call) -> Generator[None, None, None]:
    """Tell who waits for it of a task that is done here. What a task of scikit-learn's own fits is no run."""
    around = inside()
    task = call.args[0]
    if around is None:
        # A thread that knows nothing of the fit it works for: dask's.
        if run.recorder() is not None and getattr(task.function, "__module__", "").startswith("sklearn."):
            with Scope():
                yield
        return
    hear = around.on_result
    if hear is None:
        return
    with Scope():
        yield
    hear(task, call.args[1:], call.kwargs, call.result if call.error is None else call.error)


class SearchRecord(Protocol):
    """The record of one search, from its start to its end."""

    def hear(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """A task of the search was done, in whatever thread or process; what it raised is its result as well."""

    def end(self, error: BaseException | None) -> None:
        """The search has ended."""


def is_search(estimator: Any) -> bool:
    """Whether this looks for the best params of another estimator."""
    return any(base.__name__ in ("BaseSearchCV", _OPTUNA) for base in type(estimator).__mro__)


def search_of(target: run.Run, estimator: Any) -> SearchRecord | None:
    """The record of a search in this run; None if it is no search, or nothing tells so before it has results."""
    if type(estimator).__name__ == _OPTUNA:
        from autotrack_integrations.sklearn.optuna_search import OptunaSearch

        return OptunaSearch(target, estimator)
    return Search(target, estimator) if is_search(estimator) or _has_results(estimator) else None


def found_by(search: Any) -> Results | None:
    """What a search has found so far; None if it was not fitted, or tells of no candidates."""
    if type(search).__name__ == _OPTUNA:
        from autotrack_integrations.sklearn.optuna_search import results_of_study

        return results_of_study(search.study_) if hasattr(search, "study_") else None
    return results_of(getattr(search, "cv_results_", None))


def _has_results(estimator: Any) -> bool:
    """Whether it has the results of a search, of this fit or of an earlier one."""
    results = getattr(estimator, "__dict__", {}).get("cv_results_")
    return isinstance(results, Mapping) and "params" in results


class Search:
    """The record of a search that evaluates its candidates as scikit-learn's BaseSearchCV does."""

    def __init__(self, target: run.Run, estimator: Any) -> None:
        self._run = target
        self._estimator: Any = estimator
        self._children = target.start_children("sklearn")
        self._keeps = run.keeps("candidates")
        self._score = f"mean_test_{estimator.refit}" if isinstance(getattr(estimator, "refit", 0), str) else _SCORE
        self._heard: deque[tuple[int, tuple[int, int], tuple[int, int], Any, Any]] = deque()
        self._is_awaited = False  # something was heard and will be told
        self._is_over = False
        self._lock = threading.Lock()  # of all that follows
        self._rounds = _Rounds()
        self._candidates: dict[int, Candidate] = {}
        self._known: Known = {}
        self._total = self._done = 0
        self._best: float | None = None
        self._record_spaces()

    def hear(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """Note that a split of a candidate is done; a thread of ours records it in a moment."""
        task = getattr(function, "function", function)
        candidate = kwargs.get("candidate_progress")
        if getattr(task, "__name__", "") != "_fit_and_score" or not candidate or self._is_over:
            return
        if not self._is_mine(args[0], kwargs.get("caller")):
            return
        if not self._run.is_of_this_process:  # a worker that was forked inside the search
            return
        self._note(candidate, kwargs["split_progress"], kwargs.get("parameters"), result)

    def end(self, error: BaseException | None) -> None:
        """Record what the search found, or how far it came."""
        with self._lock:
            self._is_over = True
            touched = self._digest()
            results = None if error is not None else self._results()
            if results is None:
                self._write(touched)
            else:
                self._settle(results)
            for candidate in self._candidates.values():
                candidate.stop("The search ended before it.")
            self._tell_progress()
            if error is None:
                self._record_best()
            self._estimator = None
            self._candidates.clear()
            self._known.clear()

    def _is_mine(self, candidate: Any, caller: Any) -> bool:
        """Whether this is a fit of a candidate, and not of a search inside that is fitted once more in the end."""
        search = self._estimator  # only scikit-learn >= 1.9 says who calls
        return caller is search if caller is not None else type(candidate) is type(getattr(search, "estimator", None))

    def _note(
        self, candidate: tuple[int, int], split: tuple[int, int], params: Any, result: Any, ago_s: float = 0.0
    ) -> None:
        if isinstance(result, BaseException):
            result = error_text(result)  # the error itself would keep alive what its frames hold
        self._heard.append((now_us() - int(ago_s * 1e6), candidate, split, params, result))
        if not self._is_awaited:
            self._is_awaited = True
            self._children.later(self._tell)

    def _number(self, position: int, count: int, n_splits: int) -> int:
        return self._rounds.number(position, count, n_splits)

    def _results(self) -> Results | None:
        return found_by(self._estimator)

    def _tell(self) -> None:
        """Record what was heard since the last time."""
        self._is_awaited = False
        with self._lock:
            if not self._is_over:
                self._write(self._digest())
                self._tell_progress()

    def _digest(self) -> list[Candidate]:
        """Make out which candidates there is news of."""
        touched: dict[int, Candidate] = {}
        while self._heard:
            at_us, (position, count), (split, n_splits), params, result = self._heard.popleft()
            number = self._number(position, count, n_splits)
            candidate = self._candidates.get(number)
            if candidate is None:
                with_text = readable(params or {}, self._known)
                self._candidates[number] = candidate = Candidate(f"candidate {number}", with_text, n_splits, at_us)
            candidate.hear(at_us, split, result)
            touched[number] = candidate
        return [touched[number] for number in sorted(touched)]

    def _write(self, candidates: list[Candidate]) -> None:
        for candidate in candidates:
            if candidate.is_complete:
                self._done += 1
                candidate.average()
                score = candidate.means.get(self._score)
                if score is not None and (self._best is None or score > self._best):
                    self._best = score
            if self._keeps:
                candidate.write(self._children)

    def _tell_progress(self) -> None:
        if self._rounds.total > self._total:
            self._total = self._rounds.total
            self._run.derive_params({"n_candidates": self._total, "n_splits": self._rounds.n_splits})
        progress = {"candidates_done": float(self._done)}
        if self._best is not None:
            progress["best_score"] = self._best
        self._run.derive_metrics(progress, self._done)

    def _settle(self, results: Results) -> None:
        """All is known: complete and correct what was heard."""
        now = now_us()
        self._done = self._total = len(results)
        for index, number in enumerate(results.numbers) if self._keeps else ():
            candidate = self._candidates.get(number)
            if candidate is None:
                with_text = readable(results.params[index], self._known)
                candidate = Candidate(f"candidate {number}", with_text, results.n_splits, now)
            candidate.settle(results, index)
            candidate.write(self._children)
        self._run.derive_params({"n_candidates": len(results), "n_splits": results.n_splits})
        self._run.derive_series(results.series, results.numbers)

    def _record_best(self) -> None:
        best, index, score = best_of(self._estimator)
        params = {f"best.{name}": value for name, value in readable(best, self._known).items()}
        self._run.derive_params(params if index is None else {**params, "best_index": index})
        if score is not None:
            self._run.derive_metrics({"best_score": score}, self._done)

    def _record_spaces(self) -> None:
        """What is searched, where plain values do not say it: distributions and estimators."""
        spaces = {name: getattr(self._estimator, name, None) for name in _SPACES}
        with guard("sklearn.search space"):
            self._run.derive_params({name: _space(space, self._known) for name, space in spaces.items() if space})


class _Rounds:
    """Numbers the candidates of all rounds of a search: each round numbers its own from 0."""

    def __init__(self) -> None:
        self.n_splits = 0
        self._first = self._count = self._left = 0

    @property
    def total(self) -> int:
        """How many candidates there are, as far as is known."""
        return self._first + self._count

    def number(self, position: int, count: int, n_splits: int) -> int:
        """The number of a candidate, asked for once for each of its splits.

        Args:
            position: In its round.
            count: How many candidates the round has.
        """
        if not self._left:
            self._first += self._count
            self._count, self._left, self.n_splits = count, count * n_splits, n_splits
        self._left -= 1
        return self._first + position


def best_of(search: Any) -> tuple[Mapping[str, Any], int | None, float | None]:
    """The params, number and score that a search chose; with several metrics and no refit it chooses none."""
    params, index, score = (_attribute(search, name) for name in ("best_params_", "best_index_", "best_score_"))
    return params or {}, None if index is None else int(index), None if score is None else float(score)


def _attribute(search: Any, name: str) -> Any:
    try:
        return getattr(search, name, None)
    except FAILURES:  # OptunaSearchCV's are properties, and fail if no trial was good
        return None


def _space(space: Any, known: Known) -> Any:
    """A space as it is if it holds plain values, else as text."""
    if encode(space)[1] == "json":
        return space
    text = _space_text(space, known)
    return text if len(text) <= _MAX_SPACE else text[: _MAX_SPACE - 3] + "..."


def _space_text(value: Any, known: Known) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_space_text(part, known)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        shown = [_space_text(part, known) for part in value[:_MAX_VALUES]]
        return "[" + ", ".join([*shown, f"... {len(value)} values"] if len(value) > _MAX_VALUES else shown) + "]"
    if hasattr(value, "dist") and hasattr(value, "kwds"):  # of scipy, whose repr says nothing
        given = [*map(str, value.args), *(f"{name}={part}" for name, part in value.kwds.items())]
        return f"{value.dist.name}({', '.join(given)})"
    return encode(readable({"": value}, known)[""])[0]
