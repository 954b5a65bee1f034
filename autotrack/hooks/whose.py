"""Whose code it is: the user's own, or an installed library's."""

import os
import sysconfig
from types import CodeType

from autotrack.hooks.replacing import FRAME_FILE

__all__ = ["is_users", "known_codes"]

_MAX_KNOWN = 10_000  # code objects remembered; beyond it the memory starts anew
_INTERACTIVE = ("<stdin>", "<string>", "<ipython")
_LIBRARIES = tuple(
    {os.path.dirname(os.__file__) + os.sep, *(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib"))}
)
_OURS = ("autotrack" + os.sep, "autotrack_integrations" + os.sep)
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep

# What is known already, for those who look at every frame of a stack in every step.
known_codes: dict[
    int, tuple[CodeType, bool]
] = {}  # by identity: the hash of a code object is that of all it consists of


def is_users(code: CodeType) -> bool:
    """Whether this code is the user's: of a script, a notebook, a project; not of a library, nor ours."""
    known = known_codes.get(id(code))
    if known is None:
        if len(known_codes) >= _MAX_KNOWN:
            known_codes.clear()
        known = known_codes[id(code)] = code, _is_users(code.co_filename)
    return known[1]


def _is_users(name: str) -> bool:
    if name == FRAME_FILE or name.startswith("<"):
        return name.startswith(_INTERACTIVE)
    if name.startswith(_LIBRARIES) or "site-packages" in name or "dist-packages" in name:
        return False
    own = name.removeprefix(_ROOT)
    return not (own != name and own.removeprefix("integrations" + os.sep).startswith(_OURS))
