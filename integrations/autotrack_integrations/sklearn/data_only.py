"""scikit-learn models as data only: a form that strangers may hand over, and that runs no code of theirs when loaded.

Saves     a skops file, if the model comes back from it the same in every part: else the error says why not
Loads     a file of whoever wrote it, in four steps: the container (skops_file.py), the schema (skops_nodes.py),
          skops with a fixed list of types (trusted_types.py), the loaded structure (structures.py)
Never     unpickles, imports what a file names, reads what to trust from a file, hands out what one step refused
Needs     skops >= 0.13, scikit-learn >= 1.4

What a loaded model says is its maker's doing, as ever; and a model may be made to take long. It cannot be made to
do anything but compute.
"""

import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autotrack.errors import MissingLibraryError, ModelSaveError, ModelVersionError, UntrustedModelError
from autotrack_integrations.sklearn import object_graph, skops_file, skops_nodes, structures
from autotrack_integrations.sklearn.trusted_types import TRUSTED, RefusedError

__all__ = ["FILE", "load", "save"]

FILE = "model.skops"
# What reading crafted bytes raises in json, zipfile, NumPy, SciPy, skops and scikit-learn.
_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # and with it RecursionError, NotImplementedError
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def save(model: object) -> bytes:
    """The model as a file that `load` gives back, whoever loads it. The model stays as it is.

    Raises:
        ModelSaveError: It has no such form. `reason` is half a sentence that says why.
        MissingLibraryError: skops is not installed.
    """
    skops_io = _skops()
    data = b""
    try:
        data = skops_file.reproducible(skops_io.dumps(model))
        loaded = _construct(data, _check_loadable(data))
        structures.check(loaded)
        reason = object_graph.difference(model, loaded)
    except RefusedError as error:
        reason = str(error)
    except RecursionError:
        reason = "its parts refer to each other in circles, or are nested too deeply"
    except _FAILURES as error:
        reason = _reason(error)
    if reason is None:
        return data
    raise ModelSaveError(
        f"The model {type(model).__name__} has no data-only form: {reason}.\n"
        "Expected estimators, arrays and plain values of scikit-learn. Others can load its pickle, if they trust you.",
        reason=reason,
    )


def load(data: bytes) -> object:
    """The model in a data-only file. The file may be anybody's: it runs nothing, and is refused if it could crash.

    Raises:
        UntrustedModelError: It holds what a data-only file must not. `reason` says what.
        ModelVersionError: The libraries here cannot construct it.
        MissingLibraryError: skops is not installed.
    """
    _skops()
    try:
        names = _check_loadable(data)
    except RefusedError as error:
        raise _refused(str(error)) from None
    except _FAILURES as error:
        raise _refused(_reason(error)) from None
    try:
        model = _construct(data, names)
    except RefusedError as error:
        raise _refused(str(error)) from None
    except _FAILURES as error:
        raise ModelVersionError(
            f"This data-only model cannot be loaded here: {_reason(error)}.\n"
            "Expected a file of the scikit-learn, NumPy and SciPy that its requirements.txt names. Install those; "
            "if they are, the file was altered.",
            error=error,
        ) from error
    try:
        structures.check(model)
    except RefusedError as error:
        raise _refused(str(error)) from None
    except _FAILURES as error:
        raise _refused(_reason(error)) from None
    return model


def _check_loadable(data: bytes) -> set[str]:
    """The names of all types in it."""
    return skops_nodes.check(*skops_file.contents(data))


def _construct(data: bytes, names: set[str]) -> object:
    skops_io = _skops()
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        with warnings.catch_warnings():  # of deprecated classes and other versions; a package says its versions itself
            warnings.simplefilter("ignore")
            # Of our list what the file names at all: skops goes through it anew for each node.
            model: object = skops_io.loads(data, trusted=[name for name in TRUSTED if name in names])
    except UntrustedTypesFoundException as error:
        found = str(error).partition("\n")[0].partition(": ")[2].rstrip(".")
        raise RefusedError(f"it needs types that are not on autotrack's list: {found}") from None
    return model


def _reason(error: BaseException) -> str:
    said = (str(error) or type(error).__name__).partition("\n")[0][:200].rstrip(".")
    return f"{type(error).__name__}: {said}"


def _refused(reason: str) -> UntrustedModelError:
    return UntrustedModelError(
        f"This data-only model was not loaded: {reason}.\n"
        "Expected a file as autotrack writes it. It was damaged, or made to harm: ask its maker for another.",
        reason=reason,
    )


def _skops() -> Any:
    try:
        with _without_other_libraries():
            import skops.io
    except ImportError as error:
        raise MissingLibraryError(
            "Data-only forms of scikit-learn models need skops, which is not installed.\n"
            "Expected skops 0.13 or later. Install it with: pip install 'autotrack-ml[sklearn]'"
        ) from error
    return skops.io


@contextmanager
def _without_other_libraries() -> Iterator[None]:
    """skops imports all of scikit-learn, to list its estimators. That would bring frameworks along, and pytest."""
    modules: dict[str, Any] = sys.modules
    frameworks = [f"sklearn.externals.array_api_compat.{library}" for library in ("cupy", "dask", "torch")]
    hidden = [name for name in (*frameworks, "pytest") if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None: not to be imported
    try:
        yield
    finally:
        for name in hidden:
            if modules.get(name, 0) is None:
                del modules[name]
