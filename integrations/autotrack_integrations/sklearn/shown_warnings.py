"""scikit-learn: warnings that are shown during a fit are part of its record.

Watches   warnings._showwarnmsg, which Python calls with each warning that no filter holds back (private; checked on
          Python 3.11 to 3.14). A wrapper of `warnings.warn` would change what `stacklevel` counts
Records   table     `warnings`: category, message, count
          tags      `warning`, the categories
Never     changes a filter; sees what the user's filters ignore; holds a warning back
"""

from collections import Counter
from collections.abc import Generator, Sequence

from autotrack import run
from autotrack.errors import AutotrackWarning
from autotrack.hooks import Call, Patch, inside

__all__ = ["record_warnings", "watch"]

_MAX_KINDS = 50  # different warnings of one fit that are kept
_MAX_TEXT = 1000  # characters of one


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    import warnings

    return [Patch(warnings, "_showwarnmsg", watch_warning)] if hasattr(warnings, "_showwarnmsg") else []


def watch_warning(call: Call) -> Generator[None, None, None]:
    """Tell the outermost fit, if there is one, of a warning."""
    scope = inside()
    hear = None if scope is None else scope.outermost.on_warning
    if hear is None:
        return
    warning = getattr(call.argument(0, "msg"), "message", None)
    if isinstance(warning, Warning) and not isinstance(warning, AutotrackWarning):
        hear(warning)
    yield


def record_warnings(target: run.Run, warnings: Sequence[Warning]) -> None:
    """Keep the warnings of a fit with its run."""
    found = Counter((type(warning).__name__, str(warning)[:_MAX_TEXT]) for warning in warnings).most_common(_MAX_KINDS)
    categories = [category for (category, _), _ in found]
    messages = [message for (_, message), _ in found]
    counts = [count for _, count in found]
    target.derive_tables(lambda: {"warnings": {"category": categories, "message": messages, "count": counts}})
    target.set_tags({"warning": ", ".join(dict.fromkeys(categories))})
