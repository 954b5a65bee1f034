"""Scripts as scikit-learn's users write them: the same output with and without autotrack, and the expected record.

Each script in `scripts/` is run twice, each time in an empty folder: by `python`, and by `autotrack run`. What it
prints, its exit code and the files it leaves are the same; what is on record is what its `# expect:` block says
(README.md).
"""

import ast
import math
import os
import pickle
import re
import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import autotrack
from autotrack.run import Run
from scripts import PLAIN, TRACKED, expectations, recorded_runs, run_script, without_our_frames

SCRIPTS = sorted(Path(__file__).with_name("scripts").glob("*.py"))
KEYS = {"name", "count", "status", "error", "params", "metrics", "history", "tables", "tags", "lacks", "data", "model"}
KEYS |= {"child"}

# Added to the plain run of a script with `model = "fitted.predict(X)"`: what the model recorded must answer as well.
ASK = """
import pickle as _pickle, warnings as _warnings
with open({path!r}, "wb") as _file, _warnings.catch_warnings(action="ignore"):
    _pickle.dump((({arguments}), {call}), _file)
"""
CALL = re.compile(r"(?P<model>\w+)\.(?P<method>\w+)\((?P<arguments>.*)\)")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_prints_the_same_and_is_recorded_as_it_says(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # sums in one order: equal to the last bit
    source = script.read_text()
    expected = expectations(source, KEYS)
    for entry in expected["run"]:
        assert all(child.keys() <= KEYS - {"model"} for child in entry.get("child", []))
    answer = tmp_path / "answer.pickle"
    plain = run_script(PLAIN, tmp_path / "work", {script.name: source + asking(expected, answer)})
    (tmp_path / "work").rename(tmp_path / "plain")  # so that paths in tracebacks and warnings are the same
    tracked = run_script(TRACKED, tmp_path / "work", {script.name: source})
    assert tracked.out == plain.out
    assert without_our_frames(tracked.err) == plain.err
    assert tracked.code == plain.code == expected.get("exit", 0)
    assert tracked.files == plain.files

    monkeypatch.setenv("AUTOTRACK_STORE", str(tmp_path / "work" / ".autotrack"))
    check_runs(recorded_runs(tmp_path / "work"), expected["run"], printed_values(plain.out), answer)


# ---- what a script expects


def asking(expected: dict[str, Any], answer: Path) -> str:
    """The lines that write down what the script's own model answers."""
    calls = [entry["model"] for entry in expected["run"] if "model" in entry]
    assert len(calls) <= 1, "One model of a script is asked."
    if not calls:
        return ""
    asked = CALL.fullmatch(calls[0])
    assert asked is not None
    return ASK.format(path=str(answer), call=calls[0], arguments=f"{asked['arguments']},")


def printed_values(out: str) -> dict[str, Any]:
    """The values of lines such as `accuracy: 0.9375` or `scores: [0.5, 0.75]`, by their label."""
    found = {}
    for line in out.splitlines():
        label, colon, text = line.partition(": ")
        if colon:
            try:
                found[label] = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                found[label] = text
    return found


def wanted_value(value: Any, printed: dict[str, Any]) -> Any:
    """The value itself; of a text the value the script printed under this label."""
    return printed[value] if isinstance(value, str) else value


# ---- comparing


def check_runs(found: Sequence[Run], entries: list[dict[str, Any]], printed: dict[str, Any], answer: Path) -> None:
    """Compare runs with their entries, in the order of their start, and their children with the entries inside."""
    wanted = [entry for entry in entries for _ in range(entry.get("count", 1))]
    assert len(found) == len(wanted), [one.name for one in found]
    for one, entry in zip(found, wanted, strict=True):
        assert fnmatchcase(one.name, entry["name"]), (one.name, entry["name"])
        check(one, entry, printed)
        check_runs(one.children, entry.get("child", []), printed, answer)
        if "model" in entry:
            check_model(one, entry["model"], answer)


def check(one: Run, entry: dict[str, Any], printed: dict[str, Any]) -> None:
    """Compare a run with its entry."""
    assert one.status == entry.get("status", "finished"), one.error
    assert entry.get("error", "") in (one.error or "")
    params = one.params
    assert {key: params.get(key, "(not recorded)") for key in entry.get("params", {})} == entry.get("params", {})
    for key, value in entry.get("metrics", {}).items():
        check_metric(one, key, value, printed)
    for key, value in entry.get("history", {}).items():
        values = one.history(key).values
        wanted = wanted_value(value, printed)
        assert (len(values) if isinstance(wanted, int) else list(values)) == wanted, key
    assert set(entry.get("tables", [])) <= one.tables.keys()
    assert one.tags == entry.get("tags", {})
    assert sorted(one.lacks) == sorted(entry.get("lacks", []))
    described = {key: one.data[key] for key in entry.get("data", {})}
    assert {key: about["shape"] for key, about in described.items()} == entry.get("data", {})
    assert all(about["fingerprint"] for about in described.values())


def check_metric(one: Run, key: str, value: Any, printed: dict[str, Any]) -> None:
    """A metric is the number; the one printed under a label; there (true), or not there (false)."""
    metrics = one.metrics
    assert (key in metrics) == (value is not False), (key, sorted(metrics))
    if value is True:
        assert not math.isnan(metrics[key])
    elif value is not False:
        assert metrics[key] == pytest.approx(wanted_value(value, printed), rel=1e-12, abs=1e-15), key


def check_model(one: Run, call: str, answer: Path) -> None:
    """The model loaded back answers as the script's own did."""
    import numpy as np

    asked = CALL.fullmatch(call)
    assert asked is not None
    arguments, said = pickle.loads(answer.read_bytes())
    with warnings.catch_warnings(action="ignore"):  # the script has seen them
        model = autotrack.load_model(f"run:{one.id}")
        says = getattr(model, asked["method"])(*arguments)
    np.testing.assert_array_equal(np.asarray(says), np.asarray(said))


def test_gallery_is_complete() -> None:
    assert len(SCRIPTS) >= 70
    assert os.path.exists(Path(__file__).with_name("README.md"))
