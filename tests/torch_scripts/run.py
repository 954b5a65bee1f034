"""Runs a script plain and tracked, and says what differs. By hand: python tests/torch_scripts/run.py [NAME...]"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [entry for entry in (str(HERE), str(HERE.parent / "support")) if entry not in sys.path]

from comparing import KEYS, differences, entries  # noqa: E402
from truth import OBSERVER, observed_source, read_truth  # noqa: E402

from scripts import PLAIN, TRACKED, Done, expectations, recorded_runs, run_script, without_our_frames  # noqa: E402

SCRIPTS = sorted([*(HERE / "scripts").glob("*.py"), *(path.parent for path in (HERE / "scripts").glob("*/main.py"))])


def sources(script: Path) -> dict[str, str]:
    """The files of a script, the one to run first."""
    if script.is_file():
        return {script.name: script.read_text()}
    others = sorted(path for path in script.glob("*.py") if path.name != "main.py")
    return {path.name: path.read_text() for path in (script / "main.py", *others)}


def check(script: Path, folder: Path) -> Iterator[str]:
    """Run a script plain, observed, and tracked, at once; then compare all there is. `AUTOTRACK_STORE` is its store."""
    files = sources(script)
    first = next(iter(files))
    expected = expectations(files[first], KEYS)
    with ThreadPoolExecutor() as pool:
        plain = pool.submit(run, folder, "plain", PLAIN, {first: observed_source(files[first]), **_others(files)})
        tracked = pool.submit(run, folder, "tracked", TRACKED, files)
    yield from _outputs(plain.result(), tracked.result(), expected.get("exit", 0), folder)
    if missing := [name for name in ("plain", "tracked") if not (folder / f"{name}.truth").exists()]:
        yield f"nothing was observed in the run {' and '.join(missing)}"
        return
    truth = read_truth(folder / "plain.truth")
    yield from _random_states(truth["states"], read_truth(folder / "tracked.truth")["states"], files[first])
    found, wanted = recorded_runs(folder / "tracked"), entries(expected)
    yield from differences(found, wanted, truth)
    recorded = {(number, name) for number, one in enumerate(found) for name in one.models}
    yield from (f"run {number}: no model {name!r}" for number, name in sorted(truth["models"].keys() - recorded))
    yield from _models(folder, [f"{found[number].id}:{number}:{name}" for number, name in sorted(recorded)])


def _others(files: dict[str, str]) -> dict[str, str]:
    return dict(list(files.items())[1:])


def run(folder: Path, name: str, command: list[str], files: dict[str, str]) -> Done:
    """Run it in `folder/name`, and have the observer write to `folder/name.truth`."""
    path = os.pathsep.join(filter(None, (str(OBSERVER), os.environ.get("PYTHONPATH"))))
    env = {"PYTHONPATH": path, "TRUTH": str(folder / f"{name}.truth"), "OMP_NUM_THREADS": "1"}
    return run_script(command, folder / name, files, env)


def _outputs(plain: Done, tracked: Done, code: int, folder: Path) -> Iterator[str]:
    errors = without_our_frames(tracked.err).replace(str(folder / "tracked"), str(folder / "plain"))
    if plain.code != code:
        yield f"the plain script exits with {plain.code}, not {code}: {plain.err}"
    if tracked.code != plain.code:
        yield f"exit code {tracked.code}, not {plain.code}: {tracked.err}"
    if tracked.out != plain.out:
        yield f"another output:\n{tracked.out}instead of\n{plain.out}"
    if errors != plain.err:
        yield f"another stderr:\n{errors}instead of\n{plain.err}"
    if tracked.files != plain.files:
        changed = {name for name in plain.files if tracked.files.get(name) != plain.files[name]}
        yield f"other files: {sorted(changed | tracked.files.keys() - plain.files.keys())}"


def _random_states(plain: dict[str, Any], tracked: dict[str, Any], source: str) -> Iterator[str]:
    for name, state in plain.items():
        is_seeded = name != "numpy" or "np.random.seed" in source  # numpy's own start is random
        if is_seeded and repr(_plain(state)) != repr(_plain(tracked.get(name))):
            yield f"another random state of {name}"


def _plain(state: Any) -> Any:
    """Tensors and arrays as lists, which show all of themselves."""
    if isinstance(state, tuple):
        return [_plain(part) for part in state]
    return state.tolist() if hasattr(state, "tolist") else state


def _models(folder: Path, words: list[str]) -> Iterator[str]:
    """What load.py finds wrong, in a process of its own and outside of the script's folder."""
    if not words:
        return
    command = [sys.executable, str(HERE / "load.py"), str(folder / "plain.truth"), str(folder / "tracked"), *words]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        yield f"load.py: {done.stderr}"
        return
    yield from json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Check the scripts of these names, or all; 1 if anything differs."""
    import time

    is_wrong = False
    for script in [path for path in SCRIPTS if not sys.argv[1:] or path.stem in sys.argv[1:]]:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["HOME"] = os.environ["AUTOTRACK_CACHE"] = folder
            os.environ["AUTOTRACK_KEY_FILE"] = str(Path(folder) / "key")
            os.environ["AUTOTRACK_STORE"] = str(Path(folder) / "tracked" / ".autotrack")
            start = time.perf_counter()
            wrong = list(check(script, Path(folder)))
        is_wrong |= bool(wrong)
        print(f"{script.stem}: {'wrong' if wrong else 'right'} ({time.perf_counter() - start:.1f} s)", flush=True)
        for line in wrong:
            print("    " + line.replace("\n", "\n    "))
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
