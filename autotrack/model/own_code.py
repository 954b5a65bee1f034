"""Code of the user's own that runs while a model is pickled: found before it runs, run where it can be left behind.

Whatever it raises is why the model was not saved, be it SystemExit or KeyboardInterrupt; its time is limited. What the
user does meanwhile, as Ctrl-C or a handler of a signal, is the user's.
"""

import copyreg
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any, TypeVar

from autotrack.model.bounded import OutOfTimeError, StoppedError, within
from autotrack.model.own_source import is_own

__all__ = [
    "MAX_S",
    "EndedError",
    "OwnCodeError",
    "TookTooLongError",
    "UnpicklableError",
    "is_of_script",
    "pickles_itself",
    "pickling",
    "run",
]

MAX_S = 15.0  # a pickle of 1 GiB takes 1 to 3
_MAIN = ("__main__", "__mp_main__")  # the script, as it is called here and in its child processes
_PICKLING = (  # methods by which a class takes part in being pickled
    *("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__"),
    *("__getattr__", "__getattribute__"),
)

_T = TypeVar("_T")

_never_ended: set[tuple[str, str]] = set()  # class of a model, and one in it with pickling of its own: not tried again


class EndedError(Exception):
    """We have ended the pickling: `str` says why."""


class OwnCodeError(EndedError):
    """A class of the user's own, which this names, has code for pickling, which may not run here."""


class TookTooLongError(EndedError):
    """It took longer than MAX_S, now or the last time."""

    def __init__(self, *, was_before: bool = False) -> None:
        before = " before, is not tried again" if was_before else ""
        super().__init__(f"took longer than {MAX_S:g} s to be pickled{before}")


class UnpicklableError(Exception):
    """Pickling failed: `str` says why in a line, `error` is what was raised."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}".partition("\n")[0].rstrip(":. ")[:200]


def run(model_class: str, make: Callable[[bool], _T]) -> _T:
    """What `make(may_run_own)` gives: here without code of the user's own; if it needs some, on another thread.

    Args:
        model_class: For which it is remembered that its code took too long.
        make: Pickles; raises OwnCodeError where own code would have to run and may not.

    Raises:
        TookTooLongError: The user's code did.
    """
    try:
        return make(False)
    except OwnCodeError as found:
        key = model_class, str(found)
    if key in _never_ended:
        raise TookTooLongError(was_before=True)
    try:
        return within(MAX_S, lambda: make(True))
    except (OutOfTimeError, TookTooLongError):
        _never_ended.add(key)
        raise TookTooLongError from None


@contextmanager
def pickling() -> Iterator[None]:
    """In this block objects are pickled: what they raise is an UnpicklableError, what the user raises goes through."""
    try:
        yield
    except EndedError:
        raise
    except BaseException as error:
        if _is_of_user(error):
            raise
        raise UnpicklableError(error) from error


def pickles_itself(kind: type) -> bool:
    """Whether code of the user's own runs when an object of this type is pickled."""
    registered = copyreg.dispatch_table.get(kind)
    if registered is not None and _is_own(registered):
        return True
    return any(_is_own(base) and any(name in vars(base) for name in _PICKLING) for base in kind.__mro__[:-1])


def is_of_script(name: str) -> bool:
    """Whether no other process could import this module: that of the script, or one that was made by hand."""
    if name in _MAIN:
        return True
    if "." in name or "cython" in name:
        return False  # modules that C code makes: some have nothing to say where they come from
    found = vars(sys.modules[name]) if type(sys.modules.get(name)) is ModuleType else None
    return found is not None and not any(
        found.get(place) for place in ("__spec__", "__file__", "__loader__", "__path__")
    )


def _is_own(definition: Any) -> bool:
    """Whether a class or function is the user's."""
    name = getattr(definition, "__module__", None)
    return isinstance(name, str) and (is_of_script(name) or is_own(sys.modules.get(name)))


def _is_of_user(error: BaseException) -> bool:
    """Whether it is not the model's: a Ctrl-C, the end of a script or of the thread, or of a handler of a signal.

    Those for a time limit raise what they like. Only the main thread hears of signals.
    """
    if isinstance(error, StoppedError):
        return True
    if threading.current_thread() is not threading.main_thread():
        return False
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return True
    handlers = {code for number in signal.valid_signals() if (code := _code_of(signal.getsignal(number)))}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _code_of(handler: object) -> CodeType | None:
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return code if isinstance(code, CodeType) else None
