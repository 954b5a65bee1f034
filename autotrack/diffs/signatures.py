"""Whether whoever calls one model can call the other likewise: their inputs and outputs.

Breaking: an input that is removed, added or of another type, another order of inputs, another number of them, other
classes that are predicted. The number of rows the models were trained on is none of that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from autotrack.diffs.shown import Entry, Section

__all__ = ["section"]

Part = Mapping[str, Any]


def section(a: Part | None, b: Part | None) -> Section:
    """The section `signature` of two signatures of packages."""
    if a is None or b is None:
        which = "neither" if a is None and b is None else "only one"
        return Section("signature", notes=(f"It is not known whether they are compatible: {which} has a signature.",))
    entries: list[Entry] = []
    same = 0
    notes = []
    for part in ("inputs", "outputs"):
        one, other = a.get(part), b.get(part)
        if one is None or other is None:
            if one is not None or other is not None:
                notes.append(f"The {part} of one of them are not known.")
            continue
        found = list(_differences(part, one, other))
        entries += found
        same += not found
    breaking = [entry.key for entry in entries if entry.note]
    return Section("signature", tuple(entries), same, tuple(notes), (("breaking", breaking),))


def _differences(part: str, one: Part, other: Part) -> Iterator[Entry]:
    if one.get("kind") != other.get("kind"):
        yield Entry(f"{part}: kind", one.get("kind"), other.get("kind"))
    if one.get("names") and other.get("names"):
        yield from _columns(part, one, other)
    elif _dtype(one) != _dtype(other) and None not in (_dtype(one), _dtype(other)):
        yield Entry(f"{part}: dtype", _dtype(one), _dtype(other), "retyped")
    if one.get("shape", [])[1:] != other.get("shape", [])[1:]:
        yield Entry(f"{part}: shape", one.get("shape", [])[1:], other.get("shape", [])[1:], "another number of them")
    if one.get("classes") != other.get("classes"):
        yield Entry(f"{part}: classes", one.get("classes"), other.get("classes"), "other classes")


def _columns(part: str, one: Part, other: Part) -> Iterator[Entry]:
    before, after = (dict(zip(side["names"], side.get("dtypes", []), strict=False)) for side in (one, other))
    word = part.removesuffix("s")
    for name in {**before, **after}:
        if name not in after:
            yield Entry(f"{word} {name}", before[name], None, "removed")
        elif name not in before:
            yield Entry(f"{word} {name}", None, after[name], "added")
        elif before[name] != after[name]:
            yield Entry(f"{word} {name}", before[name], after[name], "retyped")
    if before.keys() == after.keys() and list(before) != list(after):
        yield Entry(f"{part}: order", list(before), list(after), "another order")


def _dtype(part: Part) -> Any:
    found = part.get("dtype")
    return found if found is not None else (part.get("dtypes") or [None])[0]
