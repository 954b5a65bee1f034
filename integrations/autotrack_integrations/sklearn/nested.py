"""scikit-learn: the searches inside a cross-validation, whose candidates belong to its run.

Watches   nothing; selection.py feeds it with the fits of a cross-validation as they are done
Records   children  the candidates of each inner search, as `split 1, candidate 4` with the tag `split`; see
                    candidates.py
          table     `searches`: split, best_score, best params
          lacks     `candidates`, where the searches ran in other processes and did not come back from there:
                    `return_estimator=True` brings them
Never     keeps a fitted estimator alive
Needs     scikit-learn >= 1.4
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotrack import run
from autotrack.run.buffer import now_us
from autotrack_integrations.sklearn.asking import chain
from autotrack_integrations.sklearn.candidates import Candidate, Known, Results, readable
from autotrack_integrations.sklearn.search import best_of, found_by, is_search

__all__ = ["InnerSearches"]

Times = tuple[float, float]  # of a fit and of its scoring, in seconds: what tells one split from another


@dataclass(frozen=True)
class _Inner:
    """One search as it was when its fit ended."""

    ended_us: int
    results: Results
    best_params: Mapping[str, Any]
    best_score: float | None


class InnerSearches:
    """The searches that a cross-validation runs, one for each split."""

    def __init__(self, estimator: Any) -> None:
        self._is_expected = any(is_search(part) for part in chain(estimator))
        self._heard: list[tuple[Times, _Inner]] = []

    def hear(self, estimator: Any, result: Any) -> None:
        """A split is done: this was fitted in it, if that was done in this process."""
        inner = _inner(estimator) if self._is_expected and isinstance(result, Mapping) else None
        if inner is not None:
            self._heard.append(((result["fit_time"], result["score_time"]), inner))

    def end(self, target: run.Run, splits: Mapping[str, Any]) -> None:
        """Record them all.

        Args:
            splits: What `cross_validate` returned; empty if it failed, then they are in the order they ended in.
        """
        found = self._by_split(splits)
        if found and run.keeps("candidates"):
            children, known = target.start_children("sklearn"), Known()
            for split, inner in found.items():
                _record_candidates(children, split, inner, known)
        if found and run.keeps("tables"):
            table = _table(found)
            target.derive_tables(lambda: {"searches": table})
        expected = len(splits.get("fit_time", ()))
        if self._is_expected and len(found) < expected:
            target.lack(
                "candidates",
                f"of {expected - len(found)} of the {expected} inner searches: they ran in other processes. "
                "cross_validate(return_estimator=True) brings them back",
            )

    def _by_split(self, splits: Mapping[str, Any]) -> dict[int, _Inner]:
        heard, self._heard = self._heard, []
        if not splits:
            return {split: inner for split, (_, inner) in enumerate(heard)}
        estimators = splits.get("estimator") or ()
        found = {split: inner for split, fitted in enumerate(estimators) if (inner := _inner(fitted)) is not None}
        places = {
            times: split for split, times in enumerate(zip(splits["fit_time"], splits["score_time"], strict=True))
        }
        found |= {places[times]: inner for times, inner in heard if times in places}
        return dict(sorted(found.items()))


def _inner(estimator: Any) -> _Inner | None:
    for part in chain(estimator):
        results = found_by(part) if is_search(part) else None
        if results is not None:
            params, _, score = best_of(part)
            return _Inner(now_us(), results, params, score)
    return None


def _record_candidates(children: run.Children, split: int, inner: _Inner, known: Known) -> None:
    results = inner.results
    for index, number in enumerate(results.numbers):
        name, params = f"split {split}, candidate {number}", readable(results.params[index], known)
        candidate = Candidate(name, params, results.n_splits, inner.ended_us, {"split": split})
        candidate.settle(results, index)
        candidate.write(children)


def _table(found: Mapping[int, _Inner]) -> dict[str, list[Any]]:
    known = Known()
    best = [readable(inner.best_params, known) for inner in found.values()]
    table: dict[str, list[Any]] = {"split": list(found)}
    table["best_score"] = [inner.best_score for inner in found.values()]
    for name in sorted({name for params in best for name in params}):
        table[f"best.{name}"] = [_plain(params.get(name)) for params in best]
    return table


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
