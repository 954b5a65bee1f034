"""The end of a training script, with the import of nets or the text of nets.py itself: saves each model."""

import hashlib
import sys
from pathlib import Path

import torch
from nets import MODELS, bare, tensors_in

from autotrack.model import pack

for name, (make, inputs) in MODELS.items():
    torch.manual_seed(0)
    model = make()
    package = pack(model)
    folder = Path(sys.argv[1]) / name
    folder.mkdir(parents=True)
    (folder / "manifest").write_bytes(package.manifest)
    for data in package.files.values():
        (folder / hashlib.sha256(data).hexdigest()).write_bytes(data)
    inner = bare(model)
    training = [part.training for part in inner.modules()]
    torch.manual_seed(1)
    outputs = tensors_in(inner(*inputs)) if name != "lazy, never run" else []
    torch.save((inputs, outputs, training), folder / "expected")
