"""Being called when a library has been imported changes nothing about the import."""

import importlib
import importlib.util
import sys

import pytest

from autotrack.hooks import forget_import, on_import


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "some_library").mkdir()
    (tmp_path / "some_library" / "__init__.py").write_text("from some_library import part\n")
    (tmp_path / "some_library" / "part.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_library"
    forget_import()
    for name in ("some_library", "some_library.part"):
        sys.modules.pop(name, None)


def test_callback_comes_after_the_module_has_run(library):
    seen = []
    on_import("some_library.part", lambda: seen.append(sys.modules["some_library.part"].value))
    assert seen == []
    importlib.import_module(library)
    assert seen == [1]


def test_callback_comes_at_once_if_it_has_been_imported(library):
    importlib.import_module(library)
    seen = []
    on_import("some_library.part", lambda: seen.append(1))
    assert seen == [1]


def test_module_keeps_its_own_loader_and_spec(library):
    on_import(library, lambda: None)
    module = importlib.import_module(library)
    assert type(module.__loader__).__module__.startswith("_frozen_importlib")
    assert module.__spec__.loader is module.__loader__


def test_finder_goes_when_nobody_waits(library):
    before = list(sys.meta_path)
    on_import(library, lambda: None)
    assert len(sys.meta_path) == len(before) + 1
    importlib.import_module(library)
    assert sys.meta_path == before


def test_forgotten_callback_is_not_called(library):
    before = list(sys.meta_path)
    seen = []

    def callback():
        seen.append(1)

    on_import(library, callback)
    forget_import(callback)
    importlib.import_module(library)
    assert seen == []
    assert sys.meta_path == before


def test_looking_for_a_module_does_not_count_as_importing_it(library):
    seen = []
    on_import(library, lambda: seen.append(1))
    assert importlib.util.find_spec(library) is not None
    assert seen == []
    importlib.import_module(library)
    assert seen == [1]


def test_missing_library_is_still_missing():
    on_import("no_such_library", lambda: None)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_library")
    forget_import()
