"""The truth about a script's training: its marker lines, which are comments, become calls of the observer.

`#! train_loss: loss.item()` is the value of a metric at this line, `#! model: model(x)` a model and what to ask it
(README.md). Each stands on a line of its own, so that no line number changes.
"""

import re
from pathlib import Path
from typing import Any

__all__ = ["OBSERVER", "observed_source", "read_truth"]

OBSERVER = Path(__file__).with_name("observer")
MARKER = re.compile(r"^(?P<indent> *)#! (?:model (?=\w))?(?P<name>\w+)(?:\[(?P<run>[^]]+)\])?: (?P<what>.+)$", re.M)
CALL = re.compile(r"(?P<model>[\w.\[\]]+)\((?P<arguments>.*)\)")


def observed_source(source: str) -> str:
    """The script with its marker lines as calls of the observer."""
    return MARKER.sub(_call, source)


def _call(marker: re.Match[str]) -> str:
    indent, name, run, what = marker["indent"], marker["name"], marker["run"] or "0", marker["what"]
    if not (name == "model" or "#! model " in marker[0]):
        return f"{indent}observed.value({name!r}, {what}, run={run})"
    asked = CALL.fullmatch(what)
    assert asked is not None, what
    return f"{indent}observed.model({name!r}, {asked['model']}, ({asked['arguments']},), run={run})"


def read_truth(path: Path) -> dict[str, Any]:
    """What the observer wrote: `values`, `models` and `states`."""
    import torch

    found: dict[str, Any] = torch.load(path, weights_only=False)
    return found
