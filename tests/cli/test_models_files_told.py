"""Files that commands about models cannot read or write are told by name; what the page of a version says of trust."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack import config
from autotrack.cli.main import cli
from autotrack.registry import Registry
from autotrack.store import Store


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args, prog_name="autotrack")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the models `seen`, whose input is known, and `unseen`, whose input is not."""
    monkeypatch.setenv("AUTOTRACK_STORE", str(tmp_path / ".autotrack"))
    autotrack.enable(log_models=False)
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    autotrack.register_model(model, "unseen")
    autotrack.register_model(model, "seen", input_example=[[0.5]])
    config._in_force.clear()
    return Store.open(tmp_path / ".autotrack")


@pytest.mark.parametrize(
    "args",
    [
        ("models", "import", "nowhere/churn.autotrack"),
        ("models", "export", "seen", "nowhere/churn.autotrack"),
        ("models", "export", "seen", "file/churn", "--plain"),
        ("env", "seen", "-o", "nowhere/churn.autotrack"),
        ("keys", "export", "nowhere/churn.autotrack", "--name", "ann"),
    ],
)
def test_file_that_cannot_be_read_or_written_is_told_by_its_name(store: Store, args: tuple[str, ...]) -> None:
    Path("file").write_text("")
    found = run(*args)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "file/churn'" in found.stderr or "nowhere/churn.autotrack'" in found.stderr
    assert "\nExpected a" in found.stderr
    assert "store" not in found.stderr.partition("Expected")[2]
    assert ".tmp" not in found.stderr


@pytest.mark.parametrize("command", ["add", "rotate"])
def test_key_folder_that_cannot_be_made_is_told_as_that(
    store: Store, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("keys", "export", "ann.key", "--name", "ann").exit_code == 0
    if command == "add":
        monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "bob" / "key"))
        (tmp_path / "bob").mkdir()
    folder = Path(os.environ["AUTOTRACK_KEY_FILE"]).parent / "trusted"
    folder.write_text("in the way")
    found = run("keys", command, *["ann.key"][: command == "add"])
    assert (found.exit_code, found.stdout) == (1, "")
    assert f"The key cannot be kept in {str(folder)!r}: " in found.stderr
    assert "Expected a folder that is there, or can be made, and can be written to." in found.stderr
    assert "store" not in found.stderr


def test_file_that_cannot_be_written_is_told_by_what_is_true_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "key.tmp")

    monkeypatch.setattr(os, "replace", full)
    found = run("keys", "rotate")
    assert found.exit_code == 1
    assert found.stderr.startswith("Error: No space left on device: 'key.tmp'.\nExpected a file or folder that")
    assert "on a disk with room" in found.stderr


def test_key_file_that_holds_another_key_than_it_is_called_after_is_not_listed_but_told(store: Store) -> None:
    trusted = Path(os.environ["AUTOTRACK_KEY_FILE"]).parent / "trusted"
    trusted.mkdir()
    bad, short = trusted / f"{'a' * 16}-bad.key", trusted / f"{'b' * 16}-short.key"
    bad.write_bytes(b"0" * 32)
    short.write_bytes(b"0" * 3)
    for path in (bad, short):
        path.chmod(0o600)
    found = run("keys")
    assert found.exit_code == 0
    assert [line.split()[0] for line in found.stdout.splitlines()[1:]] == ["own"]
    assert f"The key of 'bad' is not used: {bad} does not hold the key that its name says." in found.stderr
    assert f"The key of 'short' is not used: {short} has 3 bytes, not 32." in found.stderr
    assert [key["name"] for key in json.loads(run("keys", "--json").stdout)] == ["own"]
    assert run("keys", "remove", "bad").exit_code == 0
    assert not bad.exists()


def test_page_of_a_version_says_where_its_input_is_not_known_and_how_it_would_be(store: Store) -> None:
    assert "not known, so not checked." in run("models", "unseen/1").stdout
    assert "input_example=" in run("models", "unseen/1").stdout
    assert "not known" not in run("models", "seen/1").stdout


def test_page_of_a_version_says_who_sealed_it(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def sealed() -> str:
        return next(line for line in run("models", "seen/1").stdout.splitlines() if "sealed" in line)

    assert "by you" in sealed()
    assert run("keys", "export", "ann.key", "--name", "ann").exit_code == 0
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "bob" / "key"))
    assert "by a key that is not here" in sealed()
    assert run("keys", "add", "ann.key").exit_code == 0
    assert "by a key you took in" in sealed()


@pytest.mark.parametrize("data", [b"", b"3", b"\0", b"\xff{}", b'{"x":' + b"[" * 100_000])
def test_package_without_a_manifest_is_shown_as_damaged_in_json_too(store: Store, data: bytes) -> None:
    Registry(store).register("broken", store.blobs.put(data))
    found = run("models", "broken/1", "--json")
    assert found.exit_code == 0
    assert "unreadable manifest" in json.loads(found.stdout)["package"]["damaged"]


@pytest.mark.parametrize("depth", [300, 500, 700, 900])
def test_manifest_of_great_depth_is_shown_or_told_as_damaged(store: Store, depth: int) -> None:
    text = store.blobs.get(Registry(store).get("seen").manifest).decode()
    Registry(store).register("deep", store.blobs.put((text[:-1] + ',"x":' + "[" * depth + "]" * depth + "}").encode()))
    found = run("models", "deep/1", "--json")
    assert found.exit_code == 0
    package = json.loads(found.stdout)["package"]
    assert "x" in package or "damaged" in package
    assert run("models", "deep/1").exit_code == 0
