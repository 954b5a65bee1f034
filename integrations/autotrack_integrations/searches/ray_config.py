"""Ray Tune: what a search is set to, and what of a config or a result is a param or a metric.

Watches   nothing; ray_tune.py asks
Records   see ray_tune.py
Never     draws from a space
Needs     the attributes that searchers and schedulers keep their arguments in (checked on Ray 2.60)
"""

import inspect
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

__all__ = ["PLAIN", "flat", "is_number", "settings_of", "space_of"]

PLAIN = (bool, int, float, str)


def settings_of(role: str, part: Any) -> dict[str, Any]:
    """What a part of the search is, and its plain settings."""
    inner = getattr(part, "searcher", None)  # a limiter around another one
    found: dict[str, Any] = {
        role: type(part).__name__ if inner is None else f"{type(part).__name__}({type(inner).__name__})"
    }
    for name in inspect.signature(type(part)).parameters:
        value = getattr(part, f"_{name}", getattr(part, name, None))
        if type(value) in PLAIN and name not in ("metric", "mode"):
            found[f"{role}.{name}"] = value
    return found


def space_of(config: Any) -> Iterator[tuple[str, str]]:
    """What is searched over, each as a person would write it."""
    value: Any
    for name, value in flat(config) if isinstance(config, Mapping) else ():
        if name.endswith("/grid_search") or name == "grid_search":
            yield name.rpartition("/")[0], " | ".join(map(str, value))
        elif hasattr(value, "categories"):
            yield name, " | ".join(map(str, value.categories))
        elif hasattr(value, "lower") and hasattr(value, "get_sampler"):
            sampler = type(value.get_sampler()).__name__.lower().strip("_")
            yield name, f"{value.lower} to {value.upper}{', log' if 'log' in sampler else ''}"
        elif hasattr(value, "get_sampler"):
            yield name, f"{type(value).__name__}({value.domain_str})"


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value by its path, as `a/b`."""
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
