"""`autotrack import`: what it takes over, and what it says of it."""

import json
import shutil

import pytest

from autotrack.registry import Registry
from autotrack.store import Store


@pytest.fixture
def into(bare, tmp_path):
    """`into(other, ...)`: import into a store of this test; `into.show("ls", ...)` looks at it."""
    env = {"AUTOTRACK_STORE": str(tmp_path / "mine")}

    def run(*args):
        return bare("import", *args, env=env)

    run.show = lambda *args: bare(*args, env=env)
    return run


def test_import_takes_over_runs_and_models_once(into, filled, cli):
    done = into(str(filled[0]), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert sorted(report["new_runs"]) == sorted(filled[1].values())
    assert report["new_models"] == ["churn", "gone", "größe 模型"]
    assert report["blobs"] > 0
    assert (report["changed_runs"], report["running_runs"], report["lacking_blobs"]) == ([], [], [])
    for words in (["ls", "--json"], ["show", filled[1]["odd"], "--json"], ["models", "history", "churn", "--json"]):
        theirs, ours = cli(*words), into.show(*words)
        assert (ours.returncode, ours.stdout) == (0, theirs.stdout)
    assert into(str(filled[0])).stdout == "0 runs new here (0 points).\n0 models new here.\n"


def test_import_says_how_many_runs_points_and_models_are_new(into, filled):
    done = into(str(filled[0]))
    assert done.stdout.startswith(f"{len(filled[1])} runs new here (")
    assert done.stdout.endswith("3 models new here.\n")


def test_a_model_with_another_history_is_told_and_the_rest_is_imported(into, filled, tmp_path):
    assert into(str(filled[0])).returncode == 0
    other = shutil.copytree(filled[0], tmp_path / "other")
    Registry(Store.open(other)).set_alias("churn", "theirs", 1)
    Registry(Store.open(tmp_path / "mine")).set_alias("churn", "ours", 1)
    done = into(str(other))
    assert done.returncode == 1
    assert done.stderr.startswith("The model 'churn' was left out. Its history here (versions 1-2) and there")
    assert done.stdout == "0 runs new here (0 points).\n0 models new here.\n"
    assert list(json.loads(into(str(other), "--json").stdout)["left_out_models"]) == ["churn"]


def test_import_of_what_is_no_store_or_a_newer_one_is_refused_before_anything_is_made(into, filled, tmp_path):
    done = into(str(tmp_path / "nothing"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no store in" in done.stderr
    newer = shutil.copytree(filled[0], tmp_path / "newer")
    (newer / "autotrack.json").write_text('{"format": 9, "store_id": "x", "min_reader": 9, "min_writer": 9}')
    done = into(str(newer))
    assert done.returncode == 1
    assert "Upgrade autotrack to read it" in done.stderr
    assert not (tmp_path / "mine").exists()


def test_a_store_is_not_imported_into_itself(bare, filled):
    done = bare("import", str(filled[0]), env={"AUTOTRACK_STORE": str(filled[0])})
    assert done.returncode == 1
    assert "is the store in use itself" in done.stderr
