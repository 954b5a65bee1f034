"""Settings and where each came from: argument > AUTOTRACK_* environment > project file > default.

The project file is `autotrack.toml`, or the table `[tool.autotrack]` of `pyproject.toml`, in the nearest folder
upward from the working directory. The default store is found as git finds its repository.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.errors import ConfigError, nearest
from autotrack.names import check_key, check_name

__all__ = ["PARTS", "STORE_FOLDER", "Setting", "Settings", "is_address", "keep", "load"]

STORE_FOLDER = ".autotrack"
_ADDRESS = re.compile(r"s3://[^/@?#\s]+(/[^?#]*)?")

# What is recorded beside params, status and times, and can be left out.
PARTS = (
    "train_metrics",  # metrics on the training data, from one pass of predictions
    "later_metrics",  # what the user computes after a fit
    "tables",  # what explains a model: importances, confusion, ROC points ...
    "curves",  # metrics per iteration that an estimator keeps
    "candidates",  # the candidates of a search as runs of their own
    "fingerprints",  # of the data; with them missing counts and the overlap of train and test
    "warnings",  # raised during a fit
)

_DEFAULTS: dict[str, Any] = {
    "store": None,  # found from the working directory
    "experiment": "default",
    "libraries": None,  # all that autotrack knows
    "log_models": True,
    "leave_out": (),
    "monitor": None,  # val_loss, else train_loss_epoch
    "keep_models": 3,  # of the trials of a study: those of so many best ones
    "author": None,  # git's user.name, else the login name
}


@dataclass(frozen=True)
class Setting:
    """One setting: its value and the place it was found in."""

    name: str
    value: Any
    origin: str


# What enable() was given, and the store that was found then: what this process recorded is what it reads, also after
# disable() and in whatever folder it works by then.
_in_force: dict[str, Setting] = {}
_ARGUMENT = "argument of enable()"


class Settings:
    """All settings of this process, each with its origin.

    Attributes:
        store: Absolute path of the store's folder, which need not exist yet; or the address of a bucket, as text.
        experiment: Name of the experiment runs belong to unless they say otherwise.
        libraries: Names of the libraries to watch; None: all that are known.
        log_models: Whether fitted models are kept with their runs.
        leave_out: Some of `PARTS`, which are not recorded.
        monitor: The metric that says which weights of a training are the best ones; None: val_loss, else
            train_loss_epoch.
        keep_models: Of how many trials of a study the models are kept, the best ones; None: of all.
        author: Who runs are attributed to; None: git's user.name, else the login name.
    """

    def __init__(self, settings: list[Setting]) -> None:
        self.all = settings
        values = {setting.name: setting.value for setting in settings}
        self.store: Path | str = values["store"] if is_address(values["store"]) else Path(values["store"])
        self.experiment: str = values["experiment"]
        self.libraries: tuple[str, ...] | None = values["libraries"]
        self.log_models: bool = values["log_models"]
        self.leave_out: tuple[str, ...] = values["leave_out"]
        self.monitor: str | None = values["monitor"]
        self.keep_models: int | None = values["keep_models"]
        self.author: str | None = values["author"]


def load(arguments: Mapping[str, Any] | None = None, *, anew: bool = False) -> Settings:
    """The settings in force, or those that would be in force with some arguments.

    Args:
        arguments: Of `enable()`; they go before everything else. None counts as not given.
        anew: Forget what `keep` has kept.

    Raises:
        ConfigError, InvalidNameError: A value cannot be used; the message names its origin.
    """
    file_values, file_name = _project_file()
    kept = {} if anew else _in_force
    found = []
    for name, default in _DEFAULTS.items():
        variable = f"AUTOTRACK_{name.upper()}"
        argument = (arguments or {}).get(name)
        if argument is not None:
            value, origin = argument, _ARGUMENT
        elif name in kept:
            found.append(kept[name])
            continue
        elif os.environ.get(variable):
            value, origin = os.environ[variable], f"environment {variable}"
        elif name in file_values:
            value, origin = file_values[name], file_name
        else:
            value, origin = default, "default"
        found.append(Setting(name, *_checked(name, value, origin)))
    return Settings(found)


def is_address(store: str | os.PathLike[str]) -> bool:
    """Whether a store is in a bucket (`s3://bucket/prefix`) and not in a folder."""
    return "://" in os.fspath(store)


def keep(settings: Settings) -> None:
    """Stay with the arguments among these settings and with their store until they are loaded anew."""
    kept = {each.name: each for each in settings.all if each.name == "store" or each.origin == _ARGUMENT}
    _in_force.clear()
    _in_force.update(kept)


def _checked(name: str, value: Any, origin: str) -> tuple[Any, str]:
    if name == "store":
        return _store_path(value, origin)
    if name == "experiment":
        return check_name("experiment name", value), origin
    if name == "author" and value is not None:
        return check_name("author", value), origin
    if name == "monitor" and value is not None:
        return check_key("metric key", value), origin
    if name == "libraries" and value is not None:
        return _names(value), origin
    if name == "leave_out":
        parts = _names(value)
        for part in parts:
            if part not in PARTS:
                raise ConfigError(
                    f"Setting leave_out has {part!r} (from {origin}).{nearest(part, PARTS)}\n"
                    f"Expected some of: {', '.join(PARTS)}. Correct it there.",
                    setting=name,
                    value=value,
                )
        return parts, origin
    if name == "keep_models":
        return _how_many(value, origin), origin
    if name == "log_models" and not isinstance(value, bool):
        words = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }
        if str(value).lower() not in words:
            raise ConfigError(
                f"Setting log_models is {value!r} (from {origin}).\nExpected true or false. Correct it there.",
                setting=name,
                value=value,
            )
        return words[str(value).lower()], origin
    return value, origin


def _how_many(value: Any, origin: str) -> int | None:
    """`best`, `all` or a number, as a number; None: all."""
    words = {"best": 1, "all": None}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = -1
    if count < 0 or isinstance(value, bool | float):
        raise ConfigError(
            f"Setting keep_models is {value!r} (from {origin}).\n"
            "Expected 'best', 'all', or of how many trials models are kept, such as 5. Correct it there.",
            setting="keep_models",
            value=value,
        )
    return count


def _names(value: Any) -> tuple[str, ...]:
    """Names in a list, or in a text with commas."""
    names = value.split(",") if isinstance(value, str) else value
    return tuple(str(name).strip() for name in names)


def _store_path(value: Any, origin: str) -> tuple[str, str]:
    if value is None:
        return _found_store()
    text = os.fspath(value)
    if is_address(text) or text.startswith("s3:"):
        if not _ADDRESS.fullmatch(text):
            raise ConfigError(
                f"Store {text!r} (from {origin}) is no address that autotrack knows.\n"
                "Expected s3://bucket/prefix, as text (a Path drops a slash), or the path of a folder.",
                setting="store",
                value=text,
            )
        return text.rstrip("/"), origin
    if not text or "\0" in text:
        raise ConfigError(
            f"Store {text!r} (from {origin}) is no path.\nExpected the path of a folder.", setting="store", value=text
        )
    return os.path.abspath(os.path.expanduser(text)), origin


def _found_store() -> tuple[str, str]:
    """The nearest `.autotrack` upward; else where it would be made: the project's root, else the working directory."""
    here = Path.cwd()
    folders = [here, *here.parents]
    for folder in folders:
        if (folder / STORE_FOLDER).is_dir():
            return str(folder / STORE_FOLDER), f"found upward from {here}"
    for folder in folders:
        if (folder / ".git").exists() or (folder / "pyproject.toml").is_file():
            return str(folder / STORE_FOLDER), f"default, in the project root {folder}"
    return str(here / STORE_FOLDER), "default, in the working directory"


def _project_file() -> tuple[dict[str, Any], str]:
    """The settings of the nearest project file and its path; relative stores in it are relative to it."""
    here = Path.cwd()
    for folder in [here, *here.parents]:
        for name in ("autotrack.toml", "pyproject.toml"):
            path = folder / name
            if path.is_file() and (values := _read_toml(path)) is not None:
                if isinstance(values.get("store"), str) and not is_address(values["store"]):
                    values["store"] = str(folder / os.path.expanduser(values["store"]))
                return values, str(path)
    return {}, ""


def _read_toml(path: Path) -> dict[str, Any] | None:
    text = path.read_text("utf-8", "replace")
    if path.name == "pyproject.toml" and "autotrack" not in text:
        return None
    import tomllib

    try:
        table: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path} cannot be read: {error}.\nExpected TOML. Correct the file.", path=str(path)
        ) from None
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("autotrack")
        if table is None:
            return None
    for key in table:
        if key not in _DEFAULTS:
            raise ConfigError(
                f"{path} has the unknown setting {key!r}.{nearest(key, _DEFAULTS)}\n"
                f"Expected some of: {', '.join(_DEFAULTS)}. Correct the file.",
                path=str(path),
                setting=key,
            )
    return dict(table)
