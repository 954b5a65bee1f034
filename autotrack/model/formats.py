"""Flavor -> the module that saves and loads such models. Strings: a module is imported when first needed.

A format module has three functions (`Format` below). A package names its flavor and nothing more: which code
loads it is decided here, never by the package. To add a format, write the module and add its line to FORMATS.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from autotrack.errors import ModelSaveError, ModelVersionError, nearest

__all__ = ["FORMATS", "Format", "Saved", "find", "for_loading", "for_saving"]

FORMATS = {  # the first that handles a model saves it, so the one for everything stands last
    "sklearn": "autotrack_integrations.sklearn.model",
    "torch": "autotrack_integrations.torch.model",
    "pickle": "autotrack.model.pickled",
}


@dataclass(frozen=True)
class Saved:
    """A model as bytes.

    Attributes:
        files: Bytes by relative path.
        by_value: Byte code is among them: only the same Python minor can load it.
        modules: Names of modules that loading imports.
        model_class: Full name of the class that loading gives back.
    """

    files: Mapping[str, bytes]
    by_value: bool
    modules: Collection[str]
    model_class: str


class Format(Protocol):
    """What a format module offers.

    One that keeps weights apart also has `load_into(files, module) -> object`, which runs nothing of the package, and
    its `save` takes `tensors`: values to save in place of the model's own, by name.
    """

    def handles(self, model: object) -> bool:
        """Whether this format is the one for `model`. Imports no library: a model of it could not exist yet."""
        ...

    def save(self, model: object) -> Saved:
        """The model as bytes. Raises ModelSaveError; leaves the model as it is."""
        ...

    def load(self, files: Callable[[str], bytes]) -> object:
        """The model again, from its (trusted, checked) files by path."""
        ...


def find(model: object) -> str:
    """The flavor that `model` is saved in."""
    for flavor, path in FORMATS.items():
        module = sys.modules.get(path) or _import(path)
        if module is not None and cast(Format, module).handles(model):
            return flavor
    return "pickle"


def for_saving(flavor: str) -> Format:
    """The format module of a flavor the caller chose."""
    module = _import(FORMATS[flavor]) if flavor in FORMATS else None
    if module is None:
        raise ModelSaveError(
            f"There is no model flavor {flavor!r} here.{nearest(flavor, FORMATS)}\n"
            f"Expected one of {', '.join(FORMATS)}. Leave `flavor` out to have it found.",
            flavor=flavor,
        )
    return module


def for_loading(flavor: str) -> Format:
    """The format module of the flavor a package names."""
    module = _import(FORMATS[flavor]) if flavor in FORMATS else None
    if module is None:
        raise ModelVersionError(
            f"This model has the flavor {flavor!r}, which this installation cannot load.\n"
            f"Expected one of {', '.join(FORMATS)}. A newer autotrack may know it: pip install --upgrade autotrack",
            flavor=flavor,
        )
    return module


def _import(path: str) -> Format | None:
    try:
        return cast(Format, import_module(path))
    except ModuleNotFoundError as error:
        if error.name is not None and path.startswith(error.name):
            return None  # an installation without the integrations
        raise
