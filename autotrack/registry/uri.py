"""References to models, read and printed: `churn@champion`, `churn/3`, `run:<id>/model`, and as MLflow spells them.

| reference                                        | means                                        |
|--------------------------------------------------|----------------------------------------------|
| `churn`, `churn@latest`, `models:/churn/latest`  | the newest version of a registered model     |
| `churn/3`, `models:/churn/3`                     | exactly this version                         |
| `churn@champion`, `models:/churn@champion`       | the version an alias points at               |
| `run:<id>`, `run:<id>/model`, `runs:/<id>/model` | a model of a run, by the name it has there   |
"""

import re
from dataclasses import dataclass
from typing import Literal

from autotrack.errors import InvalidNameError
from autotrack.names import check_artifact_name, check_key, check_model_name

__all__ = ["LATEST", "ModelRef", "parse"]

LATEST = "latest"
_MOST_SHOWN = 80  # characters of a reference that an error repeats
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_NUMBER_AS_ALIAS = re.compile(r"[vV]?([0-9]+)")


@dataclass(frozen=True)
class ModelRef:
    """Which model is meant. Of kind "model": the newest version if neither `version` nor `alias` is given.

    Attributes:
        run_id: Of kind "run": a run's id or the start of one.
        artifact: Of kind "run": what the model is called in its run; None: its only one.
    """

    kind: Literal["model", "run"]
    name: str | None = None
    version: int | None = None
    alias: str | None = None
    run_id: str | None = None
    artifact: str | None = None

    def __str__(self) -> str:
        if self.kind == "run":
            return f"run:{self.run_id}" + (f"/{self.artifact}" if self.artifact else "")
        if self.version is not None:
            return f"{self.name}/{self.version}"
        return f"{self.name}@{self.alias}" if self.alias else str(self.name)


def parse(reference: object) -> ModelRef:
    """What a reference means; whether it exists is another question.

    Raises:
        InvalidNameError: It has none of the forms above.
    """
    if not isinstance(reference, str) or not reference.strip():
        raise _malformed(reference, "it is not text" if not isinstance(reference, str) else "it is empty")
    scheme, colon, rest = reference.partition(":")
    if not colon:
        return _model(reference, reference)
    if scheme == "models" and rest.startswith("/"):
        return _model(reference, rest.lstrip("/"))
    if scheme == "runs" and rest.startswith("/"):
        return _run(reference, rest.lstrip("/"))
    if scheme == "run" and not rest.startswith("/"):
        return _run(reference, rest)
    raise _malformed(reference, f"{scheme + ':' + rest[:1]!r} is no known start")


def _model(reference: str, text: str) -> ModelRef:
    if "@" in text:
        name, _, alias = text.partition("@")
        if number := _NUMBER_AS_ALIAS.fullmatch(alias):
            raise _malformed(reference, f"a version is written {name}/{number[1]}")
        return ModelRef("model", _name(reference, name), alias=_alias(reference, alias))
    name, slash, version = text.partition("/")
    if not slash or version == LATEST:
        return ModelRef("model", _name(reference, name))
    if not _VERSION.fullmatch(version):
        raise _malformed(reference, f"{version!r} is not a version number")
    return ModelRef("model", _name(reference, name), version=int(version))


def _run(reference: str, text: str) -> ModelRef:
    run_id, slash, artifact = text.partition("/")
    if not run_id.strip():
        raise _malformed(reference, "it names no run")
    if slash and not artifact:
        raise _malformed(reference, "there is nothing after the '/'")
    return ModelRef(
        "run", run_id=check_key("run id", run_id), artifact=check_artifact_name(artifact) if slash else None
    )


def _name(reference: str, name: str) -> str:
    if not name.strip():
        raise _malformed(reference, "it names no model")
    return check_model_name("model name", name)


def _alias(reference: str, alias: str) -> str | None:
    if not alias.strip():
        raise _malformed(reference, "there is no alias after the '@'")
    return None if alias == LATEST else check_model_name("alias", alias)


def _malformed(reference: object, why: str) -> InvalidNameError:
    shown = repr(reference)
    shown = shown if len(shown) <= _MOST_SHOWN else shown[: _MOST_SHOWN - 3] + "..."
    return InvalidNameError(
        f"Invalid model reference {shown}: {why}.\n"
        "Expected name, name@alias, name/number, run:<id> or run:<id>/name (or models:/… and runs:/… as in MLflow).",
        reference=reference,
    )
