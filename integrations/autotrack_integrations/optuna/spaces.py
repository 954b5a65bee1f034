"""Optuna: what the params of trials are drawn from, kept once for all trials that share it.

Watches   nothing; study.py asks for each trial
Records   in the study `data`: each search space under `space <name>`, as Optuna's own JSON of each distribution; in a
          trial the tag `space` with that name. Of a study with ever new spaces each trial holds its own
Never     rounds a bound or a choice: a study is rebuilt of it
Needs     optuna.distributions (public)
"""

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

__all__ = ["PREFIX", "Spaces", "read_space", "short_text"]

PREFIX = "space "
_MAX_SHARED = 100  # spaces that lie with the study: more of them are ranges that change from trial to trial


class Spaces:
    """The search spaces of a study, as this process has met them.

    Args:
        keep: Called with the name of each new one, and its distributions as plain values.
    """

    def __init__(self, keep: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._keep = keep
        self._names: dict[Any, str] = {}

    def name_of(self, distributions: Mapping[str, Any]) -> str:
        """What a trial is tagged with: the name of its space, or the space itself as JSON; empty if it has none."""
        if not distributions:
            return ""
        key = tuple([(name, *_facts(each)) for name, each in distributions.items()])
        try:
            if (known := self._names.get(key)) is not None:
                return known
            is_full = len(self._names) >= _MAX_SHARED
        except TypeError:  # choices that cannot be looked up: lists
            is_full = True
        space = {name: _as_json(each) for name, each in distributions.items()}
        text = json.dumps(space, sort_keys=True)
        if is_full:
            return text
        self._names[key] = name = blake2b(text.encode(), digest_size=4).hexdigest()
        self._keep(PREFIX + name, space)
        return name


def read_space(tag: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The distributions of a trial.

    Args:
        tag: Its tag `space`.
        data: The study's.
    """
    from optuna.distributions import json_to_distribution

    found = json.loads(tag) if tag.startswith("{") else data.get(PREFIX + tag, {})
    return {name: json_to_distribution(json.dumps(each)) for name, each in found.items()}


def short_text(distribution: Any) -> str:
    """A distribution as a person would write it: `1e-05 to 0.1, log`."""
    if hasattr(distribution, "choices"):
        return " | ".join(map(str, distribution.choices))
    step = distribution.step
    shown = f", step {step}" if step not in (None, 1) or (step == 1 and isinstance(distribution.low, float)) else ""
    return f"{distribution.low} to {distribution.high}{', log' if distribution.log else ''}{shown}"


def _facts(distribution: Any) -> tuple[Any, ...]:
    """What tells one from another; 1, 1.0 and True are equal, and not the same choice."""
    choices = getattr(distribution, "choices", None)
    if choices is not None:
        return choices, tuple(map(type, choices))
    return type(distribution), distribution.low, distribution.high, distribution.log, distribution.step


def _as_json(distribution: Any) -> Any:
    from optuna.distributions import distribution_to_json

    return json.loads(distribution_to_json(distribution))
