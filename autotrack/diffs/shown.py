"""A diff as people read it: text, a table in a notebook, plain values."""

from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Diff", "Entry", "Section"]

_MOST_SHOWN = 300  # characters of one value, and entries of a section, in text and tables; `to_dict` has all
_MOST_ENTRIES = 40


@dataclass(frozen=True)
class Entry:
    """One thing that differs.

    Attributes:
        a, b: None: it is not there on that side.
        note: What that means, if more can be said.
    """

    key: str
    a: Any
    b: Any
    note: str = ""

    def __str__(self) -> str:
        said = f"{self.key}: {_text(self.a)} → {_text(self.b)}"
        return f"{said}  ({self.note})" if self.note else said


@dataclass(frozen=True)
class Section:
    """One kind of things.

    Attributes:
        name: `params`, `metrics`, `signature` ...
        entries: What differs.
        same: How many are equal on both sides.
        notes: What is to be said of all of it, as that something is not known.
        facts: Figures beside the entries, by name.
    """

    name: str
    entries: tuple[Entry, ...] = ()
    same: int = 0
    notes: tuple[str, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs, as far as it is known."""
        return not self.entries

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "differs": [entry.__dict__ for entry in self.entries],
            "same": self.same,
            "notes": list(self.notes),
            **dict(self.facts),
        }


@dataclass(frozen=True)
class Diff:
    """What differs between two models `a` and `b`, by sections."""

    a: str
    b: str
    sections: tuple[Section, ...]

    def __getitem__(self, name: str) -> Section:
        return next(section for section in self.sections if section.name == name)

    @property
    def is_breaking(self) -> bool:
        """Whether whoever calls `a` may not be able to call `b` likewise: inputs or outputs differ."""
        return bool(dict(self["signature"].facts).get("breaking"))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        sections = {section.name: section.to_dict() for section in self.sections}
        return {"a": self.a, "b": self.b, "is_breaking": self.is_breaking, "sections": sections}

    def __str__(self) -> str:
        lines = [f"{self.a} → {self.b}"]
        for section in self.sections:
            lines += ["", f"{section.name}  ({_summary(section)})"]
            lines += [f"  {line}" for line in (*section.notes, *_shown(section))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = []
        for section in self.sections:
            rows.append(f"<tr><th colspan='4'>{escape(section.name)} ({escape(_summary(section))})</th></tr>")
            rows += [f"<tr><td colspan='4'>{escape(note)}</td></tr>" for note in section.notes]
            for entry in section.entries[:_MOST_ENTRIES]:
                cells = (entry.key, _text(entry.a), _text(entry.b), entry.note)
                rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        head = f"<tr><th></th><th>{escape(self.a)}</th><th>{escape(self.b)}</th><th></th></tr>"
        return f"<table>{head}{''.join(rows)}</table>"


def _shown(section: Section) -> list[str]:
    lines = [str(entry) for entry in section.entries[:_MOST_ENTRIES]]
    if (more := len(section.entries) - _MOST_ENTRIES) > 0:
        lines.append(f"and {more} more")
    return lines


def _summary(section: Section) -> str:
    if not section.entries:
        return "nothing is known" if section.notes and not section.same else "no difference"
    count = len(section.entries)
    return f"{count} differ{'s' if count == 1 else ''}, {section.same} the same"


def _text(value: Any) -> str:
    text = "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
