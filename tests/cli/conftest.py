"""The command, run as people run it, on a store that holds a bit of everything."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# -P keeps the working directory off the command's own path, as in the installed `autotrack`.
COMMAND = [sys.executable, "-P", "-m", "autotrack"]

Cli = Callable[..., subprocess.CompletedProcess[str]]

FILL = """
    import json, sys
    import autotrack
    from sklearn.linear_model import LogisticRegression

    autotrack.enable(store=sys.argv[1], experiment="spam")
    ids = {}
    params = {"C": 0.5, "kernel": "rbf", "seed": None}
    with autotrack.start_run("baseline", params=params, tags={"team": "growth"}) as run:
        for step in range(4):
            run.log_metrics({"train_loss": 1 / (step + 1), "val_accuracy": 0.5 + step / 10}, step=step)
        with autotrack.start_run("fold", params={"fold": 1}) as child:
            child.log_metric("val_accuracy", 0.25)
    ids["baseline"], ids["fold"] = run.id, child.id
    with autotrack.start_run("größe 模型", experiment="odd") as run:
        run.log_metrics({"nan": float("nan"), "up": float("inf"), "down": float("-inf"), "val_accuracy": 0.75})
        run.log_params({"escape": "\\x1b[31mred\\x1b[0m\\nsecond line", "list": [1, 2.5, "x"], "nan": float("nan")})
        run.set_tag("note", "bell\\x07 rtl\\u202egnp")
    ids["odd"] = run.id
    try:
        with autotrack.start_run("broken", params={"C": 2.0}) as run:
            raise ValueError("boom")
    except ValueError:
        ids["broken"] = run.id
    LogisticRegression(C=0.25).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    run = autotrack.last_run()
    ids["fit"] = run.id
    about = {"tags": {"team": "growth"}, "description": "first\\nsecond \\x1b[31m"}
    autotrack.register_model(run, "churn", alias="champion", **about)
    with autotrack.paused():
        other = LogisticRegression(C=2).fit([[0.0], [1.0]], [0, 1])
    autotrack.register_model(other, "churn", alias="challenger")
    autotrack.register_model(run, "größe 模型")
    autotrack.register_model(run, "gone")
    autotrack.registry.delete_version("gone", 1)
    print(json.dumps(ids))
"""


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store, and the ids of its runs by a word for each. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("filled")
    home = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}
    own = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FILL), str(folder / "store")],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**own, **home, "AUTOTRACK_AUTHOR": "ann", "AUTOTRACK_KEY_FILE": str(folder / "key")},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "store", json.loads(done.stdout)


@pytest.fixture
def ids(filled: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return filled[1]


@pytest.fixture
def bare() -> Cli:
    """`bare("ls", ...)`: the command in this test's folder, where no store is."""

    def run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **(env or {})},
        )

    return run


@pytest.fixture
def cli(filled: tuple[Path, dict[str, str]], bare: Cli) -> Cli:
    """`cli("ls", ...)`: the command on the filled store."""

    def run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return bare(*args, env={"AUTOTRACK_STORE": str(filled[0]), **(env or {})})

    return run


@pytest.fixture
def as_json(cli: Cli) -> Callable[..., Any]:
    """`as_json("ls", ...)`: the one JSON document that `--json` prints; nothing is said beside it."""

    def run(*args: str) -> Any:
        done = cli(*args, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))

    return run
