"""Optuna: what it trains for itself is nobody's training: the models of samplers, the forests behind importances.

Watches   Trial._suggest (private; checked on Optuna 4.0 to 5.0), where the sampler is asked; before 5.0 it is asked in
          Trial._init_relative_params (private); `evaluate` of the evaluators in optuna.importance and optuna.terminator
          (public), once those are imported
Records   nothing: in these calls nothing is recorded
Never     imports what Optuna has not imported; silences an objective
Needs     nothing: what is not there needs no silence
"""

import sys
from collections.abc import Generator
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, forget_import, on_import

__all__ = ["OnceImported", "watch"]

_EVALUATORS = ("optuna.importance", "optuna.terminator")


def watch(trial: type[Any]) -> "list[Patch | OnceImported]":
    """Start watching; the caller keeps what is returned and calls undo() on each.

    Args:
        trial: optuna.Trial.
    """
    asked = [Patch(trial, "_suggest", watch_suggest)] if hasattr(trial, "_suggest") else []
    if hasattr(trial, "_init_relative_params"):
        asked.append(Patch(trial, "_init_relative_params", be_silent))
    return [*asked, *map(OnceImported, _EVALUATORS)]


def watch_suggest(call: Call) -> Generator[None, None, None]:
    """The first param of a trial has its sampler think about all of them."""
    if getattr(call.args[0], "_relative_params", None) is None:
        with run.paused():
            yield


def be_silent(call: Call) -> Generator[None, None, None]:
    """Nothing is recorded in this call."""
    with run.paused():
        yield


class OnceImported:
    """The evaluators of a module, watched from when it is imported until `undo()`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._patches: list[Patch] = []
        on_import(module, self._watch)

    def undo(self) -> None:
        """Stop watching, or waiting for the import."""
        forget_import(self._watch)
        for patch in self._patches:
            patch.undo()

    def _watch(self) -> None:
        for each in list(vars(sys.modules[self._module]).values()):
            evaluate = vars(each).get("evaluate") if isinstance(each, type) else None
            if evaluate is not None and not getattr(evaluate, "__isabstractmethod__", False):
                self._patches.append(Patch(each, "evaluate", be_silent))
