"""The model that answers: one version, loaded and checked; and its successor, as soon as the alias means it.

A version is loaded beside the one in use, which goes on answering, and takes its place when it is ready. If it cannot
be loaded, the old one stays and `problem` says why.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from autotrack.errors import ConfigError, nearest
from autotrack.model import Manifest
from autotrack.model.calling import forward, is_module
from autotrack.models import load_model, package_manifest
from autotrack.process import reading_store
from autotrack.registry import Registry, parse
from autotrack.types import ModelVersion

__all__ = ["METHODS", "Loaded", "Served"]

METHODS = ("predict", "predict_proba", "decision_function", "transform")
RETRY_S = 30  # until a version that could not be loaded is tried again: its file may be on its way into the store
log = logging.getLogger("autotrack.serving")


@dataclass(frozen=True)
class Loaded:
    """One version of a model in memory.

    Attributes:
        label: `churn/3`, as a header can carry it.
        inputs: What its data must be; None: nothing is known.
        predict: Give it data of that kind.
        turn: Held while it predicts: where nobody says that its class may predict in two threads at once, one does.
    """

    version: ModelVersion
    manifest: Manifest
    label: str
    inputs: Mapping[str, Any] | None
    predict: Callable[[Any], Any]
    turn: AbstractContextManager[Any]
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Served:
    """What a reference means now. Readers take `current`; only `refresh` changes it."""

    def __init__(self, reference: str, *, method: str | None = None, trust: str | None = None) -> None:
        """Load the model.

        Raises:
            AutotrackError: There is no such model, it cannot be loaded, or not without trust.
        """
        self.reference = parse(reference)
        self.problem: str | None = None
        self._method, self._trust = method, trust
        self._store = reading_store()
        self._registry = Registry(self._store)
        self._failed: tuple[str, float] | None = None  # manifest of the version that could not be loaded, and when
        self.current = self._load(self._registry.resolve(self.reference))

    @property
    def is_fixed(self) -> bool:
        """Whether the reference can never mean another version."""
        return self.reference.version is not None

    def refresh(self) -> None:
        """Change to the version that is meant now, if it is another one.

        Raises:
            Exception: It cannot be found or loaded; `current` is what it was.
        """
        version = self._registry.resolve(self.reference)
        if version.manifest == self.current.version.manifest and version.version == self.current.version.version:
            self.problem = self._failed = None
            return
        if self._failed and self._failed[0] == version.manifest and time.monotonic() - self._failed[1] < RETRY_S:
            return
        self._failed = (version.manifest, time.monotonic())
        self.current = self._load(version)
        self.problem = self._failed = None
        log.info("Changed to version %d of %s.", version.version, version.name)

    def could_not_refresh(self, error: BaseException) -> None:
        """Keep why, and tell it, once."""
        problem = f"Could not change to the version that {self.reference} means now: {type(error).__name__}: {error}"
        if problem != self.problem:
            log.error("%s\nVersion %d goes on answering.", problem, self.current.version.version)
        self.problem = problem

    def _load(self, version: ModelVersion) -> Loaded:
        manifest = Manifest.parse(package_manifest(self._store, version.manifest))
        model = load_model(f"{version.name}/{version.version}", trust=self._trust)
        inputs = (manifest.signature or {}).get("inputs")
        if not inputs:
            log.warning(
                "What the data of %s/%d must be is not on record: it is not checked, and what does not fit is an error "
                "of the model. Register the model with input_example= for that.",
                version.name,
                version.version,
            )
        is_sklearn = manifest.flavor == "sklearn" and manifest.model_class.startswith("sklearn.")
        return Loaded(
            version=version,
            manifest=manifest,
            label=f"{quote(version.name, safe='')}/{version.version}",
            inputs=inputs,
            predict=_predictor(model, self._method),
            turn=nullcontext() if is_sklearn else threading.Lock(),
        )


def _predictor(model: Any, method: str | None) -> Callable[[Any], Any]:
    """What a model is asked with: the method, else its first of METHODS, else the model itself."""
    if method is None and is_module(model):
        return forward(model)
    offered = [name for name in METHODS if callable(getattr(model, name, None))]
    if method is not None and method not in offered:
        raise ConfigError(
            f"The model, a {type(model).__name__}, has no {method}.{nearest(method, offered)}\n"
            f"Expected {' or '.join(offered) or 'no method: it is called'}. Leave --method out, or name one it has."
        )
    if method is None and not offered and not callable(model):
        raise ConfigError(
            f"The model, a {type(model).__name__}, cannot be asked for anything.\n"
            f"Expected one of the methods {', '.join(METHODS)}. Serve a fitted model."
        )
    found: Callable[[Any], Any] = getattr(model, method or offered[0]) if method or offered else model
    return found
