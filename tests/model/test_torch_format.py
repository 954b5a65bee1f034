"""torch modules go into a package and come back: same outputs, trainable, in processes that know nothing of them."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load as safetensors_load
from torch import nn

from autotrack.errors import AutotrackWarning, ModelSaveError, UntrustedModelError
from autotrack.model import Package, pack, unpack
from autotrack_integrations.torch import model as torch_model
from autotrack_integrations.torch import skeleton

PROJECT = Path(__file__).with_name("torch_project")
NETS = (PROJECT / "nets.py").read_text()
NAMES = [line.split('"')[1] for line in NETS.splitlines() if line.startswith('    "') and '": (' in line]


def project(folder: Path) -> Path:
    shutil.copytree(PROJECT, folder)
    in_one = (folder / "save.py").read_text().replace("from nets import MODELS, bare, tensors_in\n", NETS)
    (folder / "all_in_one.py").write_text(in_one)
    return folder


def run(*command: object, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["all_in_one", "save"])
def loaded_elsewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each model fared that was saved in one process and loaded in another, where nothing of the script is."""
    root = tmp_path_factory.mktemp("torch")
    env = {**os.environ, "AUTOTRACK_KEY_FILE": str(root / "key"), "OMP_NUM_THREADS": "1"}
    source = project(root / "project")
    run(f"{request.param}.py", root / "out", cwd=source, env=env)
    source.rename(root / "gone")
    (root / "elsewhere").mkdir()
    found = json.loads(run(PROJECT / "load.py", root / "out", cwd=root / "elsewhere", env=env).splitlines()[-1])
    here = json.loads(run(PROJECT / "load.py", root / "out", cwd=root / "gone", env=env).splitlines()[-1])
    assert here == dict.fromkeys(NAMES, "ok")  # importable
    return found  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_model_works_the_same_in_a_process_that_knows_nothing_of_its_script(
    name: str, loaded_elsewhere: dict[str, str]
) -> None:
    assert loaded_elsewhere[name] == "ok"


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module with all the models, importable."""
    monkeypatch.syspath_prepend(project(tmp_path / "project"))
    before = set(sys.modules)
    yield importlib.import_module("nets")
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("nets", "blocks") or name.startswith("_autotrack_model_"):
            del sys.modules[name]
    importlib.invalidate_caches()


def reader(saved: Package) -> Callable[[str], bytes]:
    return {hashlib.sha256(data).hexdigest(): data for data in saved.files.values()}.__getitem__


def compiled(model: nn.Module) -> Any:
    return torch.compile(model, backend="eager")


def again(model: Any, **options: Any) -> Any:
    saved = pack(model, **options)
    return unpack(saved.manifest, reader(saved))


@pytest.mark.parametrize("name", NAMES)
def test_model_comes_back_the_same_in_its_own_process(name: str, nets: ModuleType) -> None:
    make, inputs = nets.MODELS[name]
    torch.manual_seed(0)
    model = make()
    before = {key: value.clone() for key, value in torch_model.tensors_of(model).items()}
    random_state = torch.get_rng_state()
    loaded = again(model)
    assert torch.equal(torch.get_rng_state(), random_state)
    after = torch_model.tensors_of(loaded)
    assert list(after) == list(before)
    for key, value in torch_model.tensors_of(model).items():
        assert after[key].dtype == value.dtype
        assert torch.equal(after[key], value)
        assert torch.equal(before[key], value)
    inner = torch_model.unwrapped(model)
    assert [p.requires_grad for p in loaded.parameters()] == [p.requires_grad for p in inner.parameters()]
    if name != "lazy, never run":
        loaded(*inputs)


def test_tied_tensors_are_written_once_and_stay_tied(nets: ModuleType) -> None:
    saved = pack(nets.Language(11, size=8))
    weights = safetensors_load(saved.files["weights.safetensors"])
    assert "embed.weight" in weights
    assert "head.weight" not in weights
    loaded: Any = unpack(saved.manifest, reader(saved))
    assert loaded.head.weight is loaded.embed.weight
    doubled = again(nets.Doubled(nn.Linear(2, 2)))
    assert doubled.first is doubled.second


def test_tensors_that_share_memory_share_it_again(nets: ModuleType) -> None:
    odd = again(nets.Odd())
    odd.memory[2] = 99
    assert odd.window[0] == 99
    shared = again(nets.shared_data())
    with torch.no_grad():
        shared[0].weight.fill_(5)
    assert (shared[1].weight == 5).all()
    assert shared[0].weight is not shared[1].weight


def test_neighbours_in_one_block_of_memory_that_do_not_overlap_are_independent() -> None:
    block = torch.arange(12.0)
    model = nn.Module()
    model.a, model.b = nn.Parameter(block[:6].reshape(2, 3)), nn.Parameter(block[6:])
    loaded = again(model)
    assert torch.equal(loaded.a, model.a)
    assert loaded.a.untyped_storage().nbytes() == 24


def test_attributes_of_a_tensor_and_of_the_module_are_kept() -> None:
    model = nn.Linear(2, 2)
    model.weight.no_decay = True  # type: ignore[attr-defined]
    model.note = {"epochs": 3}  # type: ignore[assignment]
    loaded = again(model)
    assert loaded.weight.no_decay is True
    assert loaded.note == {"epochs": 3}
    assert type(loaded.weight) is nn.Parameter


def test_values_copied_earlier_are_saved_in_place_of_the_live_ones() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    copies = {name: tensor.clone() for name, tensor in torch_model.tensors_of(model).items()}
    expected = model.eval()(torch.ones(2, 3))
    with torch.no_grad():
        model[0].weight.fill_(0)
        model[1].running_mean.fill_(7)  # type: ignore[union-attr, operator]
    assert torch.equal(again(model, tensors=copies)(torch.ones(2, 3)), expected)
    assert torch.equal(again(torch_model.structure(model), tensors=copies)(torch.ones(2, 3)), expected)
    assert (again(model)[0].weight == 0).all()
    with pytest.raises(ModelSaveError, match=r"No values for '0.bias'"):
        pack(torch_model.structure(model), tensors={n: t for n, t in copies.items() if n != "0.bias"})


def test_live_tensors_are_named_as_in_the_state_dict_and_hold_no_graph(nets: ModuleType) -> None:
    bag = compiled(nets.Bag(a=1))
    found = torch_model.tensors_of(bag)
    assert set(found) == {name.removeprefix("_orig_mod.") for name in bag.state_dict()}
    assert not any(tensor.requires_grad for tensor in found.values())
    assert found["by_name.a"].data_ptr() == bag.by_name["a"].data_ptr()


def test_device_that_is_not_here_is_the_cpu() -> None:
    model = nn.Linear(2, 2)
    model.device, model.other = torch.device("xpu", 1), torch.device("cpu")  # type: ignore[assignment]
    loaded = again(model)
    assert (loaded.device.type, loaded.other.type) == (model.device.type if torch.xpu.is_available() else "cpu", "cpu")


def test_state_kept_between_batches_is_saved_without_its_graph() -> None:
    model = nn.Linear(2, 2)
    model.hidden = model(torch.ones(1, 2))
    loaded = again(model)
    assert torch.equal(loaded.hidden, model.hidden)
    assert loaded.hidden.is_leaf


def test_hooks_that_look_on_are_left_out_and_told_when_the_model_is_loaded() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    seen: list[torch.Tensor] = [torch.zeros(1)]
    model[0].register_forward_hook(lambda module, args, output: seen.append(output))
    model[0].weight.register_hook(lambda gradient: seen.append(gradient * 2))
    model[1].register_full_backward_hook(lambda module, given, got: seen.append(got[0]))
    saved = pack(model)
    assert "extra:0" not in safetensors_load(saved.files["weights.safetensors"])
    with pytest.warns(AutotrackWarning, match=r"saved without some hooks .*<lambda> on Linear"):
        loaded: Any = unpack(saved.manifest, reader(saved))
    assert torch.equal(loaded(torch.ones(1, 3)), model(torch.ones(1, 3)))
    assert not loaded[0]._forward_hooks
    assert len(model[0]._forward_hooks) == 1


@pytest.mark.slow
def test_globals_of_the_script_that_are_data_or_cannot_be_saved_are_left_out_and_named(
    run_python: Callable[..., Any],
) -> None:
    told, is_equal, kept, error, again = run_python("""
        import hashlib, json, os, warnings
        import torch
        from torch import nn
        from autotrack.model import pack, unpack

        data, log, X, size = bytes(9_000_000), open(os.devnull, "w"), torch.zeros(3_000_000), 3

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.lin = nn.Linear(len(data) // 3_000_000, X.dim())
                self.mean = torch.zeros(3_000_000)
            def forward(self, x):
                if self.training:
                    log.write("a step")
                return self.lin(x) * size

        def loaded(model):
            saved = pack(model)
            return unpack(saved.manifest, {hashlib.sha256(d).hexdigest(): d for d in saved.files.values()}.get)

        model = Net().eval()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            other = loaded(model)
        is_equal = torch.equal(model(torch.ones(1, 3)), other(torch.ones(1, 3)))
        try:
            other.train()(torch.ones(1, 3))
        except AttributeError as raised:
            error = str(raised)
        kept = sorted(other.forward.__globals__.keys() & {"data", "log", "size", "X"})
        again = str(type(loaded(other).forward.__globals__["log"]))
        print(json.dumps([str(caught[0].message), is_equal, kept, error, again]))
    """)
    assert "without some hooks and globals of the script that trained it: 'X', 'data', 'log'" in told
    assert is_equal
    assert kept == ["X", "data", "log", "size"]
    assert error == "<log of the training script: not saved> has no 'write'"
    assert "NotSaved" in again


def test_small_hook_that_changes_the_output_is_kept() -> None:
    model = nn.Linear(3, 3)
    model.register_forward_hook(lambda module, args, output: output * 2)
    assert torch.equal(again(model)(torch.ones(1, 3)), model(torch.ones(1, 3)))


@pytest.mark.parametrize("kind", ["data", "open file", "lazy reader"])
def test_attribute_that_cannot_be_saved_is_named(kind: str, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with open(tmp_path / "log", "w") as file:
        values = {"data": bytes(6_000_000), "open file": file, "lazy reader": (x for x in [1])}
        model[1].extra = values[kind]
        with pytest.raises(ModelSaveError, match=r"'1\.extra' \(a ") as raised:
            pack(model)
    assert ("takes more than 5 MB" in str(raised.value)) == (kind == "data")
    model[1].extra = torch.zeros(3_000_000)  # a tensor is no part of the skeleton
    assert again(model)[1].extra.shape == (3_000_000,)


def test_tensor_without_values_is_refused() -> None:
    with pytest.raises(ModelSaveError, match="meta device has no values"):
        pack(nn.Linear(2, 2, device="meta"))


def test_uninitialized_and_sparse_parameters_survive() -> None:
    model = nn.Sequential(nn.LazyLinear(2))
    model.sparse = torch.eye(2).to_sparse()  # type: ignore[assignment]
    loaded = again(model)
    assert torch.equal(loaded.sparse.to_dense(), torch.eye(2))
    assert loaded(torch.ones(1, 5)).shape == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrap",
    [compiled, nn.DataParallel, lambda model: nn.DataParallel(compiled(model))],
    ids=["compile", "DataParallel", "both"],
)
def test_wrappers_of_the_training_are_taken_off(wrap: Callable[[nn.Module], nn.Module]) -> None:
    model = nn.Linear(3, 2)
    assert type(again(wrap(model))) is nn.Linear
    model.compile(backend="eager")
    assert type(again(model)) is nn.Linear


def write(path: Path, text: str) -> Any:
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("net_of_mine", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["net_of_mine"] = module
    spec.loader.exec_module(module)
    return module


NET = (
    "from torch import nn\n\nclass Net(nn.Linear):\n    def forward(self, x):\n        return super().forward(x) * {}\n"
)


def test_models_of_two_files_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    saved = []
    for factor in (1, 10):
        saved.append(pack(write(tmp_path / "net_of_mine.py", NET.format(factor)).Net(2, 2)))
        del sys.modules["net_of_mine"]
    (tmp_path / "net_of_mine.py").unlink()
    one, ten = (unpack(each.manifest, reader(each)) for each in saved)
    assert "net_of_mine" not in sys.modules
    one.load_state_dict(ten.state_dict())  # type: ignore[attr-defined]
    assert torch.equal(one(torch.ones(1, 2)) * 10, ten(torch.ones(1, 2)))  # type: ignore[operator]
    resaved = pack(ten)
    assert resaved.files["code/net_of_mine.py"].decode() == NET.format(10)
    assert torch.equal(again(ten)(torch.ones(1, 2)), ten(torch.ones(1, 2)))  # type: ignore[operator]


def test_source_is_that_of_the_project_and_nothing_else(nets: ModuleType) -> None:
    saved = pack(nets.Bag(a=1))
    assert {path for path in saved.files if path.startswith("code/")} == {
        *("code/nets.py", "code/blocks/__init__.py", "code/blocks/layers.py", "code/blocks/activations.py"),
    }
    pins = json.loads(saved.manifest)["requirements"]
    assert any(pin.startswith("torch==") for pin in pins)
    assert not json.loads(saved.manifest)["by_value"]
    assert not [path for path in pack(nn.Linear(2, 2)).files if path.startswith("code/")]


def test_weights_alone_go_into_a_module_and_run_nothing_of_a_package_that_nobody_trusts(
    nets: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = nets.Language(11, size=8).eval()
    saved = pack(model)
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "somebody else's"))
    with pytest.raises(UntrustedModelError, match=r"Its weights alone load into a module of yours, .*module="):
        unpack(saved.manifest, reader(saved))
    weights = hashlib.sha256(saved.files["weights.safetensors"]).hexdigest()
    mine = nets.Language(11, size=8).eval()
    asked: list[str] = []
    into = unpack(saved.manifest, lambda sha256: (asked.append(sha256), reader(saved)(sha256))[1], module=mine)
    assert into is mine
    assert asked == [weights]
    tokens = torch.arange(6).reshape(1, 6)
    assert torch.equal(mine(tokens), model(tokens))
    untied = nets.Language(11, size=8)
    untied.head.weight = nn.Parameter(torch.zeros(11, 8))
    unpack(saved.manifest, reader(saved), module=nn.DataParallel(untied))
    assert torch.equal(untied.head.weight, model.embed.weight)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("odd", "lazy, never run", "unregistered")])
def test_weights_alone_fit_another_module_of_the_same_kind(name: str, nets: ModuleType) -> None:
    make, _ = nets.MODELS[name]
    saved = pack(model := make())
    other = make()
    unpack(saved.manifest, reader(saved), module=other)
    for key, value in torch_model.tensors_of(other).items():
        assert torch.equal(value, torch_model.tensors_of(model)[key])


def test_nothing_of_torch_is_imported_for_models_that_are_not_of_torch(run_python: Callable[..., Any]) -> None:
    loaded = run_python("""
        import json, sys
        from autotrack.model import pack
        pack({"a": 1})
        print(json.dumps("torch" in sys.modules))
    """)
    assert loaded is False


@pytest.mark.slow
def test_loading_installs_no_hook(run_python: Callable[..., Any]) -> None:
    assert skeleton.MAX_BYTES == 5_000_000
    hooks = run_python("""
        import hashlib, json, sys
        import torch
        from autotrack.model import pack, unpack
        saved = pack(torch.nn.Linear(2, 2))
        unpack(saved.manifest, {hashlib.sha256(d).hexdigest(): d for d in saved.files.values()}.__getitem__)
        print(json.dumps([name for name in sys.modules if name.startswith("autotrack.hooks")]))
    """)
    assert hooks == []
