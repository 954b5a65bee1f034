"""Hyperopt: what the points of a search were drawn from, and what a point is in words of the objective's.

Watches   nothing; hyperopt.py asks
Records   see hyperopt.py
Never     evaluates a part of the space: what the user put into it may do anything
Needs     hyperopt.pyll.base: dfs, Apply, Literal (public; checked on Hyperopt 0.2.7 and 0.3.0)
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["Space"]

_CASTS = {"int": int, "float": float}
_MISSING = object()


class Space:
    """The space of a search, by the labels that `hp` was given."""

    def __init__(self, expression: Any) -> None:
        graph = import_module("hyperopt.pyll.base")
        self._literal = graph.Literal
        self._options: dict[str, list[Any]] = {}
        self._casts: dict[str, list[Any]] = {}
        self._drawn: dict[str, Any] = {}  # the distribution of each label
        labels: dict[int, str] = {}  # by the id of a node that has the value of that param
        for node in graph.dfs(expression):  # what a node is made of comes before it
            first = node.pos_args[0] if node.pos_args else None
            if node.name == "hyperopt_param":
                label = labels[id(node)] = str(node.pos_args[0].obj)
                self._drawn[label] = node.pos_args[1]
            elif (known := labels.get(id(first))) is None:
                continue
            elif node.name == "switch":
                self._options[known] = node.pos_args[1:]
            elif node.name in _CASTS:
                labels[id(node)] = known
                self._casts.setdefault(known, []).append(_CASTS[node.name])

    def values(self, drawn: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The params of a point: of a choice the option itself, where it is plain, else its number.

        Args:
            drawn: One value or none for each label, as Hyperopt keeps them.
        """
        return {label: self._value(label, values[0]) for label, values in drawn.items() if len(values)}

    def texts(self) -> dict[str, str]:
        """Each distribution as a person would write it."""
        return {label: self._text(label, node) for label, node in self._drawn.items()}

    def _value(self, label: str, value: Any) -> Any:
        options = self._options.get(label)
        if options is not None:
            plain = self._plain(options[int(value)])
            return int(value) if plain is _MISSING else plain
        for cast in self._casts.get(label, ()):
            value = cast(value)
        return value.item() if hasattr(value, "item") else value

    def _plain(self, node: Any) -> Any:
        """A literal, or what of a dict is literal; `_MISSING` if nothing is."""
        if isinstance(node, self._literal):
            return node.obj
        if node.name == "dict":
            found = {name: plain for name, part in node.named_args if (plain := self._plain(part)) is not _MISSING}
            return found or _MISSING
        return _MISSING

    def _text(self, label: str, node: Any) -> str:
        options = self._options.get(label)
        if options is not None:
            plain = [self._plain(option) for option in options]
            return " | ".join(str(number if each is _MISSING else each) for number, each in enumerate(plain))
        given = [*(("", part) for part in node.pos_args), *((f"{name}=", part) for name, part in node.named_args)]
        shown = [f"{name}{part.obj}" for name, part in given if isinstance(part, self._literal)]
        return f"{node.name}({', '.join(shown)})"
