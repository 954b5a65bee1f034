"""Another project's test suite without and with autotrack: what fails with it and not without.

    python tests/libraries/compare.py sklearn                       # the whole suite, twice
    python tests/libraries/compare.py sklearn --only sklearn.svm    # a part of it
    python tests/libraries/compare.py sklearn --without off.xml     # one half is there from before
    python tests/libraries/compare.py torch --tests ~/pytorch/test  # tests that are not installed with the package
    python tests/libraries/compare.py optuna --tests ~/optuna/tests

Prints a Markdown table, and writes it with all else (JUnit files, logs, failures of ours) into `--output`. Ends with 1
if a test fails with autotrack that does not fail without and is not explained below, or a hook of ours failed. A model
that cannot be pickled is no failure of a hook: the run says that it lacks it, as it should. Those are counted apart.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import filterfalse
from pathlib import Path

from tracked import FOLDER, read_failures

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MAX_NAMES = 200  # tests that are listed by name


@dataclass(frozen=True)
class Suite:
    """The tests of a package.

    Attributes:
        files: Of a folder of tests, where they are not installed with the package: which of them are run.
        chosen: Which of the tests in there, as an expression for `pytest -k`.
        explained: Tests that hold for nobody who looks on, as patterns of their names, and why.
    """

    package: str
    files: Sequence[str] = ()
    chosen: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    explained: Mapping[str, str] = field(default_factory=dict)


SUITES = {
    # Its tests draw from one seed, so that both halves are the same.
    "sklearn": Suite("sklearn", environment={"SKLEARN_SEED": "42", "SKLEARN_SKIP_NETWORK_TESTS": "1"}),
    "imblearn": Suite("imblearn"),
    "skorch": Suite(
        "skorch",
        explained={
            "*.TestCheckpoint::test_save_all_targets*": "counts calls of pickle.dump, which a net calls to be pickled",
            "*.TestCheckpoint::test_save_no_targets": "counts calls of pickle.dump, which a net calls to be pickled",
        },
    ),
    # Parts that call what is watched, on the CPU; without data pipes, which take longer than all the rest.
    "torch": Suite(
        "torch",
        files=("optim", "nn/test_module_hooks.py", "test_dataloader.py", "test_modules.py"),
        chosen="(not test_modules or Loss) and not datapipe",
    ),
    "optuna": Suite("optuna", files=(".",)),
}


def main() -> int:
    """Run what is asked for and tell how the two halves differ."""
    asked = arguments()
    output = Path(asked.output or tempfile.mkdtemp(prefix=f"{asked.suite}-")).absolute()
    output.mkdir(parents=True, exist_ok=True)
    suite = SUITES[asked.suite]
    without = asked.without or run(suite, asked, output / "without.xml")
    tracked = asked.tracked or run(suite, asked, output / "with.xml", folder=output / "record")
    before, after = outcomes(without, suite.package), outcomes(tracked, suite.package)
    failures = read_failures(output / "record")
    text = report(before, after, failures, suite.explained)
    (output / "report.md").write_text(text)
    print(text)
    unexplained = [test for test in new_failures(before, after) if not reason(test, suite.explained)]
    return 1 if unexplained or any(map(is_of_a_hook, failures)) else 0


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("--only", nargs="+", metavar="MODULE", help="parts of the suite, such as sklearn.svm")
    parser.add_argument("--tests", type=Path, metavar="FOLDER", help="where the tests lie that are not installed")
    parser.add_argument("--workers", type=int, default=2, help="processes that run tests (default: 2)")
    parser.add_argument("--without", type=Path, metavar="XML", help="the JUnit file of a run without autotrack")
    parser.add_argument("--with", dest="tracked", type=Path, metavar="XML", help="the JUnit file of a run with it")
    parser.add_argument("--output", metavar="FOLDER", help="where all of it is kept (default: a new temporary folder)")
    return parser.parse_args()


# ---- running


def select(suite: Suite, only: Sequence[str] | None, tests: Path | None) -> list[str]:
    """What tells pytest which tests these are; their names begin with the package, or are relative to their folder."""
    if not suite.files:
        root = installed(suite.package).parent
        return [f"--rootdir={root}", "--pyargs", *(only or [suite.package])]
    if tests is None or not tests.is_dir():
        sys.exit(f"The tests of {suite.package} are not installed with it. Say where they lie: --tests FOLDER")
    root = tests.absolute()
    present = [file for file in only or suite.files if (root / file).exists()]
    if not present:
        sys.exit(f"None of {', '.join(only or suite.files)} is in {root}.")
    return [f"--rootdir={root}", "-k", suite.chosen, *(str(root / file) for file in present)]


def run(suite: Suite, asked: argparse.Namespace, junit: Path, *, folder: Path | None = None) -> Path:
    """Run the suite once; with autotrack, if there is a folder to record into. Returns the JUnit file."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:randomly", "-p", "no:cacheprovider"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **suite.environment}
    if folder is not None:
        folder.mkdir(exist_ok=True)
        command += ["-p", "tracked"]
        environment[FOLDER] = str(folder)
    # In both halves the same modules can be imported.
    paths = [str(HERE), str(ROOT), str(ROOT / "integrations"), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    command += ["--disable-warnings", "--tb=short", f"--junitxml={junit}"]
    command += ["-n", str(asked.workers)] if asked.workers > 1 else []
    command += select(suite, asked.only, asked.tests)
    with tempfile.TemporaryDirectory() as place, open(junit.with_suffix(".log"), "w") as log:
        subprocess.run(command, cwd=place, env=environment, stdout=log, stderr=log, check=False)
    if not junit.exists():
        sys.exit(f"The tests did not come to an end. See why: {junit.with_suffix('.log')}")
    return junit


def installed(package: str) -> Path:
    """The folder of an installed package. It is looked for, not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is not installed. Install it to run its tests.")
    return Path(spec.origin).parent


def outcomes(junit: Path, package: str) -> dict[str, str]:
    """How each test ended: passed, failed or skipped. Names begin with the package."""
    found = {}
    for case in ET.parse(junit).iter("testcase"):
        tags = {child.tag for child in case}
        outcome = "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"
        module = case.get("classname") or ""
        if module.partition(".")[0] != package:  # of a run with another root
            module = f"{package}.{module}".rstrip(".")
        found[f"{module}::{case.get('name')}"] = outcome
    return found


# ---- comparing


def new_failures(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Tests that fail with autotrack and not without it, and those that passed and are no longer run."""
    failed = [test for test, outcome in after.items() if outcome == "failed" and before.get(test) != "failed"]
    missing = [test for test, outcome in before.items() if outcome == "passed" and after.get(test) in (None, "skipped")]
    return sorted(failed + missing)


def reason(test: str, explained: Mapping[str, str]) -> str:
    """Why this test fails, where it is known; else empty."""
    return next((why for pattern, why in explained.items() if fnmatchcase(test, pattern)), "")


def is_of_a_hook(failure: Mapping[str, str]) -> bool:
    """Whether a hook of ours failed; else it is a model that cannot be pickled, which is told as well."""
    return not failure["error"].startswith("ModelSaveError: ")


def part_of(test: str) -> str:
    """The package of a test: `sklearn.svm` of `sklearn.svm.tests.test_svm::test_x`."""
    return ".".join(test.partition("::")[0].split(".")[:2])


def report(
    before: Mapping[str, str],
    after: Mapping[str, str],
    failures: Sequence[Mapping[str, str]],
    explained: Mapping[str, str],
) -> str:
    """The comparison, as Markdown."""
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    for test in before.keys() | after.keys():
        parts[part_of(test)]["tests"] += 1
        parts[part_of(test)]["without"] += before.get(test) == "failed"
        parts[part_of(test)]["with"] += after.get(test) == "failed"
    new = new_failures(before, after)
    for test in new:
        parts[part_of(test)]["new"] += 1
    total = sum(parts.values(), Counter())
    lines = ["| package | tests | failed without | failed with | new failures |", "|---|---:|---:|---:|---:|"]
    for name, count in [*sorted(parts.items()), ("all", total)]:
        lines.append(f"| {name} | {count['tests']} | {count['without']} | {count['with']} | {count['new']} |")
    lines += ["", f"New failures: {len(new)}"]
    for test in new[:MAX_NAMES]:
        why = reason(test, explained)
        lines.append(f"- `{test}` ({after.get(test, 'not run')}{'; explained: ' if why else ''}{why})")
    lines += ["", *kinds("Failures of hooks", filter(is_of_a_hook, failures))]
    lines += ["", *kinds("Models that could not be pickled", filterfalse(is_of_a_hook, failures))]
    return "\n".join([*lines, ""])


def kinds(title: str, found: Iterable[Mapping[str, str]]) -> list[str]:
    """How many there are, and each kind once with the test it was first seen in."""
    first: dict[str, str] = {}
    times: Counter[str] = Counter()
    for failure in found:
        first_line = failure["error"].partition("\n")[0]
        kind = f"{failure['place']}: {first_line[:200]}"
        times[kind] += 1
        first.setdefault(kind, failure["test"])
    listed = [f"- {count} times in {kind} (first in `{first[kind]}`)" for kind, count in times.most_common(MAX_NAMES)]
    return [f"{title}: {times.total()}", *listed]


if __name__ == "__main__":
    sys.exit(main())
