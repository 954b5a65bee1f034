"""torch.export programs are written on request, and never read: a crafted one runs code."""

import json
import zipfile
from pathlib import Path

import pytest
import torch

import autotrack
from autotrack.errors import AutotrackError, DataError, ModelSaveError

X = torch.randn(4, 3)


@pytest.fixture
def registered(store_path: Path) -> torch.nn.Module:
    autotrack.enable(store=store_path)
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    autotrack.register_model(module, "net", input_example=X[:1])
    return module


@pytest.mark.slow
def test_program_says_the_same_as_the_module_of_any_number_of_rows(registered: torch.nn.Module, tmp_path: Path) -> None:
    path = autotrack.export_model("net", tmp_path / "net.pt2")
    program = torch.export.load(path).module()
    for rows in (1, 4, 50):
        given = torch.randn(rows, 3)
        assert torch.allclose(program(given), registered(given))
    with pytest.raises(ModelSaveError, match="exists already"):
        autotrack.export_model("net", path)


def test_module_registered_without_an_example_says_what_is_missing(registered: torch.nn.Module, tmp_path: Path) -> None:
    autotrack.register_model(registered, "bare")
    with pytest.raises(DataError, match="input_example"):
        autotrack.export_model("bare", tmp_path / "net.pt2")


def test_program_that_runs_code_is_never_read(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    path = tmp_path / "evil.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        expression = f"__import__('pathlib').Path({str(marker)!r}).touch()"
        archive.writestr("archive/models/model.json", json.dumps({"expr_str": expression}))
    with pytest.raises(AutotrackError):
        autotrack.load_model(path)
    folder = tmp_path / "package"
    folder.mkdir()
    path.rename(folder / "model.pt2")
    with pytest.raises(AutotrackError):
        autotrack.load_model(folder)
    assert not marker.exists()
