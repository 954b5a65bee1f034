"""An integration that another distribution brings is found by its entry point, and started with its library."""

import sys
from importlib import import_module

import pytest
from sklearn.dummy import DummyClassifier

import autotrack
from autotrack.errors import ConfigError

LIBRARY = """
class Model:
    def train(self):
        return "trained"
"""
HOOKS = """
from autotrack import run
from autotrack.hooks import Patch


def watch():
    import otherlib

    return [Patch(otherlib.Model, "train", on_train)]


def on_train(call):
    target, _ = run.start_fit("Model", "otherlib")
    yield
    target.finish()
"""


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """An installed distribution with a library, and hooks for it."""
    place = tmp_path / "site"
    (place / "otherlib_hooks-1.0.dist-info").mkdir(parents=True)
    (place / "otherlib.py").write_text(LIBRARY)
    (place / "otherlib_hooks.py").write_text(HOOKS)
    points = "[console_scripts]\nx = y:z\n\n[autotrack.integrations]\notherlib = otherlib_hooks\nsklearn = evil:watch\n"
    (place / "otherlib_hooks-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(place)
    yield
    for name in ("otherlib", "otherlib_hooks"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("distribution")
@pytest.mark.parametrize("is_first", [True, False], ids=["imported before", "imported after"])
def test_integration_of_another_distribution_is_started_with_its_library(store_path, is_first):
    if is_first:
        import_module("otherlib")
    autotrack.enable(store=store_path)
    otherlib = import_module("otherlib")
    assert otherlib.Model().train() == "trained"
    assert [(run.name, run.source, run.status) for run in autotrack.search_runs()] == [
        ("Model", "otherlib", "finished")
    ]
    autotrack.disable()
    otherlib.Model().train()
    assert len(autotrack.search_runs()) == 1


@pytest.mark.usefixtures("distribution")
def test_it_can_be_chosen_by_name_and_never_takes_the_place_of_one_of_ours(store_path):
    autotrack.enable(store=store_path, libraries=["sklearn"])
    import_module("otherlib").Model().train()
    DummyClassifier().fit([[0], [1]], [0, 1])
    assert [run.name for run in autotrack.search_runs()] == ["DummyClassifier"]
    with pytest.raises(ConfigError, match="Did you mean 'otherlib'"):
        autotrack.enable(store=store_path, libraries=["otherlip"])
