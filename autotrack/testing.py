"""For tests of integrations and model formats: strict hooks, a store of one's own, and what each of them must hold.

# conftest.py
pytest_plugins = ["autotrack.testing"]

# test_mylibrary.py
class TestMyLibrary(IntegrationContract):
    setup = "from mylibrary import Model; X, y = ..."
    training = "result = Model().fit(X, y).predict(X)"
    watched = "Model.fit"

class TestMyFormat(ModelFormatContract):
    flavor = "mylibrary"
    setup = "from mylibrary import Model; X, y = ..."
    model = "Model().fit(X, y)"
    predict = "model.predict(X).tolist()"
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autotrack import guard

__all__ = ["IntegrationContract", "ModelFormatContract", "store", "strict_hooks"]


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


class ModelFormatContract:
    """What holds for every model format, ours and others'. Each test runs in interpreters of its own.

    Attributes:
        flavor: What models of it are called in their packages.
        setup: Code that imports the library and prepares data; no training.
        model: An expression that gives a trained model.
        predict: An expression for what `model` says of the data, whose `repr` is exact.
        spoil: Code after which `model` cannot be saved.
    """

    flavor: str
    setup: str
    model: str
    predict: str
    spoil: str = "model.spoiled = sys._getframe()"

    def test_format_is_found_and_asking_for_it_imports_nothing(self, tmp_path: Path) -> None:
        found = _reported(
            tmp_path,
            "from autotrack.model import formats",
            f"module = formats.for_saving({self.flavor!r})",
            "OWN = {'autotrack', 'autotrack_integrations', module.__name__.partition('.')[0]}",
            "MINE = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - OWN",
            "before = set(sys.modules)",
            "module.handles(object())",
            "imported = sorted(set(sys.modules) - before)",
            self.setup,
            f"model = {self.model}",
            "report(imported=imported, heavy=sorted(HEAVY & MINE), flavor=formats.find(model))",
        )
        assert found == {"imported": [], "heavy": [], "flavor": self.flavor}

    def test_saving_leaves_the_model_and_the_random_states_as_they_are(self, tmp_path: Path) -> None:
        found = _reported(
            tmp_path,
            self.setup,
            f"model = {self.model}",
            f"before = repr({self.predict}), inside(model), random_states()",
            "pack(model)",
            f"after = repr({self.predict}), inside(model), random_states()",
            "report(same=[one == other for one, other in zip(before, after)])",
        )
        assert found["same"] == [True, True, True]

    def test_loaded_in_a_fresh_process_it_says_the_same_and_nothing_is_watched(self, tmp_path: Path) -> None:
        saved = _reported(tmp_path, *self._saved(), f"report(said=repr({self.predict}))")
        loaded = _reported(
            tmp_path,
            "finders = list(sys.meta_path)",
            "model = load()",
            "hooks = [name for name in sys.modules if name.startswith('autotrack.hooks')]",
            "is_same = finders == sys.meta_path[:len(finders)]",
            self.setup,
            f"report(said=repr({self.predict}), hooks=hooks, is_same=is_same)",
        )
        assert loaded == {"said": saved["said"], "hooks": [], "is_same": True}

    def test_one_changed_byte_of_any_file_is_found(self, tmp_path: Path) -> None:
        found = _reported(
            tmp_path,
            *self._saved(),
            "from autotrack.errors import ModelCorruptedError",
            "told = []",
            "for name, content in sorted(package.files.items()):",
            "    if not content:",
            "        continue",
            "    place = pathlib.Path(hashlib.sha256(content).hexdigest())",
            "    place.write_bytes(bytes([content[0] ^ 1]) + content[1:])",
            "    try:",
            "        load()",
            "    except ModelCorruptedError as error:",
            "        told.append(name in str(error))",
            "    place.write_bytes(content)",
            "report(told=told, is_model=type(load()) is type(model))",
        )
        assert found["told"]
        assert all(found["told"])
        assert found["is_model"]

    def test_model_that_cannot_be_saved_is_refused_with_a_reason(self, tmp_path: Path) -> None:
        found = _reported(
            tmp_path,
            "from autotrack.errors import ModelSaveError",
            self.setup,
            f"model = {self.model}",
            self.spoil,
            "try:",
            "    pack(model)",
            "except ModelSaveError as error:",
            "    report(lines=str(error).splitlines())",
        )
        assert len(found["lines"]) > 1  # what happened; what was expected

    def _saved(self) -> tuple[str, ...]:
        return (
            self.setup,
            f"model = {self.model}",
            "package = pack(model)",
            "pathlib.Path('manifest').write_bytes(package.manifest)",
            "for content in package.files.values():",
            "    pathlib.Path(hashlib.sha256(content).hexdigest()).write_bytes(content)",
        )


_FORMAT_SCRIPT = """
import hashlib, json, pathlib, random, sys
from autotrack.model import pack, unpack

HEAVY = {"numpy", "pandas", "scipy", "sklearn", "torch", "xgboost", "lightgbm", "catboost", "cloudpickle"}

def load():
    return unpack(pathlib.Path("manifest").read_bytes(), lambda sha256: pathlib.Path(sha256).read_bytes())

def inside(model):
    return {name: id(value) for name, value in getattr(model, "__dict__", {}).items()}

def random_states():
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    return (
        random.getstate(),
        None if numpy is None else repr(numpy.random.get_state(legacy=False)["state"]["key"].tolist()),
        None if torch is None else torch.random.get_rng_state().tolist(),
    )

def report(**found):
    print(json.dumps(found))
"""


def _reported(folder: Path, *lines: str) -> dict[str, Any]:
    """What a script of these lines says in its call of `report`."""
    script = "\n".join([_FORMAT_SCRIPT, *lines])
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
