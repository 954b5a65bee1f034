"""Settings from the command line and from files: what a script has read is heard, as it was read.

Watches   ArgumentParser.parse_args, parse_known_args and their intermixed forms (and so all that is built upon
          them, such as HfArgumentParser); click.Command.invoke (and so Typer); fire.core._ParseArgs (private; checked
          on Fire 0.6 and 0.7); hydra's Callbacks.on_job_start (private, what it notifies is public; hydra 1.1 to 1.3)
Records   nothing itself: `heard.hear_settings`, by the plain names of arguments, nested ones with dots
Never     parses a second time, resolves an interpolation through a resolver, or hears what tools and libraries parse
          for themselves: only where the user's own code asks for it
Needs     nothing
"""

import inspect
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from autotrack.hooks import Call, Patch, Tap, is_users
from autotrack.run.heard import Forgetting, Undoable, hear_settings
from autotrack.run.whose import callers, is_called_by_user

__all__ = ["watch_argparse", "watch_click", "watch_fire", "watch_hydra"]

_PARSING = ("parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args")
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")  # `${model.size}`, and not `${resolver:...}` or `${.relative}`


def watch_argparse() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    import argparse  # not above: whatever else of this module is wanted may come before it

    patches = [Patch(argparse.ArgumentParser, name, watch_parsing) for name in _PARSING]
    return [*patches, Forgetting()]


def watch_parsing(call: Call) -> Generator[None, None, None]:
    """Hear what the outermost parsing returns; one that fails ends the script."""
    import argparse

    if not _is_users_parsing(type(call.args[0])):
        return
    yield
    parsed = call.result[0] if isinstance(call.result, tuple) else call.result
    if isinstance(parsed, argparse.Namespace):
        hear_settings(vars(parsed))


def _is_users_parsing(kind: type[Any]) -> bool:
    """Whether the user's code parses: itself, or through a library's class of parsers."""
    its_own = {base.__module__ for base in kind.__mro__[:-1]} - {"argparse"}
    for frame in callers():
        module = frame.f_globals.get("__name__")
        if module == "argparse":
            return False  # a parser inside a parser
        if is_users(frame.f_code):
            return True
        if module not in its_own:
            return False
    return False


def watch_click() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    import click

    return [Tap(click.Command, "invoke", before=_hear_command), Forgetting()]


def _hear_command(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """A command of the user's is about to run; its groups have been heard before it."""
    command, context = args[0], args[1] if len(args) > 1 else kwargs["ctx"]
    function = inspect.unwrap(command.callback) if command.callback is not None else None
    code = getattr(function, "__code__", None)
    if code is not None and is_users(code):
        hidden = {option.name for option in command.params if getattr(option, "hide_input", False)}
        hear_settings({name: value for name, value in context.params.items() if name not in hidden})


def watch_fire() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    from fire import core

    if not hasattr(core, "_ParseArgs"):
        return []
    return [Tap(core, "_ParseArgs", after=_hear_fire), Forgetting()]


def _hear_fire(result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """A function or class is about to be called with these arguments, defaults included."""
    if is_called_by_user(("fire",)):
        names, (values, others, *_) = args[0], result
        hear_settings({**dict(zip(names, values, strict=False)), **others})


def watch_hydra() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    from hydra._internal.callbacks import Callbacks

    return [Tap(Callbacks, "on_job_start", before=_hear_job), Forgetting()]


def _hear_job(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """The task function is about to run with this config, less hydra's own part of it."""
    from omegaconf import OmegaConf

    config = args[1] if len(args) > 1 else kwargs["config"]
    tree = OmegaConf.to_container(config, resolve=False)
    if isinstance(tree, dict):
        tree.pop("hydra", None)
        hear_settings(dict(_leaves(tree, tree)))


def _leaves(node: Mapping[Any, Any], root: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value under its dotted name; a reference to another value is that value, a missing one left out."""
    for name, value in node.items():
        found = _referred(value, root)
        if isinstance(found, dict):
            yield from _leaves(found, root, f"{prefix}{name}.")
        elif found != "???":
            yield f"{prefix}{name}", found


def _referred(value: Any, root: Mapping[Any, Any]) -> Any:
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    found: Any = root
    for name in match[1].split(".") if match else ():
        found = found.get(name) if isinstance(found, dict) else None
    is_value = match is not None and found is not None and not isinstance(found, dict) and "${" not in str(found)
    return found if is_value else value
