"""The error family: one root, and each child is also the builtin a caller would expect.

A message says what happened, what was expected, what to do next. Values the message is made of are
attributes too, so that a program can read them.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AmbiguousRunError",
    "AutotrackError",
    "AutotrackWarning",
    "ConfigError",
    "DataError",
    "GateFailedError",
    "InvalidNameError",
    "MissingLibraryError",
    "ModelCorruptedError",
    "ModelNotFoundError",
    "ModelSaveError",
    "ModelVersionError",
    "RegistryConflictError",
    "RunFinishedError",
    "RunNotFoundError",
    "ScriptNotFoundError",
    "SearchError",
    "SignatureError",
    "StoreError",
    "StoreFormatError",
    "StoreNotFoundError",
    "UntrustedModelError",
    "nearest",
]


class AutotrackError(Exception):
    """Root of all errors autotrack raises on purpose."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.__dict__.update(values)

    def __str__(self) -> str:
        # KeyError, a base of some children, would print the message quoted.
        return self.message


class AutotrackWarning(UserWarning):
    """Something autotrack wanted to record is missing; the user's own work went on."""


class ConfigError(AutotrackError, ValueError):
    """A setting has a value that cannot be used."""


class InvalidNameError(AutotrackError, ValueError):
    """A run, experiment, model, alias, artifact or key has a name that cannot be kept."""


class DataError(AutotrackError, TypeError):
    """A value handed to `log_*` is of a kind that cannot be recorded there."""


class MissingLibraryError(AutotrackError, ImportError):
    """A library this needs is not installed; the message names the command that installs it."""


class StoreError(AutotrackError, OSError):
    """The store cannot be read or written."""


class StoreNotFoundError(StoreError, FileNotFoundError):
    """There is no store at this path."""


class StoreFormatError(StoreError):
    """The store was written in a format this version of autotrack does not know."""


class RunNotFoundError(AutotrackError, KeyError):
    """No run has this id."""


class AmbiguousRunError(AutotrackError, KeyError):
    """Several runs have an id that starts like this."""


class RunFinishedError(AutotrackError, RuntimeError):
    """The run has ended; nothing was recorded."""


class ScriptNotFoundError(AutotrackError, FileNotFoundError):
    """There is no script at this path."""


class SearchError(AutotrackError, ValueError):
    """A `where` or `order_by` that cannot be read."""


class ModelNotFoundError(AutotrackError, KeyError):
    """No model, version or alias has this name."""


class ModelSaveError(AutotrackError, ValueError):
    """A model cannot be turned into a package."""


class ModelCorruptedError(AutotrackError, ValueError):
    """Bytes of a package are not the ones that were saved."""


class ModelVersionError(AutotrackError, RuntimeError):
    """The package cannot be loaded by this Python or these libraries."""


class UntrustedModelError(AutotrackError, PermissionError):
    """Loading this package would run code of somebody who is not known to be trusted."""


class SignatureError(AutotrackError, ValueError):
    """Data has other columns, dtypes or another shape than what the model was fitted on; `problems` lists them."""


class RegistryConflictError(AutotrackError, RuntimeError):
    """An alias was moved by somebody else in between."""


class GateFailedError(AutotrackError, RuntimeError):
    """A version does not keep to the rule it was to be promoted under; nothing was changed."""


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` with the known word most like this one, or an empty string."""
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
