"""Flavor -> the module that saves and loads such models. Strings: a module is imported when first needed.

A format module has three functions (`Format` below). A package names its flavor and nothing more: which code
loads it is decided here, never by the package. To add a format, write the module and add its line to FORMATS; in a
distribution of your own, name it as an entry point of the group `autotrack.model_formats`: `flavor = package.module`.
Ours come first: others are asked about a model that would only be pickled, and on loading about flavors unknown here.
"""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from autotrack.entry_points import entry_points
from autotrack.errors import ModelSaveError, ModelVersionError, nearest
from autotrack.guard import guard, tell_once

__all__ = ["FORMATS", "GROUP", "PARTS", "Format", "Parts", "Saved", "find", "for_loading", "for_saving", "parts"]

GROUP = "autotrack.model_formats"
FORMATS = {  # the first that handles a model saves it, so the one for everything stands last
    "xgboost": "autotrack_integrations.boosting.xgboost",
    "lightgbm": "autotrack_integrations.boosting.lightgbm",
    "catboost": "autotrack_integrations.boosting.catboost",
    "sklearn": "autotrack_integrations.sklearn.model",
    "torch": "autotrack_integrations.torch.model",
    "pickle": "autotrack.model.pickled",
}
PARTS = {  # library -> the module that keeps objects of it apart from a pickle, in the library's own format
    library: FORMATS[library] for library in ("xgboost", "lightgbm", "catboost")
}


class Saved(NamedTuple):
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

    What it may offer beside:

    `load_into(files, module) -> object`: the weights alone, into an object the caller made; runs nothing of the
    package. Its `save` then takes `tensors`: values to save in place of the model's own, by name.

    `save_data_only(model) -> Mapping[str, bytes]`: the model again in a form that holds no code; a ModelSaveError
    says why it has none. `load_data_only(files) -> object` makes the model of it, refuses what is not as it should be,
    and runs nothing of the package: it is called with files that a stranger wrote. `DATA_ONLY`: their paths. Of
    formats that other distributions bring, this form is never loaded without trust in who made the package.
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


class Parts(Protocol):
    """What a module of PARTS offers."""

    def apart(self, value: object, name: str) -> tuple[str, bytes, object] | None:
        """A path that starts with `name`, the bytes for it, and what is pickled in the object's place.

        None: the object is pickled as any other.
        """
        ...

    def restore(self, data: bytes, rest: object) -> object:
        """The object again."""
        ...


def find(model: object, default: str = "pickle") -> str:
    """The flavor that `model` is saved in; `default` where no format says that it is the one."""
    for flavor, path in FORMATS.items():
        module = _import(path)
        if flavor != "pickle" and module is not None and module.handles(model):
            return flavor
    for flavor in _entry_points():
        other = _of_others(flavor)
        if other is not None:
            with guard(f"model format {flavor!r}"):
                if other.handles(model):
                    return flavor
    return default


def for_saving(flavor: str) -> Format:
    """The format module of a flavor the caller chose."""
    module = _module(flavor)
    if module is None:
        raise ModelSaveError(
            f"There is no model flavor {flavor!r} here.{nearest(flavor, FORMATS)}\n"
            f"Expected one of {', '.join(FORMATS)}. Leave `flavor` out to have it found.",
            flavor=flavor,
        )
    return module


def for_loading(flavor: str) -> Format:
    """The format module of the flavor a package names."""
    module = _module(flavor)
    if module is None:
        raise ModelVersionError(
            f"This model has the flavor {flavor!r}, which this installation cannot load.\n"
            f"Expected one of {', '.join(FORMATS)}. A newer autotrack may know it (pip install --upgrade autotrack), "
            "or a package that brings this format.",
            flavor=flavor,
        )
    return module


def parts(library: str) -> Parts | None:
    """The module that keeps objects of this library apart from a pickle, if there is one."""
    return cast("Parts | None", _import(PARTS[library])) if library in PARTS else None


def _module(flavor: str) -> Format | None:
    return _import(FORMATS[flavor]) if flavor in FORMATS else _of_others(flavor)


def _import(path: str) -> Format | None:
    try:
        return cast(Format, import_module(path))
    except ModuleNotFoundError as error:
        if error.name is not None and path.startswith(error.name):
            return None  # an installation without the integrations
        raise


def _of_others(flavor: str) -> Format | None:
    """The format module that an installed distribution brings for a flavor; None if there is none that works."""
    path = _entry_points().get(flavor)
    if path is None:
        return None
    module = None
    with guard(f"model format {flavor!r}"):
        module = import_module(path)
    if module is not None and not all(callable(getattr(module, name, None)) for name in ("handles", "save", "load")):
        tell_once(
            f"model.format:{flavor}",
            f"The model format {flavor!r} is passed over: its module {path!r} has no functions handles, save and load.",
        )
        return None
    return cast("Format | None", module)


def _entry_points() -> dict[str, str]:
    """Module by flavor, of installed distributions; never one of ours."""
    found = entry_points(GROUP)
    for flavor in found.keys() & FORMATS.keys():
        tell_once(
            f"model.format:{flavor}",
            f"The model format {found[flavor]!r} is passed over: {flavor!r} is one of autotrack's own.",
        )
    return {flavor: path for flavor, path in found.items() if flavor not in FORMATS}
