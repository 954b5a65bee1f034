"""Formats that other distributions bring: asked last, never in the place of ours, and no trouble when broken."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from autotrack import entry_points
from autotrack.errors import AutotrackWarning, ModelVersionError
from autotrack.model import Package, pack, unpack

FORMAT = """
from autotrack.model import formats

def handles(model):
    return isinstance(model, dict) and "wave" in model

def save(model):
    return formats.Saved({"wave": str(model["wave"]).encode()}, False, (), "builtins.dict")

def load(files):
    return {"wave": int(files("wave"))}
"""


class Site:
    """A folder on sys.path with a distribution as pip would install it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, entry_points: str, **modules: str) -> None:
        folder = self.path / "waves-1.0.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_text(f"[console_scripts]\nwaves = waves:main\n\n{entry_points}\n[x]\na=b\n")
        for name, source in modules.items():
            (self.path / f"{name}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(entry_points, "_known", None)
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.syspath_prepend(path)
    for name in [name for name in sys.modules if name.startswith("wave_")]:
        monkeypatch.delitem(sys.modules, name)
    return Site(path)


def flavor_of(package: Package) -> str:
    return str(json.loads(package.manifest)["flavor"])


def loaded(package: Package) -> Any:
    by_hash = {hashlib.sha256(data).hexdigest(): data for data in package.files.values()}
    return unpack(package.manifest, by_hash.__getitem__)


def test_model_that_would_only_be_pickled_goes_into_the_format_of_others(site: Site) -> None:
    site.has("[autotrack.model_formats]\n# ours\nwaves = wave_format", wave_format=FORMAT)
    package = pack({"wave": 7})
    assert flavor_of(package) == "waves"
    assert loaded(package) == {"wave": 7}
    assert flavor_of(pack({"tide": 7})) == "pickle"


def test_format_of_others_never_stands_in_the_place_of_ours(site: Site) -> None:
    greedy = FORMAT.replace('isinstance(model, dict) and "wave" in model', "True")
    site.has("[autotrack.model_formats]\nsklearn = wave_greedy\nwaves = wave_greedy", wave_greedy=greedy)
    assert flavor_of(pack(LogisticRegression())) == "sklearn"
    assert type(loaded(pack(LogisticRegression()))) is LogisticRegression
    assert "wave_greedy" not in sys.modules
    with pytest.warns(AutotrackWarning, match="'sklearn' is one of autotrack's own"):
        assert flavor_of(pack({"wave": 1})) == "waves"


@pytest.mark.parametrize(
    "source",
    ["import no_such_module_at_all", "1 / 0", "def handles(", "raise ValueError", FORMAT + "\ndef handles(m): 1 / 0\n"],
    ids=["import", "zero", "syntax", "value", "handles"],
)
@pytest.mark.usefixtures("lenient_guard")
def test_broken_format_of_others_is_told_once_and_passed_over(site: Site, source: str) -> None:
    site.has("[autotrack.model_formats]\nwaves = wave_broken", wave_broken=source)
    with pytest.warns(AutotrackWarning, match="model format 'waves'") as told:
        assert [flavor_of(pack({"wave": 7})) for _ in range(3)] == ["pickle"] * 3
    assert len(told) == 1


def test_format_that_lacks_a_function_is_told_and_passed_over(site: Site) -> None:
    site.has("[autotrack.model_formats]\nwaves = wave_half", wave_half="def handles(model): return True")
    with pytest.warns(AutotrackWarning, match="no functions handles, save and load"):
        assert flavor_of(pack({"wave": 7})) == "pickle"


def test_model_in_a_format_that_is_not_installed_any_more_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.has("[autotrack.model_formats]\nwaves = wave_gone", wave_gone=FORMAT)
    package = pack({"wave": 7})
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(site.path)])
    with pytest.raises(ModelVersionError, match="flavor 'waves'"):
        loaded(package)


def test_saving_and_loading_an_estimator_looks_for_no_format_of_others(run_python: Callable[..., Any]) -> None:
    found = run_python("""
        import hashlib, json, sys
        from sklearn.linear_model import LogisticRegression
        from autotrack import entry_points
        from autotrack.model import pack, unpack
        saved = pack(LogisticRegression())
        files = {hashlib.sha256(data).hexdigest(): data for data in saved.files.values()}
        unpack(saved.manifest, files.__getitem__)
        print(json.dumps(entry_points._known))
    """)
    assert found is None
