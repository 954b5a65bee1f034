"""`autotrack doctor`: settings and where each came from, the store, the libraries, the last problems."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from autotrack.cli.options import STORE_GIVEN, json_option, store_option

__all__ = ["doctor"]

_SHOWN_PROBLEMS = 5  # the last ones; --json has all that are kept
_UNSET = {"libraries": "all that are known", "author": "git's user.name, else the login name"}


@click.command(short_help="Show settings, store, libraries and last problems.")
@store_option
@click.option("--verbose", "-v", is_flag=True, help="Show the traceback of each problem.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, verbose: bool, as_json: bool) -> None:
    """Show what autotrack uses here and what went wrong; exit code 1 if settings or store have an error.

    \b
    autotrack doctor                  settings, store, libraries, last problems
    autotrack doctor --verbose        with the traceback of each problem
    autotrack doctor --json           the same for programs
    """
    from autotrack import __version__, api
    from autotrack.cli.output import print_json

    findings = {"version": __version__, **api.doctor()}
    for setting in findings["settings"]:
        if setting["name"] == "store" and ctx.meta.get(STORE_GIVEN):
            setting["origin"] = "option --store"
    if as_json:
        print_json(findings)
    else:
        _print(findings, verbose)
    if not findings["ok"]:
        ctx.exit(1)


def _print(findings: dict[str, Any], verbose: bool) -> None:
    from autotrack.cli.output import print_pairs, print_title, tell

    print_title(f"autotrack {findings['version']}, Python {findings['python']}")
    if "error" in findings:
        print_pairs({"error": findings["error"]}, title="settings")
    settings = {each["name"]: f"{_setting_text(each)}    ({each['origin']})" for each in findings["settings"]}
    print_pairs(settings, title="settings")
    print_pairs(_store_facts(findings["store"]), title="store")
    print_pairs({each["name"]: _library_text(each) for each in findings["libraries"]}, title="libraries")
    _print_problems(findings["problems"], verbose)
    if not findings["ok"]:
        tell("Something is wrong here: see the error above.")


def _store_facts(store: dict[str, Any]) -> dict[str, Any]:
    if not store:
        return {}
    facts = {"path": store["path"]}
    if not store["exists"]:
        facts["state"] = "not there yet; made when the first run starts"
    elif "runs" in store:
        facts["runs"] = f"{store['runs']}, of which {store['running']} running"
        facts["models"] = str(store["models"])
        facts["format"] = f"{store['format']}, {'writable' if store['writable'] else 'read-only'}"
    return {**facts, "error": store["error"]} if "error" in store else facts


def _print_problems(problems: Sequence[dict[str, str]], verbose: bool) -> None:
    from autotrack.cli.details import local_time
    from autotrack.cli.output import print_block, print_pairs, tell

    shown = problems[-_SHOWN_PROBLEMS:]
    title = "problems" if len(shown) == len(problems) else f"problems, the last {len(shown)} of {len(problems)}"
    told = [(local_time(datetime.fromisoformat(each["time"])), f"{each['place']}: {each['error']}") for each in shown]
    for number, (time, text) in enumerate(told):
        if verbose:
            print_block(shown[number]["traceback"], title=f"{time}  {text.splitlines()[0]}")
        else:
            print_pairs({time: text}, title="" if number else title)
    if problems and not verbose:
        tell("See the tracebacks with: autotrack doctor --verbose")


def _setting_text(setting: dict[str, Any]) -> str:
    value = setting["value"]
    if value is None:
        return _UNSET.get(setting["name"], "not set")
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _library_text(library: dict[str, Any]) -> str:
    if not library["installed"]:
        return "not installed"
    version = library["version"] or "installed"
    return f"{version}, {'watched' if library['watched'] else 'not watched (the setting libraries leaves it out)'}"
