"""The weights of a torch module as a file of their own: read by others, loaded into a module, refused when damaged."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load as safetensors_load
from safetensors.torch import save as safetensors_save
from torch import nn

from autotrack.errors import ConfigError, ModelCorruptedError, ModelSaveError
from autotrack.model import Package, pack, unpack
from autotrack_integrations.torch import model as torch_model
from autotrack_integrations.torch import tensor_file


def reader(saved: Package) -> Callable[[str], bytes]:
    return {hashlib.sha256(data).hexdigest(): data for data in saved.files.values()}.__getitem__


def test_weights_are_a_file_that_the_safetensors_library_reads_and_writes() -> None:
    model = nn.Sequential(nn.Linear(3, 2).bfloat16(), nn.BatchNorm1d(2))
    weights = pack(model).files["weights.safetensors"]
    theirs = safetensors_load(weights)
    assert theirs.keys() == model.state_dict().keys()
    assert all(torch.equal(theirs[name], value) for name, value in model.state_dict().items())
    ours, notes = tensor_file.parse(safetensors_save(theirs, {"a": "b"}))
    assert notes == {"a": "b"}
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())


def test_weights_beyond_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_model, "MAX_BYTES", 100)
    with pytest.raises(ModelSaveError, match=r"(?s)take .* GiB and were not saved"):
        pack(nn.Linear(100, 2))


def test_lazy_module_takes_weights_and_their_shapes() -> None:
    saved = pack(nn.Sequential(nn.Linear(3, 2)))
    lazy = nn.Sequential(nn.LazyLinear(2))
    unpack(saved.manifest, reader(saved), module=lazy)
    assert lazy(torch.ones(1, 3)).shape == (1, 2)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.Sequential(nn.Linear(3, 4)), r"0\.bias is float32\[2\], here float32\[4\]"),
        (nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), r"no values for '1\.bias', '1\.weight'"),
        (nn.Sequential(nn.Linear(3, 2, bias=False)), r"no place for '0\.bias'"),
        (nn.Sequential(nn.Linear(3, 2, device="meta")), r"0\.bias is float32\[2\], here on the meta device"),
        (object(), "into 'object'"),
    ],
)
def test_module_that_weights_do_not_fit_is_left_as_it_is(module: Any, said: str) -> None:
    saved = pack(nn.Sequential(nn.Linear(3, 2)))
    is_module = torch_model.handles(module)
    before = {name: value.clone() for name, value in module.state_dict().items()} if is_module else {}
    with pytest.raises(ConfigError, match=said):
        unpack(saved.manifest, reader(saved), module=module)
    assert all(value.is_meta or torch.equal(value, module.state_dict()[name]) for name, value in before.items())


def test_one_changed_byte_is_refused_whatever_is_loaded() -> None:
    saved = pack(nn.Linear(3, 2))
    for path in ("weights.safetensors", "skeleton.pkl"):
        data = saved.files[path]
        files = {**saved.files, path: data[:-1] + bytes([data[-1] ^ 1])}
        by_name = {hashlib.sha256(saved.files[each]).hexdigest(): files[each] for each in files}
        with pytest.raises(ModelCorruptedError, match="was changed"):
            unpack(saved.manifest, by_name.__getitem__)
        if path == "weights.safetensors":
            with pytest.raises(ModelCorruptedError, match="was changed"):
                unpack(saved.manifest, by_name.__getitem__, module=nn.Linear(3, 2))


def file(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        file(b"[" * 100_000),
        file([]),
        file(b'{"a": {}, "a": {}}'),
        file({"a": 1}),
        file(entry(dtype="F31"), bytes(4)),
        file(entry(dtype=["F32"]), bytes(4)),
        file(entry(shape=[2]), bytes(4)),
        file(entry(shape=[True]), bytes(4)),
        file(entry(shape=[-1, -1]), bytes(4)),
        file(entry(shape=[1 << 60, 0], data_offsets=[0, 0])),
        file(entry(data_offsets=[4, 8]), bytes(8)),
        file(entry(data_offsets=[0, 4]), bytes(3)),
        file(entry(data_offsets=[0, 4]), bytes(5)),
        file(entry() | {"b": entry()["a"]}, bytes(4)),
        file(entry() | {"__metadata__": {"a": 1}}, bytes(4)),
        file(entry() | {"__metadata__": {"autotrack.complex": '["a"]'}}, bytes(4)),
        file(entry() | {"__metadata__": {"autotrack.complex": "{"}}, bytes(4)),
    ],
)
def test_file_of_weights_of_another_form_is_refused_with_our_own_error(data: bytes) -> None:
    with pytest.raises(ModelCorruptedError, match="weights of this model cannot be read"):
        tensor_file.parse(data)
