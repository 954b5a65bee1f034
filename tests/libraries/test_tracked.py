"""The plugin and the comparison, on small suites: they change nothing, see what is recorded, and tell what differs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PASSING = """
import warnings
import pytest
from sklearn.linear_model import Ridge

@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
def test_fit(alpha):
    Ridge(alpha=alpha).fit([[0.0], [1.0]], [0.0, 1.0])

def test_warnings_of_the_test_are_errors():
    with warnings.catch_warnings(action="error"):
        Ridge().fit([[0.0], [1.0]], [0.0, 1.0])

def test_skipped():
    pytest.skip("not today")
"""
FAILURE_OF_OURS = """
import os
from autotrack.guard import guard

def fail():
    with guard("some hook"):
        raise ValueError("our mistake")

def test_here():
    fail()

def test_in_a_forked_child():
    child = os.fork()
    if not child:
        fail()
        os._exit(0)
    os.waitpid(child, 0)
"""


def pytest_run(*options: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest with the plugin, in this folder."""
    paths = [str(HERE), str(ROOT), str(ROOT / "integrations")]
    command = [sys.executable, "-m", "pytest", "-p", "tracked", "-p", "no:randomly", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_fits_of_a_suite_are_recorded_and_its_results_its_own(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_suite.py").write_text(PASSING)
    done = pytest_run("-n", workers, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed, 1 skipped" in done.stdout
    assert "\n4 runs were recorded.\n0 failures of autotrack's own.\n" in done.stdout
    assert not list(tmp_path.rglob(".autotrack"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_failures_of_ours_are_counted_and_fail_no_test(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_suite.py").write_text(FAILURE_OF_OURS)
    done = pytest_run("-n", workers, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed 2 times: some hook: ValueError: our mistake\n" in done.stdout
    assert "first in test_suite.py::test_" in done.stdout
    assert "\n2 failures of autotrack's own.\n" in done.stdout


def compare(suite: str, before: list[tuple[str, str, str]], after: list[tuple[str, str, str]], *failures: str) -> Any:
    """What the comparison of two JUnit files says; failures of ours as (place, error)."""
    for name, cases in (("off.xml", before), ("on.xml", after)):
        body = "".join(f'<testcase classname="{where}" name="{test}">{end}</testcase>' for where, test, end in cases)
        Path(name).write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
    Path("out/record").mkdir(parents=True)
    lines = [{"place": "sklearn.model", "error": error, "traceback": "", "test": "test_x"} for error in failures]
    Path("out/record/failures.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, str(HERE / "compare.py"), suite, "--without", "off.xml", "--with", "on.xml"]
    done = subprocess.run([*command, "--output", "out"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.removesuffix("\n") == Path("out/report.md").read_text(), done.stderr
    return done


def test_comparison_names_what_fails_with_autotrack_only() -> None:
    svm, base = "sklearn.svm.tests.test_svm", "sklearn.tests.test_base"
    failed = "<failure/>"
    done = compare(
        "sklearn", [(svm, "test_a", ""), (svm, "test_b", "")], [(svm, "test_a", failed), (base, "c", failed)]
    )
    assert done.returncode == 1
    assert "| sklearn.svm | 2 | 0 | 1 | 2 |\n| sklearn.tests | 1 | 0 | 1 | 1 |\n| all | 3 | 0 | 2 | 3 |" in done.stdout
    assert "- `sklearn.svm.tests.test_svm::test_a` (failed)\n" in done.stdout
    assert "- `sklearn.svm.tests.test_svm::test_b` (not run)\n" in done.stdout


def test_failures_that_are_explained_are_named_and_forgiven() -> None:
    where = "skorch.tests.callbacks.test_training.TestCheckpoint"
    after = [(where, "test_save_no_targets", "<failure/>"), (where, "test_other", "")]
    done = compare("skorch", [(case[0], case[1], "") for case in after], after)
    assert done.returncode == 0
    assert f"- `{where}::test_save_no_targets` (failed; explained: counts calls of pickle.dump" in done.stdout


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        ("ZeroDivisionError: float division by zero", 1, "Failures of hooks: 2\n- 2 times in sklearn.model: Zero"),
        (
            "ModelSaveError: cannot be pickled\nmore",
            0,
            "could not be pickled: 2\n- 2 times in sklearn.model: ModelSave",
        ),
    ],
)
def test_failures_of_hooks_count_and_models_that_cannot_be_pickled_do_not(error: str, code: int, told: str) -> None:
    case = ("sklearn.svm.tests.test_svm", "test_a", "")
    done = compare("sklearn", [case], [case], error, error)
    assert done.returncode == code
    assert told in done.stdout
    assert "(first in `test_x`)" in done.stdout


def test_tests_that_are_not_installed_must_be_pointed_at() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "compare.py"), "torch"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Say where they lie: --tests FOLDER" in done.stderr


@pytest.mark.slow
def test_tests_in_a_folder_are_chosen_and_named_after_their_files(tmp_path: Path) -> None:
    (tmp_path / "optim").mkdir()
    (tmp_path / "optim" / "test_sgd.py").write_text("def test_step():\n    pass\n")
    (tmp_path / "test_modules.py").write_text("def test_L1Loss():\n    pass\ndef test_Linear():\n    assert False\n")
    command = [sys.executable, str(HERE / "compare.py"), "torch", "--tests", str(tmp_path), "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| torch.optim | 1 | 0 | 0 | 0 |\n| torch.test_modules | 1 | 0 | 0 | 0 |\n" in done.stdout
