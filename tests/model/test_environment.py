"""Pins of what a model needs: read from folder names, mapped from modules, compared where it is loaded."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from autotrack.model import environment, installed, requirements


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of distributions that is the whole of sys.path while the test asks."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(environment, "_scanned", None)
    monkeypatch.setattr(environment, "_pins", {})
    monkeypatch.setattr(environment, "_needs", {})
    return tmp_path


def distribution(folder: Path, name: str, version: str, *requires: str) -> None:
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", *(f"Requires-Dist: {need}" for need in requires)]
    (place / "METADATA").write_text("\n".join(lines) + "\n\nRequires-Dist: from-the-description\n")


def test_versions_agree_with_those_of_the_standard_library() -> None:
    ours = installed()
    theirs = {environment._normal(found.name): found.version for found in metadata.distributions()}
    assert {name: ours.get(name) for name in theirs} == theirs


def test_modules_of_other_names_are_found() -> None:
    pins = requirements(["sklearn.linear_model._logistic", "dateutil"])
    assert f"scikit-learn=={metadata.version('scikit-learn')}" in pins
    assert f"python-dateutil=={metadata.version('python-dateutil')}" in pins


def test_what_a_distribution_requires_is_pinned_with_it(packages: Path) -> None:
    distribution(packages, "top", "1.0", "Middle_Part>=2", "absent", 'with-extra; extra == "all"')
    distribution(packages, "middle_part", "2.5", 'bottom ; python_version >= "3.8"', "top")
    distribution(packages, "bottom", "3.0rc1+local")
    distribution(packages, "with_extra", "9.0")
    assert requirements(["top.of.it"]) == ["bottom==3.0rc1+local", "middle-part==2.5", "top==1.0"]


def test_modules_of_the_standard_library_and_of_the_project_are_passed_over(packages: Path) -> None:
    distribution(packages, "known", "1.0")
    assert requirements(["json", "builtins", "__main__", "my_own_project", "known"]) == ["known==1.0"]


def test_distribution_installed_later_is_found(packages: Path) -> None:
    assert requirements(["late"]) == []
    distribution(packages, "late", "1.0")
    assert requirements(["late", "another"]) == ["late==1.0"]
    assert installed() == {"late": "1.0"}


def test_older_kinds_of_metadata_and_odd_entries_of_the_path(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packages / "Old.Name-1.2-py3.11.egg-info").mkdir()
    (packages / "nothing.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(packages / "absent"), str(packages), str(packages / "library.zip")])
    assert installed(refresh=True) == {"old-name": "1.2"}


def test_first_one_on_the_path_counts(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, version in (("a", "2.0"), ("b", "1.0")):
        (packages / place).mkdir()
        distribution(packages / place, "twice", version)
    monkeypatch.setattr(sys, "path", [str(packages / "a"), str(packages / "b")])
    assert installed(refresh=True) == {"twice": "2.0"}


def test_comparison_names_what_differs_and_what_is_missing(packages: Path) -> None:
    distribution(packages, "same", "1.0")
    distribution(packages, "other", "2.0")
    found = environment.compare(["same==1.0", "other==1.9", "gone==3.0", "-e git+https://example.org"])
    assert [str(difference) for difference in found] == ["other 1.9 (here 2.0)", "gone 3.0 (here not installed)"]
