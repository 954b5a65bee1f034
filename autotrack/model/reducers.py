"""What pickle does with an object of each type: a table it asks, at the speed of C for every type but the first time.

Plain pickle goes by `copyreg.dispatch_table`, else by the object's own `__reduce_ex__`. In this table objects of a
library with a format of its own (formats.PARTS) are files beside the pickle, and `part` stands in their place; and code
of the user's own that would take part in pickling is found before it runs.
"""

import copyreg
import operator
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from autotrack.model import formats
from autotrack.model.own_code import OwnCodeError, pickles_itself
from autotrack.model.own_source import is_own

__all__ = ["PROTOCOL", "Reducers", "own_module", "part"]

PROTOCOL = 5
_default = operator.methodcaller("__reduce_ex__", PROTOCOL)

_Reducer = Callable[[Any], Any]


class Reducers(dict[type, _Reducer]):
    """Type -> what to call with an object of it. Made for one pickle.

    Args:
        may_run: Whether code of the user's own may run.
        base: What the pickler does with some types of its own accord.

    Attributes:
        files: What was kept apart, by path.
        libraries: What is needed to read it.
        modules: Where the types are defined.
    """

    def __init__(self, *, may_run: bool, base: Mapping[type, _Reducer] | None = None) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.libraries: set[str] = set()
        self.modules: set[str] = set()
        self._may_run = may_run
        self._base = copyreg.dispatch_table if base is None else base
        if base is not None:
            self[ModuleType] = self._module

    def __missing__(self, kind: type) -> _Reducer:
        if issubclass(kind, type):
            raise KeyError(kind)  # a class is pickled by its name, whatever its metaclass
        registered = self._base.get(kind)
        if not self._may_run and pickles_itself(kind):
            raise OwnCodeError(f"{kind.__module__}.{kind.__qualname__}")
        module = str(getattr(kind, "__module__", ""))
        library = module.partition(".")[0]
        self.modules.add(module)
        parts = formats.parts(library) if registered is None else None
        reducer = registered or (_default if parts is None else self._apart(library, parts))
        self[kind] = reducer
        return reducer

    def _apart(self, library: str, parts: formats.Parts) -> _Reducer:
        def reduce(value: object) -> Any:
            made = parts.apart(value, f"booster-{len(self.files)}")
            if made is None:
                return _default(value)
            path, data, rest = made
            self.files[path] = data
            self.libraries.add(library)
            return part, (library, path, rest)

        return reduce

    def _module(self, module: ModuleType) -> Any:
        return (own_module, (module.__name__,)) if is_own(module) else self._base[ModuleType](module)


def part(library: str, path: str, rest: object) -> object:
    """Stands in a pickle for what lies in a file beside it. Whoever unpickles gives it another meaning."""
    raise RuntimeError(
        f"A part of this model lies in {path!r}, beside its pickle.\n"
        "Expected the whole package. Load it with autotrack, or read that file with the library it is of."
    )


def own_module(name: str) -> object:
    """Stands for a module of the user's own. Whoever unpickles gives it another meaning."""
    return part("", name, None)
