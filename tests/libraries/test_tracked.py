"""The plugin and the comparison, on small suites: they change nothing, see what is recorded, and tell what differs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("workers", ["0", "2"])
def test_fits_of_a_suite_are_recorded_and_its_results_its_own(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_suite.py").write_text(PASSING)
    done = pytest_run("-n", workers, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed, 1 skipped" in done.stdout
    assert "\n4 runs were recorded.\n0 failures of autotrack's own.\n" in done.stdout
    assert not list(tmp_path.rglob(".autotrack"))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_failures_of_ours_are_counted_and_fail_no_test(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_suite.py").write_text(FAILURE_OF_OURS)
    done = pytest_run("-n", workers, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed 2 times: some hook: ValueError: our mistake\n" in done.stdout
    assert "first in test_suite.py::test_" in done.stdout
    assert "\n2 failures of autotrack's own.\n" in done.stdout


def test_comparison_names_what_fails_with_autotrack_only(tmp_path: Path) -> None:
    before = [("sklearn.svm.tests.test_svm", "test_a", ""), ("sklearn.svm.tests.test_svm", "test_b", "")]
    after = [
        ("sklearn.svm.tests.test_svm", "test_a", "<failure/>"),
        ("sklearn.tests.test_base", "test_c", "<failure/>"),
    ]
    for name, cases in (("off.xml", before), ("on.xml", after)):
        body = "".join(f'<testcase classname="{where}" name="{test}">{end}</testcase>' for where, test, end in cases)
        (tmp_path / name).write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
    command = [sys.executable, str(HERE / "compare.py"), "sklearn", "--without", "off.xml", "--with", "on.xml"]
    done = subprocess.run(
        [*command, "--output", "out"], capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "out" / "report.md").read_text() == done.stdout.removesuffix("\n")
    assert "| sklearn.svm | 2 | 0 | 1 | 2 |\n| sklearn.tests | 1 | 0 | 1 | 1 |\n| all | 3 | 0 | 2 | 3 |" in done.stdout
    assert "- `sklearn.svm.tests.test_svm::test_a` (failed)" in done.stdout
    assert "- `sklearn.svm.tests.test_svm::test_b` (not run)" in done.stdout
