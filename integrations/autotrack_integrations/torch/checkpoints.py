"""torch: checkpoints that the script itself saves and loads.

Watches   torch.save, torch.load (public)
Records   tags   `checkpoint <file>`: step, epoch and size of what was saved there
Never     reads or copies a checkpoint
Needs     torch >= 2.2

Which run saved a file is known by the file's path, size and time of change, in a small file of the user's cache folder.
"""

import json
import os
from pathlib import Path
from typing import Any

from autotrack import run
from autotrack.guard import cache_dir
from autotrack.hooks import Tap
from autotrack_integrations.torch.here import Checkpoint, here

__all__ = ["watch_checkpoints"]

_MAX_KNOWN = 1000  # files that are remembered
_MAX_TAGS = 50  # of one run


def watch_checkpoints() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    import torch

    return [Tap(torch, "save", after=_hear_save), Tap(torch, "load", after=_hear_load)]


def _hear_save(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    path = args[1] if len(args) > 1 else kwargs.get("f")
    training = here.now.training
    if training is None or training.run is None or not isinstance(path, (str, os.PathLike)) or not run.is_recording():
        return
    name = os.path.relpath(path) if os.path.abspath(path).startswith(os.getcwd()) else os.path.abspath(path)
    key = f"checkpoint {name}"
    if key in training.run.tags or len(training.run.tags) < _MAX_TAGS:
        size = os.path.getsize(path)
        training.run.set_tag(key, f"after {training.where()}, {size:,} bytes")
    _remember(os.fspath(path), training.run.id, training.steps)


def _hear_load(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    path = args[0] if args else kwargs.get("f")
    if isinstance(path, (str, os.PathLike)) and run.is_recording():
        found = _known().get(_print(os.fspath(path)))
        training = here.now.training
        if found is not None and (training is None or training.is_over or not training.is_of(found[0])):
            here.now.loaded = Checkpoint(*found, _parts(result))


def _parts(loaded: Any) -> frozenset[int]:
    entries = loaded.values() if isinstance(loaded, dict) else ()
    return frozenset([id(loaded), *map(id, entries)])


def _print(path: str) -> str:
    about = os.stat(path)
    return f"{os.path.realpath(path)}:{about.st_size}:{about.st_mtime_ns}"


def _file() -> Path:
    return cache_dir() / "checkpoints.json"


def _known() -> dict[str, tuple[str, int]]:
    try:
        known = json.loads(_file().read_text("utf-8"))
        return {file: (run_id, steps) for file, (run_id, steps) in known.items()}
    except (OSError, ValueError):
        return {}


def _remember(path: str, run_id: str, steps: int) -> None:
    known = _known()
    known.pop(_print(path), None)
    known[_print(path)] = run_id, steps
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(dict(list(known.items())[-_MAX_KNOWN:])), "utf-8")
    draft.replace(file)
