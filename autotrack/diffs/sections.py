"""What differs in what two runs say of themselves, and in the files of their packages."""

import math
from collections.abc import Mapping
from typing import Any

from autotrack.diffs.shown import Entry, Section
from autotrack.diffs.sides import Side

__all__ = ["code", "compared", "data", "environment", "files", "metrics", "model", "params"]


def model(a: Side, b: Side) -> Section:
    """Class, flavor and the Python they were saved with."""
    one, other = (
        {"class": side.manifest.model_class, "flavor": side.manifest.flavor, "python": side.manifest.python}
        for side in (a, b)
    )
    return compared("model", one, other)


def params(a: Side, b: Side) -> Section:
    """The params of the runs."""
    return compared("params", a.params, b.params)


def metrics(a: Side, b: Side) -> Section:
    """The last values of the metrics of the runs, and by how much they differ."""
    section = compared("metrics", a.metrics, b.metrics)
    entries = tuple(Entry(each.key, each.a, each.b, _change(each.a, each.b)) for each in section.entries)
    return Section("metrics", entries, section.same, section.notes)


def data(a: Side, b: Side) -> Section:
    """The fingerprints of the data the runs were trained and evaluated on."""
    entries, same = [], 0
    for name in {**a.data, **b.data}:
        one, other = a.data.get(name), b.data.get(name)
        prints = [side.get("fingerprint") if side else None for side in (one, other)]
        if one is not None and other is not None and prints[0] == prints[1] and prints[0] is not None:
            same += 1
            continue
        unknown = one is not None and other is not None and None in prints
        note = "not comparable: one has no fingerprint" if unknown else ""
        entries.append(Entry(name, _data_text(one), _data_text(other), note))
    return Section("data", tuple(entries), same, () if a.data or b.data else ("No data is on record.",))


def code(a: Side, b: Side) -> Section:
    """Commit, whether all was committed, command line, and which of the script and the user's own modules differ."""
    return compared("code", _code(a), _code(b))


def environment(a: Side, b: Side) -> Section:
    """Versions of Python and of the distributions: all that were installed, where both runs say that, else those the
    models need.
    """
    if a.process.get("packages") and b.process.get("packages"):
        one, other = (
            {"python": side.process.get("python"), "platform": side.process.get("platform"), **side.process["packages"]}
            for side in (a, b)
        )
        return compared("environment", one, other)
    one, other = (dict(pin.split("==", 1) for pin in side.manifest.requirements if "==" in pin) for side in (a, b))
    section = compared("environment", one, other)
    return Section("environment", section.entries, section.same, ("Only of what the models need, by their packages.",))


def files(a: Side, b: Side) -> Section:
    """The files of the packages: which are equal, and their sizes."""
    one, other = ({file.path: file for file in side.manifest.files} for side in (a, b))
    entries, same = [], 0
    for path in {**one, **other}:
        pair = one.get(path), other.get(path)
        if pair[0] is not None and pair[1] is not None and pair[0].sha256 == pair[1].sha256:
            same += 1
        else:
            before, after = (None if file is None else f"{file.size_bytes:,} bytes" for file in pair)
            entries.append(Entry(path, before, after, "other bytes" if None not in pair else ""))
    size_a, size_b = (sum(file.size_bytes for file in side.manifest.files) for side in (a, b))
    facts = (("size_bytes", {"a": size_a, "b": size_b}),)
    note = f"{size_a:,} bytes → {size_b:,} bytes ({size_b - size_a:+,})"
    return Section("files", tuple(entries), same, (note,), facts)


def compared(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Section:
    """What differs between two maps, in the order of their keys."""
    keys = list({**one, **other})
    entries = [Entry(key, one.get(key), other.get(key)) for key in keys if not _equal(one.get(key), other.get(key))]
    return Section(name, tuple(entries), len(keys) - len(entries), () if keys else ("Nothing is on record.",))


def _equal(one: Any, other: Any) -> bool:
    is_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return is_nan or (one == other and type(one) is type(other))


def _change(one: float | None, other: float | None) -> str:
    return "" if one is None or other is None else f"{other - one:+.6g}"


def _data_text(found: Mapping[str, Any] | None) -> str | None:
    if found is None:
        return None
    shape = found.get("shape")
    size = " × ".join(str(length) for length in shape) if isinstance(shape, list) else ""
    told = found.get("fingerprint") or "no fingerprint"
    return " ".join(str(part) for part in (found.get("kind", ""), size, told) if part)


def _code(side: Side) -> dict[str, Any]:
    """What is known of the code: all that git said, the command line, the digests of modules by their names."""
    git = side.process.get("git") or {}
    found: dict[str, Any] = {"commit": side.row.get("git_commit"), "dirty": side.row.get("git_dirty")}
    found |= {key: value for key, value in git.items() if key not in ("commit", "dirty", "user")}
    found |= {"argv": side.process.get("argv")}
    found |= {f"module {name}": digest[:12] for name, digest in (side.process.get("modules") or {}).items()}
    return {key: value for key, value in found.items() if value is not None}
