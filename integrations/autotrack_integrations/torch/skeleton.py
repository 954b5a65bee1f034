"""A module without its tensors, as bytes: a pickle in which each tensor is a reference by name (references.py).

Plain pickle comes first; cloudpickle takes along by value what stands in the script (`__main__`) or in a function.
Where that drags along too much, or what cannot be pickled, such globals of the script are left out.
"""

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.model.own_code import UnpicklableError, pickling
from autotrack_integrations.torch.references import Place, References, TooLargeError, unwrapped

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["MAX_BYTES", "Skeleton", "dump", "size_of", "unwrapped"]

MAX_BYTES = 5_000_000  # of a skeleton: ten thousand layers; one that is larger drags data along


@dataclass(frozen=True)
class Skeleton:
    """A module without its tensors.

    Attributes:
        by_value: Byte code is in it.
        modules: Names of modules that loading imports.
        extras: Tensors in it that had no name, by the names they were given.
    """

    data: bytes = field(repr=False)
    by_value: bool
    modules: set[str]
    extras: dict[str, Any]


def dump(module: Any, names: Mapping[int, str], places: Mapping[int, Place], *, may_run_own: bool = True) -> Skeleton:
    """The module without its tensors.

    Args:
        names: Of tensors, by identity.
        places: Where tensors lie in memory that they share with others, by identity.
        may_run_own: Whether code of the user's own may run for it.

    Raises:
        OwnCodeError: It would have to, and may not.
        TooLargeError: It has more than MAX_BYTES, or tensors without a name have.
        UnpicklableError: Something in it cannot be pickled.
    """

    def fits(value: Any, limit: int, by_value: bool) -> bool:
        try:
            _dump(value, References(names, {}, 0, None, by_value=by_value, may_run_own=may_run_own), limit)
        except (TooLargeError, UnpicklableError):
            return False
        return True

    def made(*, by_value: bool, is_careful: bool = False) -> Skeleton:
        references = References(names, places, MAX_BYTES, fits, by_value=by_value, may_run_own=may_run_own)
        references.is_careful = is_careful
        return _dump(module, references, MAX_BYTES)

    try:
        return made(by_value=False)
    except (TooLargeError, UnpicklableError):
        try:
            return made(by_value=True)
        except (TooLargeError, UnpicklableError):
            return made(by_value=True, is_careful=True)


def size_of(value: Any, names: Mapping[int, str], *, may_run_own: bool = True) -> int | None:
    """How many bytes a value adds to a skeleton, MAX_BYTES if more; None if it cannot be pickled."""
    references = References(names, {}, MAX_BYTES, None, by_value=True, may_run_own=may_run_own)
    try:
        return len(_dump(value, references, MAX_BYTES).data)
    except TooLargeError:
        return MAX_BYTES
    except UnpicklableError:
        return None


def _dump(module: Any, references: References, limit: int) -> Skeleton:
    base: Any = pickle.Pickler
    if references.by_value:
        import cloudpickle  # type: ignore[import-untyped, unused-ignore]

        base = cloudpickle.Pickler

    class Pickler(base):  # type: ignore[misc]
        def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
            return references.of(value)

    sink = _Sink(limit)
    with pickling():
        Pickler(sink, protocol=5).dump([module, references.left_out])
    return Skeleton(sink.getvalue(), references.by_value, references.modules, references.extras)


class _Sink(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._left = limit

    def write(self, data: "Buffer", /) -> int:
        self._left -= memoryview(data).nbytes
        if self._left < 0:
            raise TooLargeError
        return super().write(data)
