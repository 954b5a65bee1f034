"""What `autotrack run` records of a plain scikit-learn script, where, and what happens when it cannot."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import autotrack
from scripts import TRACKED

TRAIN = """\
import sys
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = LogisticRegression(C=float(sys.argv[1]), max_iter=500).fit(X_train, y_train)
print(model.score(X_test, y_test))
"""


@pytest.fixture(autouse=True)
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(TRAIN)
    return path


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TRACKED, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **env},
    )


def plain(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=120, check=False)


def runs_in(store: Path, monkeypatch: pytest.MonkeyPatch) -> list[autotrack.Run]:
    monkeypatch.setenv("AUTOTRACK_STORE", str(store))
    return list(autotrack.search_runs())


@pytest.mark.slow
def test_plain_script_is_recorded_without_being_touched(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = script.read_bytes()
    done = run("train.py", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == plain("train.py", "0.5").stdout
    assert script.read_bytes() == before
    (found,) = runs_in(tmp_path / ".autotrack", monkeypatch)
    assert (found.name, found.status, found.experiment) == ("LogisticRegression", "finished", "default")
    assert (found.params["C"], found.params["max_iter"]) == (0.5, 500)
    X_train, X_test, y_train, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
    model = LogisticRegression(C=0.5, max_iter=500).fit(X_train, y_train)
    assert found.metrics["train_accuracy"] == pytest.approx(model.score(X_train, y_train))
    assert found.metrics["test_score"] == pytest.approx(model.score(X_test, y_test))
    assert found.code["argv"][1:] == ["train.py", "0.5"]
    assert found.code["modules"] == {"__main__": hashlib.sha256(before).hexdigest()}
    loaded = autotrack.load_model(f"run:{found.id}")
    assert loaded.predict(X_test).tolist() == model.predict(X_test).tolist()


@pytest.mark.slow
def test_run_of_a_script_that_raises_is_failed_and_the_traceback_the_same(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.write_text(TRAIN.replace(".fit(X_train, y_train)", ".fit(X_train, y_train[:-1])"))
    done = run("train.py", "1")
    assert done.returncode == 1
    # The watched call is one more line in the traceback, and says what it is.
    assert re.sub(r'  File "<watched[^"]*", line [0-9]+, in fit\n', "", done.stderr) == plain("train.py", "1").stderr
    (found,) = runs_in(tmp_path / ".autotrack", monkeypatch)
    assert found.status == "failed"
    assert "inconsistent numbers of samples" in str(found.error)


@pytest.mark.slow
def test_store_and_experiment_are_those_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("--store", "elsewhere/store", "--experiment", "iris größe", "train.py", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / ".autotrack").exists()
    (found,) = runs_in(tmp_path / "elsewhere" / "store", monkeypatch)
    assert found.experiment == "iris größe"


@pytest.mark.slow
def test_store_asked_for_stays_the_same_when_the_script_changes_its_folder(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.write_text("import os, tempfile\nos.chdir(tempfile.mkdtemp(dir='.'))\n" + TRAIN)
    assert run("--store", "store", "train.py", "1").stderr == ""
    assert len(runs_in(tmp_path / "store", monkeypatch)) == 1


@pytest.mark.slow
def test_script_that_enables_autotrack_itself_is_recorded_once(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.write_text("import autotrack\nautotrack.enable(experiment='own')\n" + TRAIN)
    assert run("train.py", "1").stderr == ""
    (found,) = runs_in(tmp_path / ".autotrack", monkeypatch)
    assert found.experiment == "own"


def test_script_without_training_leaves_no_store_behind(script: Path, tmp_path: Path) -> None:
    script.write_text("print('hello')")
    assert run("train.py").stdout == "hello\n"
    assert os.listdir(tmp_path) == ["train.py"]


@pytest.mark.parametrize(
    ("args", "env", "told"),
    [
        (["--store", "a-file"], {}, "/a-file' is a file"),
        ([], {"AUTOTRACK_STORE": "ftp://host/store"}, "Store 'ftp://host/store' (from environment AUTOTRACK_STORE)"),
        ([], {"AUTOTRACK_STORE": "newer"}, "has format 99"),
        ([], {"AUTOTRACK_LOG_MODELS": "perhaps"}, "Setting log_models is 'perhaps'"),
        ([], {"AUTOTRACK_LIBRARIES": "sklaern"}, "Did you mean 'sklearn'?"),
        ([], {"AUTOTRACK_EXPERIMENT": "two\nlines"}, "Invalid experiment name"),
    ],
)
def test_what_keeps_us_from_recording_is_one_line_and_the_script_goes_on(
    script: Path, tmp_path: Path, args: list[str], env: dict[str, str], told: str
) -> None:
    script.write_text("import sys\nprint('trained')\nsys.exit(4)\n")
    (tmp_path / "a-file").write_text("not a store")
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "autotrack.json").write_text('{"format": 99, "min_reader": 99, "store_id": "x"}')
    done = run(*args, "train.py", **env)
    assert (done.returncode, done.stdout) == (4, "trained\n")
    assert done.stderr.startswith("autotrack: nothing is recorded: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_project_file_that_is_no_toml_does_not_stop_the_script(script: Path, tmp_path: Path) -> None:
    script.write_text("print('trained')")
    (tmp_path / "autotrack.toml").write_text("store = ")
    done = run("train.py")
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert done.stderr.startswith("autotrack: nothing is recorded: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_training_goes_on_where_nothing_can_be_recorded(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("not a store")
    done = run("--store", "a-file", "train.py", "1")
    assert (done.returncode, done.stdout) == (0, plain("train.py", "1").stdout)


def test_experiment_that_cannot_be_called_so_is_told_before_the_script_starts() -> None:
    done = run("--experiment", "", "train.py", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for '--experiment'" in done.stderr
