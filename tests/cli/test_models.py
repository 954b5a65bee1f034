"""`autotrack models`: what is registered, one version in full, and who did what when."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.registry import Registry
from autotrack.store import Store

Cli = Callable[..., subprocess.CompletedProcess[str]]
AsJson = Callable[..., Any]


def test_models_lists_names_with_aliases_and_hides_what_is_all_deleted(cli: Cli) -> None:
    done = cli("models")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["name", "aliases", "newest", "created", "versions"]
    assert lines[1].startswith("churn       @challenger = 2, @champion = 1       2  ")
    assert lines[2].startswith("größe 模型  -  ")
    assert len(lines) == 3
    assert cli("models", "ls").stdout == done.stdout


def test_models_as_json(as_json: AsJson, ids: dict[str, str]) -> None:
    listed = as_json("models")
    assert [model["name"] for model in listed] == ["churn", "größe 模型"]
    assert listed[0]["aliases"] == {"challenger": 2, "champion": 1}
    assert [version["version"] for version in listed[0]["versions"]] == [2, 1]
    assert as_json("models", "ls") == listed
    assert as_json("models", "churn") == as_json("models", "show", "churn") == listed[0]
    assert as_json("models", "show", "churn@champion")["run_id"] == ids["fit"]


def test_json_may_stand_before_the_name(cli: Cli, as_json: AsJson) -> None:
    assert json.loads(cli("models", "--json", "show", "churn").stdout) == as_json("models", "show", "churn")
    assert json.loads(cli("models", "--json", "history", "churn").stdout) == as_json("models", "history", "churn")


def test_model_lists_its_versions_the_newest_first(cli: Cli, ids: dict[str, str]) -> None:
    done = cli("models", "churn")
    assert (done.returncode, done.stderr) == (0, "")
    title, header, *lines = done.stdout.splitlines()
    assert title == "churn"
    assert header.split() == ["version", "aliases", "created", "run", "by", "description", "tags"]
    assert [line.split()[:2] for line in lines] == [["2", "@challenger"], ["1", "@champion"]]
    assert ids["fit"] in lines[1]
    assert "first\\nsecond \\x1b[31m" in lines[1]
    assert "team=growth" in lines[1]


@pytest.mark.parametrize("reference", ["churn@champion", "churn/1", "models:/churn/1", "models:/churn@champion"])
def test_version_is_shown_in_full(cli: Cli, ids: dict[str, str], reference: str) -> None:
    done = cli("models", reference)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "churn/1"
    assert "  aliases      @champion" in lines
    assert "               second \\x1b[31m" in lines
    assert f"  run          {ids['fit']}, see it with: autotrack show {ids['fit']}" in lines
    assert '  load it      autotrack.load_model("churn/1")' in lines
    assert any(line.split()[:2] == ["class", "sklearn.linear_model._logistic.LogisticRegression"] for line in lines)


def test_version_as_json_has_its_manifest_without_the_seal(as_json: AsJson) -> None:
    version = as_json("models", "show", "churn/1")
    assert (version["version"], version["tags"]) == (1, {"team": "growth"})
    assert version["package"]["flavor"] == "sklearn"
    assert "seal" not in version["package"]


def test_history_tells_what_happened_oldest_first(cli: Cli, as_json: AsJson, ids: dict[str, str]) -> None:
    told = [line.split("  ")[-1].strip() for line in cli("models", "history", "churn").stdout.splitlines()]
    assert told == [
        "what",
        f"registered version 1 of run {ids['fit']}",
        "@champion now means version 1",
        "registered version 2",
        "@challenger now means version 2",
    ]
    assert [event["op"] for event in as_json("models", "history", "churn")] == ["register", "alias"] * 2


def test_history_tells_every_kind_of_event(bare: Cli, tmp_path: Path) -> None:
    store = Store.open(tmp_path / ".autotrack", create=True)
    registry = Registry(store)
    for number in (1, 2):
        registry.register("churn", store.blobs.put(f"manifest {number}".encode()), by="ann@lab")
    registry.set_alias("churn", "best", 1)
    registry.set_alias("churn", "best", 2)
    registry.delete_alias("churn", "best")
    registry.set_tag("churn", 1, "team", "growth")
    registry.set_tag("churn", 1, "team", None)
    registry.set_description("churn", 2, "the second")
    registry.delete_version("churn", 1, by="bob@lab")
    lines = bare("models", "history", "churn").stdout.splitlines()
    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "registered version 1",
        "registered version 2",
        "@best now means version 1",
        "@best now means version 2, before 1",
        "@best removed, was version 2",
        "version 1: tag team = growth",
        "version 1: tag team removed",
        "version 2: described as the second",
        "deleted version 1",
    ]
    assert "ann@lab" in lines[1]
    assert "bob@lab" in lines[-1]


def test_model_whose_versions_are_all_deleted_still_has_its_history(cli: Cli) -> None:
    done = cli("models", "gone")
    assert (done.returncode, done.stdout) == (0, "gone\n")
    assert done.stderr == "No versions are left, all were deleted. See how with: autotrack models history gone\n"
    assert "deleted version 1" in cli("models", "history", "gone").stdout


def test_models_without_a_store_or_a_model_is_friendly(bare: Cli, tmp_path: Path) -> None:
    done = bare("models")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("No models are registered.\nRegister one with: autotrack.register_model(run,")
    assert bare("models", "--json").stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []
    Store.open(tmp_path / ".autotrack", create=True)
    assert bare("models").stderr == done.stderr


def test_damaged_model_is_told_and_hides_no_other(bare: Cli, tmp_path: Path) -> None:
    store = Store.open(tmp_path / ".autotrack", create=True)
    manifest = store.blobs.put(b"manifest")
    for name in ("churn", "fraud"):
        Registry(store).register(name, manifest)
    (store.root / "registry" / "churn" / f"{0:020}.json").write_bytes(b"{")
    done = bare("models")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["name", "fraud"]
    assert done.stderr.startswith("Error: Event 0 of the model 'churn' in the registry is not readable.\nExpected the")
    assert [model["name"] for model in json.loads(bare("models", "--json").stdout)] == ["fraud"]


def test_package_that_is_no_manifest_is_told_as_damaged(bare: Cli, tmp_path: Path) -> None:
    store = Store.open(tmp_path / ".autotrack", create=True)
    Registry(store).register("churn", store.blobs.put(b"no manifest"))
    done = bare("models", "churn/1")
    assert done.returncode == 0
    assert "damaged  This model package has an unreadable manifest" in done.stdout
