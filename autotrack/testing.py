"""For tests of integrations: strict hooks, a store of one's own, and what every integration must hold.

# conftest.py
pytest_plugins = ["autotrack.testing"]

# test_mylibrary.py
class TestMyLibrary(IntegrationContract):
    setup = "from mylibrary import Model; X, y = ..."
    training = "result = Model().fit(X, y).predict(X)"
    watched = "Model.fit"
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autotrack import guard

__all__ = ["IntegrationContract", "store", "strict_hooks"]


@pytest.fixture
def strict_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures of hooks are raised: they fail the test instead of being told as a warning."""
    monkeypatch.setattr(guard, "STRICT", True)


@pytest.fixture
def store(tmp_path: Path, strict_hooks: None) -> Iterator[Path]:
    """autotrack is enabled, strictly, and records into this folder; disabled again after the test."""
    import autotrack

    path = tmp_path / "store"
    autotrack.enable(store=path)
    yield path
    autotrack.disable()


class IntegrationContract:
    """What holds for every integration, whatever it watches. Each test runs in interpreters of its own.

    Attributes:
        setup: Code that imports the library and prepares data; no training.
        training: Code that trains once, as one run, and assigns `result`: what a user would look at.
        watched: An expression for something the integration watches, such as `Model.fit`.
    """

    setup: str
    training: str
    watched: str

    @pytest.mark.parametrize(
        "order",
        [
            ("enable", "setup"),
            ("setup", "enable"),
            ("enable", "setup", "enable"),
            ("enable", "disable", "setup", "enable"),
            ("setup", "enable", "disable", "enable"),
        ],
        ids="-".join,
    )
    def test_training_is_one_run_in_whatever_order_things_are_imported_and_enabled(
        self, order: tuple[str, ...], tmp_path: Path
    ) -> None:
        assert self._run(tmp_path, *order, "train")["runs"] == ["finished"]

    def test_result_is_the_same_as_without_autotrack(self, tmp_path: Path) -> None:
        plain = self._run(tmp_path / "plain", "setup", "train")
        recorded = self._run(tmp_path / "recorded", "enable", "setup", "train")
        assert recorded["result"] == plain["result"]

    @pytest.mark.parametrize("order", [("enable", "setup"), ("setup", "enable")], ids="-".join)
    def test_nothing_is_recorded_after_disable(self, order: tuple[str, ...], tmp_path: Path) -> None:
        assert self._run(tmp_path, *order, "train", "disable", "train")["runs"] == ["finished"]

    def test_disable_puts_back_the_very_object_that_was_watched(self, tmp_path: Path) -> None:
        same = self._run(tmp_path, "setup", "remember", "enable", "compare", "disable", "compare")["same"]
        assert same == [False, True]

    def _run(self, folder: Path, *steps: str) -> dict[str, Any]:
        """What a script of these steps reports. A failure of a hook ends it."""
        folder.mkdir(exist_ok=True)
        code = {
            "enable": "autotrack.enable()",
            "disable": "autotrack.disable()",
            "setup": self.setup,
            "train": self.training,
            "remember": f"before, same = {self.watched}, []",
            "compare": f"same.append({self.watched} is before)",
        }
        lines = [
            "import autotrack, json",
            "from autotrack import guard",
            "guard.STRICT = True",
            *(code[step] for step in steps),
            "found = [run.status for run in autotrack.search_runs()] if 'train' in STEPS and 'enable' in STEPS else []",
            "result = repr(globals().get('result'))",
            "print(json.dumps({'runs': found, 'result': result, 'same': globals().get('same')}))",
        ]
        script = "\n".join([f"STEPS = {steps!r}", *lines])
        done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
