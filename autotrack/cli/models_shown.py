"""What `autotrack models` shows: models, versions, one version in full, an event as a sentence."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from autotrack.errors import AutotrackError
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.registry import Event, Registry
    from autotrack.store import Store

__all__ = ["as_json_of", "asked_before", "open_store", "print_models", "print_version", "print_versions", "told"]

_NO_INPUT = "not known, so not checked. To record it: register_model(..., input_example=X[:3])"


def print_models(found: Mapping[str, Sequence[ModelVersion]]) -> None:
    """A line for each model."""
    from autotrack.cli.details import local_time
    from autotrack.cli.output import Column, print_table

    columns = [
        Column("name", least=12),
        Column("aliases", least=12),
        Column("newest", is_number=True),
        Column("created", goes=1),
        Column("versions", is_number=True, goes=1),
    ]
    lines = []
    for name, versions in found.items():
        aliases = ", ".join(f"@{alias} = {number}" for alias, number in _aliases(versions).items())
        newest = versions[0]
        lines.append(
            [name, aliases or "-", str(newest.version), local_time(newest.created_at)[:16], str(len(versions))]
        )
    print_table(columns, lines)


def print_versions(name: str, versions: Sequence[ModelVersion], as_of: str | None = None) -> None:
    """A line for each version of a model."""
    from autotrack.cli.details import local_time
    from autotrack.cli.output import Column, print_table, print_title, tell

    print_title(name if as_of is None else f"{name} as of {as_of}")
    if not versions and as_of is not None:
        tell(f"There were no versions then. See what there was when with: autotrack models history {name}")
        return
    if not versions:
        tell(f"No versions are left, all were deleted. See how with: autotrack models history {name}")
        return
    columns = [
        Column("version", is_number=True),
        Column("aliases", least=10),
        Column("created"),
        Column("run"),
        Column("by", least=8, goes=1),
        Column("description", least=12, goes=1),
        Column("tags", least=8, goes=1),
    ]
    lines = [
        [
            str(each.version),
            ", ".join(f"@{alias}" for alias in each.aliases) or "-",
            local_time(each.created_at)[:16],
            each.run_id or "-",
            each.created_by,
            each.description or "-",
            ", ".join(f"{key}={value}" for key, value in each.tags) or "-",
        ]
        for each in versions
    ]
    print_table(columns, lines)


def print_version(registry: "Registry", version: ModelVersion, as_json: bool) -> None:
    """All there is of a version."""
    from autotrack.cli.details import local_time, package_facts
    from autotrack.cli.output import print_json, print_pairs, print_title

    store, origin = registry.store, registry.origin_of(version)
    if as_json:
        about = {**version.to_dict(), "origin": origin}
        try:
            print_json({**about, "package": _package_json(store, version.manifest)})
        except RecursionError:
            print_json({**about, "package": {"damaged": "Its manifest is nested too deeply."}})
        return
    reference = f"{version.name}/{version.version}"
    print_title(reference)
    about = {
        "aliases": ", ".join(f"@{alias}" for alias in version.aliases),
        "description": version.description,
        "created": f"{local_time(version.created_at)} by {version.created_by}",
        "imported": f"was {origin['name']}/{origin['version']}, registered by {origin['created_by']}" if origin else "",
        "run": _run_text(version.run_id, is_here=origin is None),
        "load it": f'autotrack.load_model("{reference}")',
    }
    print_pairs({name: text for name, text in about.items() if text})
    print_pairs(dict(version.tags), title="tags")
    facts = package_facts(store, version.manifest)
    if "damaged" not in facts:  # "input" keeps its place, where there is one
        facts = {"class": facts["class"], "input": _NO_INPUT, **facts, "sealed": _sealed_text(store, version.manifest)}
    print_pairs(facts, title="package")


def _package_json(store: "Store", manifest_sha: str) -> dict[str, Any]:
    """What a manifest says, without its seal; of one that cannot be read, why."""
    from autotrack.model.manifest import MOST_BYTES, Manifest

    try:
        data = store.blobs.get(manifest_sha, most_bytes=MOST_BYTES)
        Manifest.parse(data)
    except AutotrackError as error:
        return {"damaged": str(error)}
    package: dict[str, Any] = json.loads(data)
    return {key: package[key] for key in package if key != "seal"}


def _sealed_text(store: "Store", manifest_sha: str) -> str:
    """Who made a package, and so whether it loads with no question here."""
    from autotrack.model import trust
    from autotrack.model.manifest import Manifest

    manifest = Manifest.parse(store.blobs.get(manifest_sha))
    origin = trust.provenance(manifest.body, None if manifest.seal is None else dict(manifest.seal))
    return {
        "own": "by you",
        "believed": "by a key you took in: autotrack keys",
        "foreign": "by a key that is not here: autotrack.load_model says what loads, and what it takes",
        "changed": "no more: it was changed afterwards, and is not loaded",
        "unsealed": "no: whoever loads it must say trust=",
    }[origin]


def _run_text(run_id: str | None, *, is_here: bool) -> str:
    if run_id is None:
        return ""
    return f"{run_id}, see it with: autotrack show {run_id}" if is_here else f"{run_id}, of the store it comes from"


def told(event: "Event") -> str:
    """An event as a sentence."""
    detail: Any = event.detail
    version = detail.get("version")
    sentences = {
        "register": lambda: (
            f"registered version {version}"
            + (f" of run {detail['run_id']}" if detail["run_id"] else "")
            + (
                f", imported from {detail['origin']['name']}/{detail['origin']['version']}"
                if "origin" in detail
                else ""
            )
        ),
        "alias": lambda: _moved(detail),
        "unalias": lambda: f"@{detail['alias']} removed, was version {detail['from']}",
        "tag": lambda: (
            f"version {version}: tag {detail['key']} "
            + ("removed" if detail["value"] is None else f"= {detail['value']}")
        ),
        "describe": lambda: f"version {version}: described as {detail['description']}",
        "delete": lambda: f"deleted version {version}",
    }
    return sentences[event.op]() if event.op in sentences else event.op


def _moved(detail: Any) -> str:
    """A move of an alias, with the gate it passed and the reason that was given."""
    verb = "rolled back to" if detail.get("rollback") else "now means"
    said = f"@{detail['alias']} {verb} version {detail['to']}" + (
        f", before {detail['from']}" if detail["from"] else ""
    )
    if gate := detail.get("gate"):
        answer = "held" if gate["passed"] else "did not hold, promoted all the same"
        said += f"; the gate `{gate['rule']}` {answer}"
        said += "".join(f". {note.rstrip('.')}" for note in (*gate["reasons"], *gate["warnings"], *gate["notes"]))
    return said + (f"; reason: {detail['reason']}" if detail.get("reason") else "")


def open_store() -> "Store":
    """The store in force."""
    from autotrack import config
    from autotrack.store import Store

    return Store.open(config.load().store)


def asked_before(ctx: click.Context) -> bool:
    """Whether --json stood before the command, as in `models --json show churn`."""
    return ctx.parent is not None and bool(ctx.parent.params.get("as_json"))


def as_json_of(name: str, versions: Sequence[ModelVersion]) -> dict[str, Any]:
    """A model as plain values."""
    return {"name": name, "aliases": _aliases(versions), "versions": [each.to_dict() for each in versions]}


def _aliases(versions: Sequence[ModelVersion]) -> dict[str, int]:
    """Version by alias."""
    return dict(sorted((alias, version.version) for version in versions for alias in version.aliases))
