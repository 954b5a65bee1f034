"""Scalars into a run: what a call costs the training, and how soon and how large it is on disk; beside other trackers.

Each tool logs the same values, two scalars a step, in fresh interpreters that take turns. Those that are not
installed are left out. How to read it: README.md beside this file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Log = Callable[[int, float], None]  # (step, value)

ROWS = {
    "start": "import and start of a run (s)",
    "call_us": "a step of two scalars, median (us)",
    "durable_points_s": "points a second until they are on disk",
    "end": "end of the run and of the process (s)",
    "bytes_point": "bytes on disk a point",
    "files": "files on disk",
}


def autotrack_tool() -> tuple[Log, Callable[[], None]]:
    import autotrack

    run = autotrack.start_run("bench")
    return lambda step, value: run.log_metrics({"loss": value, "accuracy": 1 - value}, step=step), run.finish


def tensorboard_tool() -> tuple[Log, Callable[[], None]]:
    from tensorboard.summary import Writer

    writer = Writer("logs")

    def log(step: int, value: float) -> None:
        writer.add_scalar("loss", value, step)
        writer.add_scalar("accuracy", 1 - value, step)

    return log, writer.close


def mlflow_tool() -> tuple[Log, Callable[[], None]]:
    import mlflow

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.start_run()
    return lambda step, value: mlflow.log_metrics({"loss": value, "accuracy": 1 - value}, step=step), mlflow.end_run


def trackio_tool() -> tuple[Log, Callable[[], None]]:
    import trackio

    trackio.init(project="bench")
    return lambda step, value: trackio.log({"loss": value, "accuracy": 1 - value}, step=step), trackio.finish


def wandb_tool() -> tuple[Log, Callable[[], None]]:
    import wandb

    run = wandb.init(project="bench", mode="offline", settings=wandb.Settings(console="off"))
    return lambda step, value: run.log({"loss": value, "accuracy": 1 - value}, step=step), run.finish


def aim_tool() -> tuple[Log, Callable[[], None]]:
    from aim import Run

    run = Run()

    def log(step: int, value: float) -> None:
        run.track(value, name="loss", step=step)
        run.track(1 - value, name="accuracy", step=step)

    return log, run.close


TOOLS = {
    "autotrack": autotrack_tool,
    "trackio": trackio_tool,
    "tensorboard": tensorboard_tool,
    "wandb": wandb_tool,
    "aim": aim_tool,
    "mlflow": mlflow_tool,
}


def main() -> None:
    """All tools in turn, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000, help="steps of two scalars (default: 1000)")
    parser.add_argument("--repeats", type=int, default=3, help="interpreters of each tool (default: 3)")
    parser.add_argument("--tools", default=",".join(TOOLS), help="which, separated by commas")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--alone", metavar="TOOL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(measure(arguments.alone, arguments.steps)))
        return
    names = [name for name in arguments.tools.split(",") if find_spec(name) is not None]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(arguments.repeats):
        for name in names:
            found[name].append(in_fresh_interpreter(name, arguments.steps))
    medians = {
        name: {row: statistics.median(each[row] for each in measured) for row in ROWS}
        for name, measured in found.items()
    }
    print(json.dumps(medians, indent=2) if arguments.json else as_table(medians))


def in_fresh_interpreter(name: str, steps: int) -> dict[str, float]:
    """What `measure` finds, and what only the outside sees: the end of the process, the files."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "HOME": folder, "TRACKIO_DIR": f"{folder}/trackio", "AUTOTRACK_STORE": f"{folder}/store"}
        command = [sys.executable, os.path.abspath(__file__), "--alone", name, "--steps", str(steps)]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        ended = time.time()
        if done.returncode != 0:
            raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        size_bytes = sum(path.stat().st_size for path in files)
    return {
        "start": found["start"],
        "call_us": found["call_us"],
        "durable_points_s": 2 * steps / (ended - found["first_call"]),
        "end": ended - found["last_call"],
        "bytes_point": size_bytes / (2 * steps),
        "files": len(files),
    }


def measure(name: str, steps: int) -> dict[str, float]:
    """One run of one tool in this process."""
    started = time.time()
    log, finish = TOOLS[name]()
    first_call = time.time()
    calls = []
    for step in range(steps):
        before = time.perf_counter()
        log(step, 1.0 / (step + 1))
        calls.append(time.perf_counter() - before)
    last_call = time.time()
    finish()
    return {
        "start": first_call - started,
        "call_us": 1e6 * statistics.median(calls),
        "first_call": first_call,
        "last_call": last_call,
    }


def as_table(medians: dict[str, dict[str, float]]) -> str:
    """A Markdown table, a column for each tool."""
    lines = [f"| | {' | '.join(medians)} |", f"|---|{'---:|' * len(medians)}"]
    for row, title in ROWS.items():
        lines.append(f"| {title} | {' | '.join(f'{found[row]:,.4g}' for found in medians.values())} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
