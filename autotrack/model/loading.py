"""A package back as the model it holds, and only if it is the one that was saved, by somebody who is trusted.

In this order, and nothing of the package runs before the last step: manifest readable, sealed by this user or trusted
by the caller, kept where it belongs, every file's bytes as they were saved, Python able to read it, then the format's
loader. A foreign package loads too where it has a form that is data only.
"""

import pickle
from collections.abc import Callable
from typing import Any, cast

from autotrack.errors import (
    AutotrackError,
    ConfigError,
    ModelCorruptedError,
    ModelVersionError,
    UntrustedModelError,
)
from autotrack.guard import tell_once
from autotrack.model import environment, formats, trust
from autotrack.model.manifest import File, Manifest, sha256

__all__ = ["check_place", "read_file", "unpack"]

_SHOWN_DIFFERENCES = 5  # of versions, in the warning; the first ones are enough to see what kind of machine it was
# What unpickling raises when classes are gone, moved or of another version.
_LOAD_FAILURES = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def unpack(
    manifest: bytes,
    read: Callable[[str], bytes],
    *,
    trust: bool | str | None = None,
    module: object = None,
    run: tuple[str, str] | None = None,
    registered_as: str | None = None,
) -> object:
    """The model of a package.

    Args:
        read: Gives the bytes of a file by its SHA-256.
        trust: True: load it whoever made it. `"sha256:<package id>"`: load it if it is exactly this package.
            None: only if this user made it, or somebody whose key they took in; or from a form that is data only.
        module: An object to load weights into, for flavors that keep weights apart; nothing of the package runs then.
        run: Where it was found: the id of a run, and the model's name there.
        registered_as: Where it was found: the name of a registered model.

    Raises:
        UntrustedModelError: Somebody else made it, it was changed, or it was found where it does not belong.
        ModelCorruptedError: A file is missing or has other bytes.
        ModelVersionError: This Python, or what is installed here, cannot load it.
    """
    parsed = Manifest.parse(manifest)
    files = {file.path: file for file in parsed.files}

    def content(path: str) -> bytes:
        return read_file(files[path], read)

    if module is not None:
        return _load_weights(parsed, content, module)
    is_data_only = _is_data_only(parsed) if _needs_no_code(parsed, trust, run, registered_as) else False
    loader: Any = formats.for_loading(parsed.flavor)
    if not is_data_only:
        _check_python(parsed)
    data_only = getattr(loader, "DATA_ONLY", ())
    loaded = {
        path: content(path) for path in files if (path in data_only) == is_data_only
    }  # the other form is not read
    differences = _warn_of_differences(parsed)
    try:
        return (loader.load_data_only if is_data_only else loader.load)(loaded.__getitem__)
    except AutotrackError:
        raise
    except _LOAD_FAILURES as error:
        raise _not_loadable(parsed, error, differences) from error


def read_file(file: File, read: Callable[[str], bytes]) -> bytes:
    """The bytes of one file of a package.

    Raises:
        ModelCorruptedError: It is missing, or has other bytes than those saved.
    """
    try:
        data = read(file.sha256)
    except (OSError, LookupError) as error:
        why = (str(error) or repr(error)).partition("\n")[0].rstrip(".")
        raise ModelCorruptedError(
            f"File {file.path!r} of this model cannot be read: {why}.\n"
            f"Expected {file.size_bytes:,} bytes with SHA-256 {file.sha256}. Restore them from a copy of the store.",
            path=file.path,
        ) from error
    found = sha256(data) if len(data) == file.size_bytes else None
    if found != file.sha256:
        raise ModelCorruptedError(
            f"File {file.path!r} of this model was changed: it has {len(data):,} bytes with SHA-256 {sha256(data)}.\n"
            f"Expected {file.size_bytes:,} bytes with SHA-256 {file.sha256}. Restore them from a copy of the store.",
            path=file.path,
            expected=file.sha256,
            found=found,
        )
    return data


def _needs_no_code(
    parsed: Manifest, given: bool | str | None, run: tuple[str, str] | None, registered_as: str | None
) -> bool:
    """False: it may run code of its own. True: it is somebody else's and has a form that runs none.

    Raises:
        UntrustedModelError: It is somebody else's and has no such form, or it is not what it should be.
    """
    if given is True:
        return False
    if isinstance(given, str):
        _check_pin(parsed, given)
        return False
    origin = trust.provenance(parsed.body, None if parsed.seal is None else dict(parsed.seal))
    if origin in ("own", "believed"):
        check_place(parsed, run, registered_as)
        return False
    if origin == "changed" or not _is_data_only(parsed):
        raise _untrusted(parsed, origin)
    tell_once(
        f"model.data_only:{parsed.id}",
        f"The model {parsed.model_class} is not sealed by you. It was loaded from its data-only form, which runs no "
        f"code of whoever made it. Load it as it was saved with trust='sha256:{parsed.id}'",
    )
    return True


def _is_data_only(parsed: Manifest) -> bool:
    """Whether it has a form that is loaded without running code of the package."""
    forms = getattr(formats.for_loading(parsed.flavor), "DATA_ONLY", ()) if parsed.flavor in formats.FORMATS else ()
    return bool(forms) and set(forms) <= {file.path for file in parsed.files}


def _check_pin(parsed: Manifest, given: str) -> None:
    if not given.startswith("sha256:"):
        raise ConfigError(f"Invalid trust={given!r}.\nExpected True, None or 'sha256:' and the id of a package.")
    if given.removeprefix("sha256:").lower() != parsed.id:
        raise UntrustedModelError(
            f"This is not the package you trust: it is sha256:{parsed.id}.\nExpected {given}. "
            "Find out why it was replaced before you trust it.",
            package=parsed.id,
        )


def check_place(parsed: Manifest, run: tuple[str, str] | None, registered_as: str | None) -> None:
    """A seal holds for one place: an own package moved to another run or name is not what is asked for there.

    Args:
        run: The id of the run it was found in, and the model's name there.
        registered_as: The registered name it was found under.

    Raises:
        UntrustedModelError: It belongs elsewhere.
    """
    if run is not None and run != (parsed.run_id, parsed.name):
        found, belongs = f"as model {run[1]!r} of run {run[0]}", f"as {parsed.name!r} to run {parsed.run_id}"
    elif registered_as is not None and parsed.format > 1 and parsed.registered_as != registered_as:
        found = f"under the registered name {registered_as!r}"
        belongs = f"to {parsed.registered_as!r}" if parsed.registered_as else f"to run {parsed.run_id}"
    else:
        return
    raise UntrustedModelError(
        f"This model was not loaded: it was found {found}, and by its seal it belongs {belongs}.\n"
        "Expected the package that was kept there. Find out who moved it: autotrack models verify. "
        f"If it is what you want, load it with trust='sha256:{parsed.id}'.",
        package=parsed.id,
        origin="moved",
    )


def _untrusted(parsed: Manifest, origin: trust.Origin) -> UntrustedModelError:
    sealed_by = "" if parsed.seal is None else parsed.seal["key"][:16]
    who = {
        "foreign": f"it is sealed by another key, {sealed_by!r}",
        "changed": "its manifest was changed after it was sealed",
        "unsealed": "it has no seal, so nobody knows who made it",
    }[origin]
    files = ", ".join(f"{file.path!r} ({file.size_bytes:,} bytes)" for file in parsed.files[:10])
    loader = formats.FORMATS.get(parsed.flavor, "unknown")
    return UntrustedModelError(
        f"This model was not loaded: {who}. Its loader ({loader}) would unpickle {files}, "
        f"which runs any code its maker put there. It says it is a {parsed.model_class!r} of run {parsed.run_id!r}.\n"
        f"Expected a package sealed by your own key ({trust.fingerprint() or 'you have none that can be used'}). "
        f"If you know who made it, load it with trust='sha256:{parsed.id}' (these very bytes) or trust=True; "
        "a colleague's key is taken in with: autotrack keys add FILE." + _weights_advice(parsed),
        package=parsed.id,
        origin=origin,
        key=sealed_by,
    )


def _check_python(parsed: Manifest) -> None:
    here = environment.python_minor()
    if parsed.by_value and parsed.python != here:
        raise ModelVersionError(
            f"This model was saved with Python {parsed.python} and holds code of the script that made it; "
            f"this is Python {here}.\n"
            f"Expected Python {parsed.python}: byte code of one minor version can crash another. Load it there, or "
            "move its classes and functions from the script into a module you import, and save it again."
            + _weights_advice(parsed),
            saved=parsed.python,
            here=here,
        )


def _warn_of_differences(parsed: Manifest) -> str:
    differences = [str(difference) for difference in environment.compare(parsed.requirements)]
    if parsed.python != environment.python_minor():
        differences.insert(0, f"Python {parsed.python} (here {environment.python_minor()})")
    if not differences:
        return ""
    said = ", ".join(differences[:_SHOWN_DIFFERENCES])
    if len(differences) > _SHOWN_DIFFERENCES:
        said += f" and {len(differences) - _SHOWN_DIFFERENCES} more"
    tell_once(
        f"model.versions:{parsed.id}",
        f"The model {parsed.model_class} was saved with {said}. It may behave otherwise here; "
        f"its {environment.FILE_NAME} lists what it was made with.",
    )
    return said


def _not_loadable(parsed: Manifest, error: Exception, differences: str) -> ModelVersionError:
    missing = (
        f"module {error.name!r} to be importable"
        if isinstance(error, ImportError) and error.name
        else "the same classes"
    )
    saved_with = f" It was saved with {differences}." if differences else ""
    return ModelVersionError(
        f"The model {parsed.model_class} cannot be loaded here: {type(error).__name__}: {error}.{saved_with}\n"
        f"Expected {missing}, as where it was saved. Install what its {environment.FILE_NAME} lists, and put the "
        f"project's own modules on the Python path.{_weights_advice(parsed)}",
        error=error,
    )


def _weights_advice(parsed: Manifest) -> str:
    keeps_apart = parsed.flavor in formats.FORMATS and hasattr(formats.for_loading(parsed.flavor), "load_into")
    return " Its weights alone load into a module of yours, and run nothing: module=…" if keeps_apart else ""


def _load_weights(parsed: Manifest, content: Callable[[str], bytes], module: object) -> object:
    load_into = getattr(formats.for_loading(parsed.flavor), "load_into", None)
    if load_into is None:
        raise ConfigError(
            f"A model of flavor {parsed.flavor!r} cannot be loaded into a module: its weights are not kept apart.\n"
            "Expected no `module` here. Leave it out."
        )
    return cast(object, load_into(content, module))
