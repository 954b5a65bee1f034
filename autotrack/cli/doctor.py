"""`autotrack doctor`: settings and where each came from, the store, the libraries, the last problems."""

from typing import Any

import click

from autotrack.cli.options import json_option, store_option

__all__ = ["doctor"]

_SHOWN_PROBLEMS = 5  # the last ones; --json has all that are kept


@click.command(short_help="Show settings, store, libraries and last problems.")
@store_option
@click.option("--verbose", "-v", is_flag=True, help="Show the traceback of each problem.")
@json_option
@click.pass_context
def doctor(context: click.Context, verbose: bool, as_json: bool) -> None:
    """Show what autotrack uses here and what went wrong; exit code 1 if nothing can be recorded.

    \b
    autotrack doctor                  settings, store, libraries, last problems
    autotrack doctor --verbose        with the traceback of each problem
    autotrack doctor --json           the same for programs
    """
    from autotrack import __version__, api
    from autotrack.cli.output import print_json

    findings = {"version": __version__, **api.doctor()}
    if as_json:
        print_json(findings)
    else:
        _print(findings, verbose)
    if not findings["ok"]:
        context.exit(1)


def _print(findings: dict[str, Any], verbose: bool) -> None:
    from autotrack.cli.output import print_pairs, print_title, tell

    print_title(f"autotrack {findings['version']}")
    print_pairs({key: findings[key] for key in ("python", "platform") if key in findings})
    settings = {each["name"]: f"{_setting_text(each['value'])}    ({each['origin']})" for each in findings["settings"]}
    print_pairs(settings, title="settings")
    print_pairs(findings["store"], title="store")
    print_pairs({each["name"]: _library_text(each) for each in findings["libraries"]}, title="libraries")
    problems = findings["problems"]
    shown = problems if verbose else problems[-_SHOWN_PROBLEMS:]
    title = "problems" if len(shown) == len(problems) else f"problems, the last {len(shown)} of {len(problems)}"
    for number, problem in enumerate(shown):
        told = f"{problem['place']}: {problem['error']}"
        text = f"{told}\n{problem.get('traceback', '').rstrip()}" if verbose else told
        print_pairs({problem["time"]: text}, title="" if number else title)
    if problems and not verbose:
        tell("See the tracebacks with: autotrack doctor --verbose")
    if not findings["ok"]:
        tell("Nothing can be recorded here; the reason stands above.")


def _setting_text(value: Any) -> str:
    return "not set" if value is None else ", ".join(value) if isinstance(value, list | tuple) else str(value)


def _library_text(library: dict[str, Any]) -> str:
    version = library.get("version") or ("installed" if library.get("installed") else "not installed")
    return f"{version}, {'watched' if library.get('integration') else 'no integration'}"
