"""scikit-learn: what is known of the candidates of a search, from their splits as they finish and from `cv_results_`.

Watches   nothing; the records of searches and of cross-validations use it
Records   a child run for each candidate
          params    its own, estimators among them as their repr; of a halving search also `iter` and `n_resources`
          metrics   `test_score`, of several metrics `test_<name>`, and where asked for `train_...`, step = split;
                    `mean_`, `std_` and `rank_` of them, `mean_fit_time`, `mean_score_time`
          status    failed, with the error, if all its fits failed; failed or killed if the search was stopped in it
Never     asks an estimator anything but its repr
Needs     scikit-learn >= 1.4
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack import run

__all__ = ["Candidate", "Results", "readable", "results_of"]

_OF_SPLIT = re.compile(r"split(\d+)_((?:test|train)_.+)")
_SETTINGS = ("iter", "n_resources")  # of the rounds of a halving search
_MAX_TEXT = 500  # characters of the repr of an estimator

_NUMBER = (int, float, type(None))

Point = tuple[str, int, float]  # metric, step, value
Known = dict[int, tuple[Any, str]]  # by id: an estimator and its repr, which is slow to make


class Results:
    """The `cv_results_` of a search, read once.

    Args:
        numbers: Of the candidates, if they are not counted from 0.

    Attributes:
        numbers: Of the candidates, in the order in which all else is in.
        params: Those of each candidate.
        n_splits: How many splits it tells of.
        series: Each mean and standard deviation, by candidate.
    """

    def __init__(self, results: Mapping[str, Any], numbers: Sequence[int] | None = None) -> None:
        self.params: Sequence[Mapping[str, Any]] = results["params"]
        self.numbers = range(len(self.params)) if numbers is None else numbers
        self.series: dict[str, list[float]] = {}
        self._columns: list[tuple[str, int, list[Any]]] = []
        self._settings: dict[str, list[Any]] = {}
        self._tests: list[list[Any]] = []
        splits = set()
        for key, values in results.items():
            if key == "params" or key.startswith("param_"):
                continue
            numbers = self._numbers(values)
            if numbers is None:
                continue
            of_split = _OF_SPLIT.fullmatch(key)
            if of_split is not None:
                splits.add(int(of_split[1]))
                self._columns.append((of_split[2], int(of_split[1]), numbers))
                if of_split[2].startswith("test_"):
                    self._tests.append(numbers)
            elif key in _SETTINGS:
                self._settings[key] = numbers
            else:
                self._columns.append((key, 0, numbers))
                if key.startswith(("mean_", "std_")):
                    self.series[key] = [math.nan if value is None else value for value in numbers]
        self.n_splits = len(splits)

    def __len__(self) -> int:
        return len(self.params)

    def points(self, index: int) -> list[Point]:
        """All numbers of one candidate: metric, split or 0, value."""
        found = [(metric, step, column[index]) for metric, step, column in self._columns]
        return [point for point in found if point[2] is not None]

    def settings(self, index: int) -> dict[str, Any]:
        """What the search set for one candidate beside its params."""
        return {key: column[index] for key, column in self._settings.items()}

    def has_no_score(self, index: int) -> bool:
        """Whether there is no score of this candidate but NaN, which stands for a failed fit."""
        return bool(self._tests) and all(scores[index] is None or math.isnan(scores[index]) for scores in self._tests)

    def duration_us(self, index: int) -> int:
        """How long its fits and scorings took together."""
        means = (self.series[key][index] for key in ("mean_fit_time", "mean_score_time") if key in self.series)
        seconds = sum(means) * max(self.n_splits, 1)
        return int(seconds * 1e6) if math.isfinite(seconds) else 0

    def _numbers(self, values: Any) -> list[Any] | None:
        """A column as plain numbers, with None where there is none; None if it is no such column."""
        plain = values.tolist() if hasattr(values, "tolist") else values
        if not isinstance(plain, list) or len(plain) != len(self.params):
            return None
        return plain if all(isinstance(value, _NUMBER) for value in plain) else None


def results_of(results: Any) -> Results | None:
    """The `cv_results_` of a search; None for what goes by that name elsewhere: RidgeCV's array, RFECV's numbers."""
    is_readable = isinstance(results, Mapping) and isinstance(results.get("params"), list | tuple)
    return Results(results) if is_readable else None


def readable(params: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The params of a candidate, with the repr of estimators among them: another step of a pipeline is told by it."""
    return {str(name): _readable(value, known) for name, value in params.items()}


def _readable(value: Any, known: Known) -> Any:
    if isinstance(value, str | int | float | None) or not hasattr(value, "get_params") or isinstance(value, type):
        return value
    if id(value) not in known:
        text = " ".join(repr(value).split())
        known[id(value)] = value, text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "..."
    return known[id(value)][1]


class Candidate:
    """What is known of one candidate, and what of it is on record.

    Args:
        n_splits: How many splits it is to be scored on.
        at_us: When it was first heard of, in microseconds since 1970.

    Attributes:
        means: Of a candidate that is complete: the mean of each score, and of the times.
    """

    def __init__(
        self, name: str, params: Mapping[str, Any], n_splits: int, at_us: int, tags: Mapping[str, Any] | None = None
    ) -> None:
        self.means: dict[str, float] = {}
        self._name, self._params, self._tags = name, params, tags
        self._n_splits = n_splits
        self._started_us = self._ended_us = at_us
        self._heard: dict[tuple[str, int], float] = {}  # value by metric and step
        self._times: dict[int, tuple[float, float]] = {}  # of fit and score, by split
        self._errors: dict[int, str] = {}  # by split
        self._news: list[Point] = []  # heard, and not on record
        self._child: run.Child | None = None
        self._reason = ""
        self._is_over = False

    @property
    def is_complete(self) -> bool:
        """Whether all its splits are done."""
        return len(self._times) == self._n_splits

    def hear(self, at_us: int, split: int, result: Mapping[str, Any] | str) -> None:
        """A split was done at this moment.

        Args:
            result: What scikit-learn's `_fit_and_score` returned, or the text of what it raised. With a `reason` if
                it was not done in full.
        """
        self._ended_us = max(self._ended_us, at_us)
        if isinstance(result, str):
            self._errors = dict.fromkeys(range(self._n_splits), result)
            return
        self._reason = result.get("reason", "")
        fit_s, score_s = result.get("fit_time", 0.0), result.get("score_time", 0.0)
        self._started_us = min(self._started_us, at_us - int((fit_s + score_s) * 1e6))
        self._times[split] = fit_s, score_s
        if trace := result.get("fit_error"):
            self._errors[split] = f"{_last_line(trace)}\n\n{trace}"
            return
        for phase in ("test", "train"):
            scores = result.get(f"{phase}_scores")
            if scores is not None:
                for metric, score in scores.items() if isinstance(scores, dict) else (("score", scores),):
                    self._learn(f"{phase}_{metric}", split, float(score))

    def settle(self, results: Results, index: int) -> None:
        """It is complete, and this is what the search itself says of it."""
        for metric, step, value in results.points(index):
            known = self._heard.get((metric, step))
            if known != value and not (known is not None and math.isnan(known) and math.isnan(value)):
                self._news.append((metric, step, value))
        if settings := results.settings(index):
            self._params = {**self._params, **settings}
            if self._child is not None:
                self._child.add_params(settings)
        if not self.is_complete:  # what was not heard
            self._times = dict.fromkeys(range(self._n_splits), (0.0, 0.0))
            if not self._heard:
                self._started_us = self._ended_us - results.duration_us(index)
            if not self._errors and results.has_no_score(index):
                self._errors = dict.fromkeys(self._times, "No fit succeeded: every score is NaN.")

    def write(self, children: run.Children) -> None:
        """Record what is new, and the end once all its splits are done."""
        child = self._child
        if child is None:
            self._child = child = children.new(self._name, self._started_us, self._tags)
            child.add_params(self._params)
        if self.is_complete and not self._is_over:
            self._is_over = True
            self._end(child)
        news, self._news = self._news, []
        child.write(news)

    def average(self) -> None:
        """The means of a candidate that is complete, as long as the search itself says nothing of them."""
        if not self.is_complete or self._errors or self.means:
            return
        values: dict[str, list[float]] = {}
        for (metric, _), value in self._heard.items():
            values.setdefault(metric, []).append(value)
        values["fit_time"], values["score_time"] = map(list, zip(*self._times.values(), strict=True))
        self.means = {f"mean_{metric}": sum(found) / len(found) for metric, found in values.items()}
        for metric, value in self.means.items():
            self._learn(metric, 0, value)

    def stop(self, reason: str) -> None:
        """The search has ended before this was done: it failed if that was its own doing, and was killed else."""
        if self._child is not None and not self._is_over:
            self._is_over = True
            error = next(iter(self._errors.values()), "")
            self._child.end(
                "failed" if error else "killed", self._ended_us, error=error, reason="" if error else reason
            )
            self._child.write()

    def _end(self, child: run.Child) -> None:
        errors = list(self._errors.values())
        if len(errors) == self._n_splits:
            child.end("failed", self._ended_us, error=errors[0])
            return
        for split, error in self._errors.items():
            child.lack(f"split {split}", f"the fit failed: {_first_line(error)}")
        child.end("finished", self._ended_us, reason=self._reason)

    def _learn(self, metric: str, step: int, value: float) -> None:
        self._heard[metric, step] = value
        self._news.append((metric, step, value))


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2]
