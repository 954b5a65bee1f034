"""What looking on adds to a raw PyTorch loop: the untracked script, autotrack, and the script instrumented by hand.

Every variant is an interpreter of its own, all alive at once: they take turns, an epoch each. Printed are medians over
the epochs of what a variant adds to the untracked script in the same round. Other trackers are measured where they are
installed, without a network. How to read it: README.md beside this file.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

WARM_UP = 2  # epochs of each variant that do not count: the first steps of a process
SELDOM = 8  # a call of MLflow takes milliseconds: it takes a turn in every eighth round
# From which size memory is mapped anew for each tensor. It moves with what a process has freed before, and with it the
# time of a step by a third: so it is the same for all.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "536870912"}
Log = Callable[[Mapping[str, float], int], None]
Tracker = Callable[[], tuple[Log | None, Callable[[], None]]]


@dataclass(frozen=True)
class Task:
    """A training.

    Attributes:
        make: Model, batches of one epoch, batches of the evaluation.
        read_every: Steps after which the untracked script reads its loss.
        rounds: Epochs of each variant.
    """

    make: Callable[[], tuple[Any, Callable[[], Any], Callable[[], Any]]]
    read_every: int
    rounds: int


def mlp() -> tuple[Any, Callable[[], Any], Callable[[], Any]]:
    """A tiny network; the data lies in memory and is sliced."""
    import torch

    X, y = torch.randn(16_000, 20), torch.randint(0, 4, (16_000,))
    model = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))

    def batches(first: int, last: int) -> Iterator[tuple[Any, Any]]:
        for start in range(first, last, 32):
            yield X[start : start + 32], y[start : start + 32]

    return model, lambda: batches(0, 15_000), lambda: batches(15_000, 16_000)


def cnn() -> tuple[Any, Callable[[], Any], Callable[[], Any]]:
    """A small convolutional network; the data comes out of a DataLoader."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 7 * 7, 10)),
    )
    X, y = torch.randn(1_500, 1, 28, 28), torch.randint(0, 10, (1_500,))
    loaders = [
        DataLoader(TensorDataset(X[part], y[part]), batch_size=32, shuffle=part.start is None)
        for part in (slice(None, 1_280), slice(1_280, None))
    ]
    return model, lambda: loaders[0], lambda: loaders[1]


def gpt() -> tuple[Any, Callable[[], Any], Callable[[], Any]]:
    """A small transformer that predicts the next token; random windows of a text in memory."""
    import torch
    from torch import nn

    class GPT(nn.Module):
        def __init__(self, vocabulary: int = 65, width: int = 64, layers: int = 3, context: int = 64) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True, norm_first=True)
            self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
            self.head = nn.Linear(width, vocabulary)
            self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(context))

        def forward(self, tokens: Any) -> Any:
            hidden = self.tokens(tokens) + self.places.weight
            return self.head(self.blocks(hidden, mask=self.mask, is_causal=True)).flatten(0, 1)

    text = torch.randint(0, 65, (20_000,))

    def batches(count: int) -> Iterator[tuple[Any, Any]]:
        for _ in range(count):
            starts = torch.randint(0, 19_900, (8,)).tolist()
            windows = torch.stack([text[start : start + 65] for start in starts])
            yield windows[:, :-1], windows[:, 1:].flatten()

    return GPT(), lambda: batches(20), lambda: batches(2)


TASKS = {"mlp": Task(mlp, 10, 32), "cnn": Task(cnn, 1, 24), "gpt": Task(gpt, 1, 16)}


def train(task: Task, rounds: int, log: Log | None, clock: "Clock") -> None:
    """The script. By hand: the loss of each step and, of each epoch, loss and accuracy of the evaluation."""
    import torch

    torch.manual_seed(0)
    model, batches, held_out = task.make()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = torch.nn.CrossEntropyLoss()
    step = 0
    for _epoch in range(rounds):
        clock.start(step)
        model.train()
        for X, y in batches():
            optimizer.zero_grad()
            loss = criterion(model(X), y)
            loss.backward()
            optimizer.step()
            step += 1
            if log is not None:
                log({"train_loss": loss.item()}, step)
            elif step % task.read_every == 0:
                loss.item()
        model.eval()
        total, right, count = 0.0, 0, 0
        with torch.no_grad():
            for X, y in held_out():
                output = model(X)
                total += criterion(output, y).item() * len(y)
                right += (output.argmax(1) == y).sum().item()
                count += len(y)
        if log is not None:
            log({"val_loss": total / count, "val_accuracy": right / count}, step)
        clock.stop(step)


# ---- trackers


def autotrack_on() -> tuple[Log | None, Callable[[], None]]:
    import autotrack

    autotrack.enable()
    return None, lambda: None


def tensorboard() -> tuple[Log | None, Callable[[], None]]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter("runs")

    def log(values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return log, writer.close


def trackio() -> tuple[Log | None, Callable[[], None]]:
    import trackio

    trackio.init(project="bench")
    return lambda values, step: trackio.log(dict(values), step=step), trackio.finish


def wandb() -> tuple[Log | None, Callable[[], None]]:
    import wandb

    run = wandb.init(project="bench", mode="offline", settings=wandb.Settings(console="off"))
    return lambda values, step: run.log(dict(values), step=step), run.finish


def mlflow() -> tuple[Log | None, Callable[[], None]]:
    import mlflow

    mlflow.start_run()
    return lambda values, step: mlflow.log_metrics(dict(values), step=step), mlflow.end_run


def comet() -> tuple[Log | None, Callable[[], None]]:
    """Nothing by hand: it watches backward, and records every tenth loss."""
    import comet_ml

    experiment = comet_ml.OfflineExperiment(workspace="bench", project_name="bench", offline_directory=".")
    return None, experiment.end


TRACKERS: dict[str, tuple[str, Tracker]] = {  # the module it needs, and how it begins
    "untracked": ("torch", lambda: (None, lambda: None)),
    "autotrack": ("autotrack", autotrack_on),
    "by hand: TensorBoard": ("tensorboard", tensorboard),
    "by hand: Trackio": ("trackio", trackio),
    "by hand: W&B, offline": ("wandb", wandb),
    "by hand: MLflow": ("mlflow", mlflow),
    "Comet, automatic, offline": ("comet_ml", comet),
}


# ---- in a child: one variant


class Clock:
    """Waits for its turn before each epoch, and tells what the epoch took."""

    def __init__(self) -> None:
        self._tell = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what trackers print is no answer
        self._cpu_s = time.process_time()
        self._began = (0, 0.0, 0.0)

    def start(self, step: int) -> None:
        """The epoch begins when it is this variant's turn."""
        sys.stdin.readline()
        self._began = step, time.perf_counter(), time.thread_time()

    def stop(self, step: int) -> None:
        """Seconds of the clock, of CPU in the thread of the training, of CPU in all threads since the last epoch."""
        first, wall_s, thread_s = self._began
        found = {"wall": time.perf_counter() - wall_s, "thread": time.thread_time() - thread_s}
        cpu_s, self._cpu_s = self._cpu_s, time.process_time()
        self.say({**found, "cpu": self._cpu_s - cpu_s, "steps": step - first})

    def say(self, found: Mapping[str, float]) -> None:
        """One line to the parent."""
        print(json.dumps(found), file=self._tell, flush=True)


def alone(task: Task, tracker: str, rounds: int) -> None:
    """The script with this tracker, in this process."""
    clock = Clock()
    log, finish = TRACKERS[tracker][1]()
    import torch

    torch.set_num_threads(1)
    train(task, rounds, log, clock)
    finish()
    clock.say({"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3})


# ---- in the parent: all variants in turn


class Child:
    """One variant in an interpreter and a folder of its own."""

    def __init__(self, name: str, tracker: str, rounds: int, folder: Path) -> None:
        self.folder, self.epochs = folder, dict[int, dict[str, float]]()
        env = {**os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1", "AUTOTRACK_STORE": f"{folder}/store"}
        env |= {"TRACKIO_DIR": f"{folder}/trackio", "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        env |= {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_DIR": str(folder), "HF_HUB_OFFLINE": "1", **MALLOC}
        command = [sys.executable, os.path.abspath(__file__), "--alone", name, tracker, str(rounds)]
        with (folder / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def turn(self, number: int) -> None:
        assert self._process.stdin is not None
        try:
            print("go", file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # the answer that is missing says so
        self.epochs[number] = self._answer()

    def end(self) -> dict[str, float]:
        """Its peak memory, and the bytes it has left."""
        found = self._answer()
        self._process.communicate()
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "stderr"]
        kilobytes = sum(path.stat().st_size for path in files if ".cache" not in path.parts) / 1e3
        return {**found, "kilobytes": kilobytes}

    def kill(self) -> None:
        """Whatever happened, it ends."""
        self._process.kill()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError((self.folder / "stderr").read_text("utf-8", "replace")[-2000:])
        found: dict[str, float] = json.loads(line)
        return found


def take_turns(name: str, rounds: int, trackers: list[str]) -> dict[str, dict[str, float]]:
    """What each tracker adds to the untracked script in this training; all of them side by side."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        children = {}
        for number, tracker in enumerate(trackers):
            own = Path(folder) / str(number)
            own.mkdir()
            children[tracker] = Child(name, tracker, -(-rounds // every(tracker)), own)
            stack.callback(children[tracker].kill)
        for number in range(rounds):
            turn = [tracker for tracker in trackers if number % every(tracker) == 0]
            for tracker in turn if number % 2 else reversed(turn):
                children[tracker].turn(number)
        ends = {tracker: child.end() for tracker, child in children.items()}
    bare = children["untracked"].epochs
    return {tracker: summary(child.epochs, bare, ends[tracker]) for tracker, child in children.items()}


def every(tracker: str) -> int:
    """In which rounds it takes its turn."""
    return SELDOM if "MLflow" in tracker else 1


def summary(
    epochs: Mapping[int, Mapping[str, float]], bare: Mapping[int, Mapping[str, float]], end: Mapping[str, float]
) -> dict[str, float]:
    """Medians over the rounds of what it adds to the untracked epoch of the same round; quiet: to a quiet one."""
    counted = list(epochs)[WARM_UP:] or list(epochs)[-1:]
    first = min(epochs)

    def added_us(what: str) -> float:
        return 1e6 * statistics.median(
            (epochs[each][what] - bare[each][what]) / bare[each]["steps"] for each in counted
        )

    def quiet_us(each: Mapping[int, Mapping[str, float]]) -> float:
        """CPU of a step in the thread of the training, in the quietest tenth of the epochs: others miss caches."""
        found = sorted(each[number]["thread"] / each[number]["steps"] for number in list(each)[WARM_UP:] or each)
        return 1e6 * found[len(found) // 10]

    return {
        "quiet_us": quiet_us(epochs),
        "step_ms": 1e3 * statistics.median(epochs[each]["wall"] / epochs[each]["steps"] for each in counted),
        "ratio": statistics.median(epochs[each]["wall"] / bare[each]["wall"] for each in counted),
        "ratio_quiet": quiet_us(epochs) / quiet_us(bare),
        "added_us": added_us("wall"),
        "added_quiet_us": quiet_us(epochs) - quiet_us(bare),
        "added_cpu_us": added_us("cpu"),
        "first_ms": 1e3 * (epochs[first]["wall"] - bare[first]["wall"]),
        **end,
    }


def as_table(name: str, found: Mapping[str, Mapping[str, float]]) -> str:
    """A Markdown table, a line for each tracker: what it adds."""
    bare = found["untracked"]
    lines = [
        f"| {name}: {bare['step_ms']:.3g} ms a step, {bare['quiet_us'] / 1e3:.3g} of CPU when quiet | time | us a step "
        "| quiet | us | CPU of all threads, us | first epoch (ms) | memory (MB) | kB left |",
        f"|---|{'---:|' * 8}",
    ]
    for tracker, row in found.items():
        if tracker != "untracked":
            memory_mb, kilobytes = (row[key] - bare[key] for key in ("memory_mb", "kilobytes"))
            lines.append(
                f"| {tracker} | {row['ratio']:.3f} | {row['added_us']:,.0f} | {row['ratio_quiet']:.3f} "
                f"| {row['added_quiet_us']:,.0f} | {row['added_cpu_us']:,.0f} | {row['first_ms']:,.0f} "
                f"| {memory_mb:,.0f} | {kilobytes:,.0f} |"
            )
    lines += [f"| {tracker} | not installed |{' |' * 7}" for tracker in TRACKERS if not is_here(tracker)]
    return "\n".join(lines)


def is_here(tracker: str) -> bool:
    """Whether it is installed."""
    return find_spec(TRACKERS[tracker][0]) is not None


def main() -> None:
    """All variants of all trainings in turn, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(TASKS), help="which, separated by commas")
    parser.add_argument("--trackers", default="", help="only those with one of these words in their names")
    parser.add_argument("--rounds", type=int, help="epochs of each variant (default: 32, 24, 16)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--alone", nargs=3, metavar=("TASK", "TRACKER", "ROUNDS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        name, tracker, rounds = arguments.alone
        alone(TASKS[name], tracker, int(rounds))
        return
    wanted = ["untracked", *arguments.trackers.split(",")] if arguments.trackers else [""]
    trackers = [each for each in TRACKERS if is_here(each) and any(word in each for word in wanted)]
    found = {}
    for name in arguments.tasks.split(","):
        found[name] = take_turns(name, arguments.rounds or TASKS[name].rounds, trackers)
        if not arguments.json:
            print(as_table(name, found[name]), flush=True)
    if arguments.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
