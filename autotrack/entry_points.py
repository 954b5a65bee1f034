"""What installed distributions bring for autotrack: the entry points of a group, by name.

Reads entry_points.txt files: 1 to 3 ms once per process, where importlib.metadata takes 50 and more.
"""

import os
import sys

__all__ = ["entry_points"]

_OURS = "[autotrack."
_known: tuple[list[str], dict[str, dict[str, str]]] | None = None  # the sys.path that was searched, and what it has


def entry_points(group: str) -> dict[str, str]:
    """Value by name; of two distributions that bring one name, the first on sys.path counts."""
    global _known
    if _known is None or _known[0] != sys.path:
        groups: dict[str, dict[str, str]] = {}
        for place in list(sys.path):
            for text in _texts(place):
                for found, name, value in _entries(text):
                    groups.setdefault(found, {}).setdefault(name, value)
        _known = (list(sys.path), groups)
    return dict(_known[1].get(group, {}))


def _texts(place: str) -> list[str]:
    """The entry_points.txt files of one folder that name a group of autotrack's."""
    try:
        with os.scandir(place or ".") as entries:
            folders = sorted(entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []  # a zip file, or a folder that does not exist
    texts = []
    for folder in folders:
        try:
            with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue  # most distributions have none
        if _OURS in text:
            texts.append(text)
    return texts


def _entries(text: str) -> list[tuple[str, str, str]]:
    group, found = "", []
    for line in map(str.strip, text.splitlines()):
        name, equals, value = line.partition("=")
        if line.startswith("["):
            group = line.strip("[]")
        elif equals and not line.startswith(("#", ";")):
            found.append((group, name.strip(), value.strip()))
    return found
