"""`autotrack doctor`: settings and where they come from, the store, the libraries, and what went wrong."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.registry import Registry
from autotrack.store import Store

Cli = Callable[..., subprocess.CompletedProcess[str]]

# A hook of ours that fails, on a function of the user's that goes on.
FAILING_HOOK = """
    import train_library
    from autotrack.hooks import Patch

    def watch_fit(call):
        broken = {}
        broken["no such key"]
        yield

    patch = Patch(train_library, "fit", watch_fit)
    print(train_library.fit())
"""


def findings(cli: Cli, *args: str, code: int = 0, env: dict[str, str] | None = None) -> Any:
    done = cli("doctor", "--json", *args, env=env)
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def settings(found: Any) -> dict[str, tuple[Any, str]]:
    return {setting["name"]: (setting["value"], setting["origin"]) for setting in found["settings"]}


def test_every_setting_is_shown_with_its_origin(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "autotrack.toml").write_text("author = 'ann'\nexperiment = 'from the file'\n")
    found = settings(findings(bare, env={"AUTOTRACK_EXPERIMENT": "from the environment"}))
    assert found["experiment"] == ("from the environment", "environment AUTOTRACK_EXPERIMENT")
    assert found["author"] == ("ann", str(tmp_path / "autotrack.toml"))
    assert found["store"] == (str(tmp_path / ".autotrack"), "default, in the working directory")
    assert found["log_models"] == (True, "default")
    text = bare("doctor").stdout
    assert "  experiment   from the file    (" in text
    assert "  libraries    all that are known    (default)" in text


def test_store_given_as_an_option_is_said_to_be_one(bare: Cli, tmp_path: Path) -> None:
    for args in (("doctor", "--store", "there", "--json"), ("--store", "there", "doctor", "--json")):
        found = settings(json.loads(bare(*args).stdout))
        assert found["store"] == (str(tmp_path / "there"), "option --store")


def test_store_that_is_not_there_yet_is_no_problem_and_is_not_made(bare: Cli, tmp_path: Path) -> None:
    found = findings(bare)
    assert found["ok"] is True
    assert found["store"] == {"path": str(tmp_path / ".autotrack"), "exists": False, "writable": True}
    done = bare("doctor")
    assert "  state  not there yet; made when the first run starts" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_store_is_counted(cli: Cli, filled: tuple[Path, Any]) -> None:
    store = findings(cli)["store"]
    assert (store["path"], store["exists"], store["writable"]) == (str(filled[0]), True, True)
    assert (store["runs"], store["running"], store["models"], store["format"]) == (5, 0, 2, 1)
    assert "  runs    5, of which 0 running" in cli("doctor").stdout


def test_libraries_are_shown_with_their_versions(bare: Cli) -> None:
    import optuna
    import sklearn
    import torch

    assert findings(bare)["libraries"][:3] == [
        {"name": "sklearn", "version": sklearn.__version__, "installed": True, "watched": True},
        {"name": "torch", "version": torch.__version__, "installed": True, "watched": True},
        {"name": "optuna", "version": optuna.__version__, "installed": True, "watched": True},
    ]
    assert f"  sklearn   {sklearn.__version__}, watched" in bare("doctor").stdout


def test_path_that_is_a_file_is_an_error(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("not a store")
    found = findings(bare, "--store", "a-file", code=1)
    assert found["ok"] is False
    assert "a-file' is a file" in found["store"]["error"]
    done = bare("doctor", "--store", "a-file")
    assert done.returncode == 1
    assert "  error  " in done.stdout
    assert done.stderr == "Something is wrong here: see the error above.\n"


def test_store_of_a_newer_format_is_an_error(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "autotrack.json").write_text('{"format": 99, "min_reader": 99, "store_id": "x"}')
    assert "has format 99" in findings(bare, "--store", ".", code=1)["store"]["error"]


def test_folder_that_cannot_be_written_to_is_an_error(bare: Cli, tmp_path: Path) -> None:
    Store.open(tmp_path / "store", create=True)
    os.chmod(tmp_path / "store", 0o500)
    if os.access(tmp_path / "store", os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "cannot be written to" in findings(bare, "--store", "store", code=1)["store"]["error"]
    assert "cannot be made" in findings(bare, "--store", "store/inside", code=1)["store"]["error"]


def test_store_below_a_file_is_an_error(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    found = findings(bare, "--store", "a-file/store", code=1)
    assert "It cannot be made" in found["store"]["error"]


def test_setting_that_cannot_be_used_is_told_with_its_origin(bare: Cli) -> None:
    found = findings(bare, code=1, env={"AUTOTRACK_LOG_MODELS": "perhaps"})
    assert found["ok"] is False
    assert "(from environment AUTOTRACK_LOG_MODELS)" in found["error"]
    done = bare("doctor", env={"AUTOTRACK_LOG_MODELS": "perhaps"})
    assert "Setting log_models is 'perhaps'" in done.stdout


def test_damage_in_the_registry_is_told(bare: Cli, tmp_path: Path) -> None:
    store = Store.open(tmp_path / ".autotrack", create=True)
    registry = Registry(store)
    for number in (1, 2):
        registry.register("churn", store.blobs.put(f"manifest {number}".encode()))
    store.blobs.path(registry.resolve("churn/2").manifest).unlink()
    assert "The package of version 2 of 'churn' is not in the store" in findings(bare, code=1)["store"]["error"]
    (store.root / "registry" / "churn" / f"{0:020}.json").unlink()
    assert "Event 0 of the model 'churn' in the registry is missing." in findings(bare, code=1)["store"]["error"]


def test_failure_of_a_hook_is_shown_with_its_traceback(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "train_library.py").write_text("def fit():\n    return 'fitted'\n")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FAILING_HOOK)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "fitted\n")
    assert "See more with: autotrack doctor" in done.stderr
    (problem,) = findings(bare)["problems"]
    assert "no such key" in problem["error"]
    assert 'broken["no such key"]' in problem["traceback"] or "in watch_fit" in problem["traceback"]
    short = bare("doctor")
    assert short.returncode == 0  # it is over, and recording works
    assert "KeyError: 'no such key'" in short.stdout
    assert "Traceback" not in short.stdout
    assert short.stderr == "See the tracebacks with: autotrack doctor --verbose\n"
    assert "Traceback (most recent call last):" in bare("doctor", "--verbose").stdout
    assert "in watch_fit" in bare("doctor", "-v").stdout


def test_of_many_problems_the_last_are_shown(bare: Cli, tmp_path: Path) -> None:
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "autotrack"
    folder.mkdir(parents=True)
    entry = {"time": "2026-01-31T12:00:00Z", "place": "fit", "traceback": "Traceback (most recent call last):\n  ..."}
    lines = [json.dumps({**entry, "error": f"ValueError: number {number}\nmore"}) for number in range(8)]
    (folder / "problems.jsonl").write_text("\n".join(lines) + "\n")
    out = bare("doctor").stdout
    assert "problems, the last 5 of 8" in out
    assert "number 3" in out
    assert "number 2" not in out
    assert len(findings(bare)["problems"]) == 8
