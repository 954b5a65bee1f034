"""Which of the files of the user's own changed between two runs is told, committed or not."""

import hashlib
import importlib.util
import itertools
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

import autotrack
from autotrack.model import own_source

TRAIN = """
import sys
import autotrack
import prep
from sklearn.linear_model import LogisticRegression

autotrack.enable(store=sys.argv[1])
model = LogisticRegression().fit(prep.X, prep.y)
autotrack.register_model(model, "churn")
"""


def test_files_that_changed_between_two_runs_are_named(tmp_path: Path, store_path: Path) -> None:
    def train() -> None:
        subprocess.run([sys.executable, "train.py", str(store_path)], cwd=tmp_path, check=True, timeout=60)

    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "other.py").write_text("")
    (tmp_path / "prep.py").write_text("import other\nX, y = [[0.0], [1.0], [2.0]], [0, 1, 1]\n")
    train()
    train()
    (tmp_path / "prep.py").write_text("import other\nX, y = [[0.0], [1.0], [3.0]], [0, 1, 1]\n")
    train()
    autotrack.enable(store=store_path)
    assert autotrack.registry.diff("churn/1", "churn/2")["code"].is_equal
    code = autotrack.registry.diff("churn/2", "churn/3")["code"]
    assert [entry.key for entry in code.entries] == ["module prep"]
    assert code.same >= 3  # the script, the other module, the command line


def test_modules_are_listed_while_others_import_and_lazy_ones_stay_asleep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sleepy.py"
    path.write_text("raise RuntimeError('awake')\n")
    spec = importlib.util.spec_from_file_location("sleepy", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "sleepy", module)
    monkeypatch.setitem(sys.modules, "no_module", object())
    assert own_source.digests()["sleepy"] == hashlib.sha256(path.read_bytes()).hexdigest()

    ends = threading.Event()

    def come_and_go() -> None:
        for number in itertools.cycle(range(1000)):
            sys.modules[f"passing_{number}"] = ModuleType("passing")
            sys.modules.pop(f"passing_{(number + 500) % 1000}", None)
            if ends.is_set():
                break
        for number in range(1000):
            sys.modules.pop(f"passing_{number}", None)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(30):
            own_source.digests()
    finally:
        ends.set()
        thread.join()
