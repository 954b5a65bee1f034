"""Nodes of a data-only file's schema that have one id: copies of one object, each spelled out in full."""

from collections.abc import Mapping
from typing import Any

from autotrack_integrations.sklearn.skops_file import Member
from autotrack_integrations.sklearn.trusted_types import RefusedError

__all__ = ["check"]

Node = dict[str, Any]
Members = Mapping[str, Member]


def check(node: Node, first: dict[int, Node], members: Members) -> None:
    """Whether nodes with one id are the same object. skops takes one in place of the others, whatever they say.

    So none stands within itself, none stands for more nodes than the schema spells out, and a rule that a node keeps
    is kept by the one in its place.

    Args:
        first: The first node of each id; this call adds to it.
    """
    number = node.get("__id__")
    if number is None:
        return
    if type(number) is not int:
        raise RefusedError("a node has an id that is no number")
    if not _is_same(first.setdefault(number, node), node, members):
        raise RefusedError("two different nodes have one id")


def _is_same(one: Node, other: Node, members: Members) -> bool:
    """Equal, but for the ids of their parts and the names of their (equal) members: skops numbers temporary objects."""
    waiting: list[tuple[Any, Any]] = [(one, other)]
    while waiting:
        a, b = waiting.pop()
        if a is b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            ignored = {"__id__", "file"} if "__loader__" in a else set()
            if list(a) != list(b) or not _same_member(a, b, members):
                return False
            waiting.extend((a[key], b[key]) for key in a if key not in ignored)
        elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            waiting.extend(zip(a, b, strict=True))
        elif type(a) is not type(b) or a != b:
            return False
    return True


def _same_member(a: Node, b: Node, members: Members) -> bool:
    names = (a.get("file"), b.get("file"))
    if "__loader__" not in a or names[0] == names[1]:
        return True
    held = [members.get(name) if isinstance(name, str) else None for name in names]
    return held[0] is not None and held[0] == held[1]
