"""Settings that lie in the script's own names: UPPER_CASE constants, and what is called config, args, hparams ...

Names and fields are read, never kept, and no code of the user's runs for it. Only plain values count: numbers, texts,
booleans, None, paths, short lists of them.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

from autotrack.hooks import local_variables
from autotrack.hooks.variables import attributes_of
from autotrack.run.whose import is_users_class, is_users_module

__all__ = ["configs", "constants", "flat"]

_MAX_ITEMS = 20  # items of a list that is a setting; a longer one is data
_MAX_TEXT = 2000  # characters of a text that is a setting
_MAX_DEPTH = 4  # configs in configs
_MAX_NAMES = 2000  # names in one frame: a namespace beyond it is a library's, not a script's
_IS_FUNCTION = 0x1  # CO_OPTIMIZED: the frame's locals are slots, and `f_locals` a snapshot of them
_NOTHING = object()
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_CONFIG = re.compile(
    r"(?:(?i:\w*_)?(?i:configs?|configuration|cfg|args|arguments|opts?|options|flags|hparams|hps|hyp|hyperparams"
    r"|hyperparameters|params|conf|settings)|[A-Z]\w*(?:Config|Configuration|Cfg|Args|Arguments|HParams|Settings))\d*"
)


def constants() -> dict[str, Any]:
    """The UPPER_CASE names of the script itself that hold plain values."""
    return _constants_of(_script())


def configs(frames: Iterable[FrameType]) -> dict[str, Any]:
    """The fields of what is called config, args, hparams and the like, in these frames and then in the script itself.

    A config is a dataclass, a Namespace, a dict, an object or class of the user's own, or a module of theirs; it may
    be an attribute of `self`. Nested fields have dotted names. Where two configs differ in a field, the one found
    later has its config's name before it.

    Args:
        frames: From the inside out.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for frame in frames:
        code = frame.f_code
        if not code.co_flags & _IS_FUNCTION:
            _add_configs(frame.f_globals, found, seen)
        elif any(name == "self" or _is_config_name(name) for name in code.co_varnames + code.co_freevars):
            local = dict(local_variables(frame))
            _add_configs(local, found, seen)
            _add_configs(attributes_of(local.get("self")), found, seen)
    script = _script()
    if script is not None:
        _add_configs(vars(script), found, seen)
    return found


def flat(values: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Each plain value under its dotted name; what is neither plain nor a config is left out."""
    for name, value in list(values.items()):
        if type(name) is not str or name.startswith("_"):
            continue
        plain = _plain(value)
        if plain is not _NOTHING:
            yield prefix + name, plain
        elif depth < _MAX_DEPTH and not isinstance(value, ModuleType | type):
            yield from flat(_fields(value) or {}, f"{prefix}{name}.", depth + 1)


def _script() -> ModuleType | None:
    """The script itself; None where a library is what was started, such as a worker of Ray's."""
    main = sys.modules.get("__main__")
    return main if is_users_module(main) else None


def _add_configs(space: Mapping[str, Any], found: dict[str, Any], seen: set[int]) -> None:
    for name, value in list(space.items()) if len(space) <= _MAX_NAMES else ():
        if not _is_config_name(name) or id(value) in seen:
            continue
        seen.add(id(value))
        for field, plain in flat(_fields(value) or {}):
            key = field if found.get(field, plain) == plain else f"{name}.{field}"
            found.setdefault(key, plain)


def _is_config_name(name: str) -> bool:
    return not name.startswith("__") and _CONFIG.fullmatch(name) is not None


def _fields(value: Any) -> Mapping[str, Any] | None:
    """The fields of a config; None: it is none."""
    kind = type(value)
    if kind is dict:
        return value if all(type(key) is str for key in value) else None
    if isinstance(value, ModuleType):
        return _constants_of(value) if is_users_module(value) else None
    if isinstance(value, type):
        return _class_fields(value) if is_users_class(value) else None
    if is_dataclass(value):
        own = {field.name: _own_field(value, field.name) for field in fields(value)}
        if is_users_class(kind):
            return own
        # A library's has a hundred fields, of which few are set.
        usual: dict[str, Any] = {
            field.name: field.default_factory() if field.default_factory in (dict, list) else field.default
            for field in fields(value)
        }
        return {name: each for name, each in own.items() if _plain(each) != _plain(usual[name])}
    # argparse is not imported by us: whoever waits for its import would be called in the middle of ours.
    namespace = getattr(sys.modules.get("argparse"), "Namespace", SimpleNamespace)
    if isinstance(value, SimpleNamespace | namespace) or hasattr(kind, "__pydantic_fields__"):
        return attributes_of(value)
    return {**_class_fields(kind), **attributes_of(value)} if is_users_class(kind) else None


def _class_fields(kind: type[Any]) -> dict[str, Any]:
    """What is written in the bodies of a class and those it is derived from."""
    return {name: value for base in reversed(kind.__mro__[:-1]) for name, value in vars(base).items()}


def _own_field(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return _NOTHING


def _constants_of(module: ModuleType | None) -> dict[str, Any]:
    space = {} if module is None else vars(module)
    found = {name: _plain(value) for name, value in list(space.items()) if _CONSTANT.fullmatch(name)}
    return {name: value for name, value in found.items() if value is not _NOTHING and name != "TYPE_CHECKING"}


def _plain(value: Any) -> Any:
    """A value that is a setting; `_NOTHING` for data and objects."""
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str:
        return value if len(value) <= _MAX_TEXT else _NOTHING
    if isinstance(value, PurePath):
        return os.fspath(value)
    if type(value) in (list, tuple) and len(value) <= _MAX_ITEMS:
        items = [_plain(item) for item in value]
        return _NOTHING if any(item is _NOTHING for item in items) else type(value)(items)
    return _NOTHING
