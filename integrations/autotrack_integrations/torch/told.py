"""torch: numbers that the script computes itself, from where it reads, writes or shows them.

Watches   nothing; reads.py and the run room's `heard` tell of them
Records   metrics   under the script's own names; those that were only printed or in a bar are named in the tag `shown`
Never     records a number again that is on record already, with more digits or not as a percentage
Needs     nothing
"""

from collections.abc import Callable, Iterable, Mapping

from autotrack.run import heard
from autotrack_integrations.torch.here import here

__all__ = ["Told"]

_SHOWN = ("printed", "progress bar")
_MAX_NAMES = 100  # of one training
_MAX_TAG = 500

Note = Callable[[str, float, int | None], None]  # metric, value, step (None: the step under way)


class Told:
    """What one training's script tells of it."""

    def __init__(self, note: Note, is_under_way: Callable[[], bool], under_way: Callable[[], Iterable[float]]) -> None:
        self._note = note
        self._is_under_way = is_under_way  # whether what is said now is said of this training
        self._under_way = under_way  # values that will be on record when what is under way is complete
        self._read_at: dict[str, int] = {}  # the step at which each metric was read last
        self._shown: dict[str, str] = {}  # metrics that were only shown, and where
        self.listen()

    def knows(self, name: str) -> bool:
        """Whether the script has read a metric of this name before."""
        return name in self._read_at

    def read(self, name: str, value: float, step: int) -> None:
        """The script has read a value."""
        is_new = name not in self._read_at
        if self._read_at.get(name) == step or name == "train_loss" or (is_new and len(self._read_at) >= _MAX_NAMES):
            return
        self._read_at[name] = step
        here.now.recent.append(value)
        self._note(name, value, None)

    def tag(self) -> str:
        """The metrics that were only shown, and where."""
        return ", ".join(f"{name} ({source})" for name, source in self._shown.items())[:_MAX_TAG]

    def listen(self) -> None:
        """Hear what the script says in this thread."""
        self._stop = heard.listen(self._hear)

    def stop(self) -> None:
        """Hear no more."""
        self._stop()

    def _hear(self, source: str, values: Mapping[str, float], step: int | None) -> None:
        if not self._is_under_way():
            return
        for name, value in values.items():
            if source in _SHOWN:
                if self._is_known(value) or (name not in self._shown and len(self._shown) >= _MAX_NAMES):
                    continue
                self._shown.setdefault(name, source)
            here.now.recent.append(float(value))
            self._note(name, float(value), step)

    def _is_known(self, value: float) -> bool:
        digits = len(repr(value).partition(".")[2])
        known = [*here.now.recent, *self._under_way()]
        return any(round(scaled, digits) == round(value, digits) for each in known for scaled in (each, 100 * each))
