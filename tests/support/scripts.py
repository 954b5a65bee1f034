"""Scripts that are run in a folder of their own, plain and tracked, and say in a block what is on record then."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autotrack
from autotrack.run import Run

__all__ = ["PLAIN", "TRACKED", "Done", "expectations", "recorded_runs", "run_script", "without_our_frames"]

PLAIN = [sys.executable]
# -P keeps the working directory out of the launcher's own path, as the installed command does; scripts do not get it.
TRACKED = [sys.executable, "-P", "-m", "autotrack", "run"]


@dataclass
class Done:
    """What a script left behind: exit code, output, and its files."""

    code: int
    out: str
    err: str
    files: dict[str, bytes]


def run_script(
    command: Sequence[str], folder: Path, sources: Mapping[str, str], env: Mapping[str, str] | None = None
) -> Done:
    """Run the first of some files in a new folder that holds nothing but them; `env` adds to the environment."""
    folder.mkdir(parents=True)
    for name, source in sources.items():
        (folder / name).write_text(source)
    done = subprocess.run(
        [*command, next(iter(sources))],
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    paths = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    ours = {".autotrack", *sources, *(["__pycache__"] if len(sources) > 1 else [])}  # Python's, of files it imports
    own = [name for name in paths if Path(name).parts[0] not in ours]
    return Done(done.returncode, done.stdout, done.stderr, {name: paths[name].read_bytes() for name in own})


def without_our_frames(text: str) -> str:
    """A traceback without the frames of watched calls: each is one line in it, and says what it is."""
    return re.sub(r'  File "<watched[^"]*", line [0-9]+, in .*\n', "", text)


def recorded_runs(folder: Path) -> list[Run]:
    """The runs that are no children, oldest first. A script that trains nothing leaves no store."""
    if not (folder / ".autotrack").exists():
        return []
    return [one for one in reversed(autotrack.search_runs()) if one.to_dict()["parent_run_id"] is None]


def expectations(source: str, keys: set[str]) -> dict[str, Any]:
    """The block after the line `# expect:`, which is TOML in a comment; `keys` are those that a run may have."""
    _, marker, rest = source.partition("# expect:\n")
    assert marker, "The script has no `# expect:` block."
    lines = []
    for line in rest.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#"))
    expected = tomllib.loads("\n".join(lines))
    expected.setdefault("run", [])
    assert expected.keys() <= {"run", "exit"}, expected.keys()
    for entry in expected["run"]:
        assert entry.keys() <= keys, entry.keys() - keys
    return expected
