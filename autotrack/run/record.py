"""RunRecord: what a run says of itself, alive or read back from the store.

A run that this process started mirrors its row in memory, so reading it needs no store. What is logged to a run, and
how it ends, is `Run` (run.py).
"""

import json
import os
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any, Self

from autotrack.run.best import Best
from autotrack.run.recorder import Recorder
from autotrack.run.tables import TABLES, Table, read_tables
from autotrack.store import Store
from autotrack.types import History, Row, RunStatus, to_datetime
from autotrack.values import params_of

__all__ = ["RunRecord"]

_CODE = ("argv", "cwd", "git", "modules")  # of the process record; the rest is the environment


class RunRecord:
    """The reading half of `Run`."""

    def __init__(self, row: Row, recorder: Callable[[], Recorder], *, is_live: bool = False) -> None:
        self._row = row
        self._recorder_of = recorder
        self._pid = os.getpid() if is_live else 0

    @property
    def id(self) -> str:
        """22 hexadecimal characters; runs sort by start time."""
        return self._row["run_id"]

    @property
    def name(self) -> str:
        """What the run was called, or the class of the estimator it fitted."""
        return self._row.get("name", "")

    @property
    def experiment(self) -> str:
        """The named group of runs it belongs to."""
        return self._row.get("experiment", "default")

    @property
    def status(self) -> RunStatus:
        """running, finished, failed, or killed: the process ended without finishing it."""
        return self._row.get("status", "running")

    @property
    def reason(self) -> str | None:
        """Why the status is what it is, where that is not plain."""
        return self._row.get("reason")

    @property
    def error(self) -> str | None:
        """Type and message of the exception that ended the run, then its traceback."""
        return self._row.get("error") or None

    @property
    def started_at(self) -> datetime:
        """UTC."""
        return to_datetime(self._row.get("start_ts", 0))

    @property
    def ended_at(self) -> datetime | None:
        """UTC; None while it runs."""
        ended = None if self.status == "running" else self._row.get("end_ts")
        return None if ended is None else to_datetime(ended)

    @property
    def author(self) -> str | None:
        """The setting `author`, else git's `user.name`, else the login name."""
        author: str | None = self._current("author")
        return author

    @property
    def host(self) -> str | None:
        """The machine it ran on."""
        return self._row.get("host")

    @property
    def source(self) -> str:
        """Who opened it: `user`, or the library whose fit it is."""
        return self._row.get("source", "user")

    @property
    def params(self) -> dict[str, Any]:
        """What was set before, with its types."""
        return params_of(self._row)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {key: summary["last"] for key, summary in self._summaries().items()}

    @property
    def best(self) -> Best:
        """`run.best("val_loss")`: the best value of a metric; of a study or search, `run.best.params`, `run.best.model`
        and all else that its best trial has as a run.
        """
        return Best(self)

    @property
    def tags(self) -> dict[str, str]:
        """Free words about the run; they may change at any time."""
        return dict(self._row.get("tags", {}))

    @property
    def artifacts(self) -> dict[str, str]:
        """SHA-256 of each file kept with the run, by its name."""
        self._finish_writing()
        return dict(self._row.get("artifacts", {}))

    @property
    def tables(self) -> dict[str, Table]:
        """Small tables that explain the model, by name; each as its columns, such as `{"feature": [...], ...}`."""
        self._finish_writing()
        return self._written_tables()

    @property
    def models(self) -> dict[str, str]:
        """SHA-256 of the manifest of each model of the run, by the model's name."""
        self._finish_writing()
        return {name: sha256 for name, sha256 in self._row.get("models", {}).items() if sha256}

    @property
    def model(self) -> dict[str, Any] | None:
        """What is known of the run's model (flavor, class, files, requirements); None if there is none."""
        models = self.models
        if not models:
            return None
        name = "model" if "model" in models else next(iter(models))
        manifest: dict[str, Any] = json.loads(self.store.blobs.get(models[name]))
        manifest.pop("seal", None)
        return {**manifest, "id": models[name]}

    @property
    def data(self) -> dict[str, Any]:
        """Shape, dtypes and feature names of each array or frame it was trained on."""
        return {name: json.loads(text) for name, text in self._row.get("data", {}).items()}

    @property
    def lacks(self) -> dict[str, str]:
        """What should be on record and is not, each with the reason."""
        self._finish_writing()
        return dict(self._row.get("lacks", {}))

    @property
    def code(self) -> dict[str, Any]:
        """Command line, working directory, state of git, SHA-256 of the script and of your own modules."""
        record = self._process_record()
        return {key: record[key] for key in _CODE if record.get(key) is not None}

    @property
    def environment(self) -> dict[str, Any]:
        """Host, Python, machine and the version of every installed package."""
        record = self._process_record()
        return {key: value for key, value in record.items() if key not in (*_CODE, "author")}

    @property
    def parent(self) -> Self | None:
        """The run this one belongs to."""
        parent_id = self._row.get("parent_run_id")
        if not parent_id:
            return None
        row = self._flushed_store().rows([parent_id]).get(parent_id)
        return None if row is None else self.opened(row)

    @property
    def children(self) -> list[Self]:
        """The runs that belong to this one, oldest first."""
        return [self.opened(row) for row in self._flushed_store().children(self.id)]

    def trials(self) -> Any:
        """The trials of a study, or the candidates of a search, as a table: `query.trials.Trials`."""
        trials = import_module("autotrack.query.trials")  # by name: rooms import downward only
        row, children = self.with_children()
        return trials.Trials(row, children, self.opened)

    def to_study(self) -> Any:
        """An `optuna.Study` in memory, made of the record: for Optuna's plots and importances, or to go on from it.

        Raises:
            DataError: The run is no study.
            MissingLibraryError: Optuna is not installed.
        """
        return import_module("autotrack_integrations.optuna.rebuild").to_study(self)

    def history(self, key: str) -> History:
        """All values of a metric, in the order of their steps."""
        return self._flushed_store().points(self.id, key)

    def plot(self, name: str) -> Any:
        """A picture of one of the run's tables, as `run.plot("roc")`, or of a metric over its steps.

        Returns:
            A `matplotlib.figure.Figure`: notebooks show it, `savefig` writes it. No window is opened.

        Raises:
            DataError: The run has neither a table nor a metric of this name.
            MissingLibraryError: matplotlib is not installed.
        """
        from autotrack.run.plots import draw

        return draw(name, self.tables, list(self.metrics), self.history)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "run_id": self.id,
            "name": self.name,
            "experiment": self.experiment,
            "status": self.status,
            "reason": self.reason,
            "error": self.error,
            "source": self.source,
            "author": self.author,
            "host": self.host,
            "git_commit": self._current("git_commit"),
            "git_dirty": self._current("git_dirty"),
            "started_at": self.started_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "parent_run_id": self._row.get("parent_run_id"),
            "params": self.params,
            "metrics": self.metrics,
            "summary": {key: dict(summary) for key, summary in self._row.get("summary", {}).items()},
            "tags": self.tags,
            "data": self.data,
            "artifacts": self.artifacts,
            "models": self.models,
            "lacks": self.lacks,
        }

    @property
    def store(self) -> Store:
        """The store the run lies in."""
        return self._recorder.buffer.store()

    @property
    def is_of_this_process(self) -> bool:
        """Whether this very process started it: a forked child does not end its parent's run."""
        return self._pid == os.getpid()

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.name!r} {self.status}>"

    def _repr_html_(self) -> str:
        from html import escape

        shown = {
            "status": self.status,
            "started": f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC",
            **self.params,
            **self.metrics,
        }
        cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in shown.items())
        return f"<table><caption>{escape(self.name)} {escape(self.id)}</caption>{cells}</table>"

    # ---- for what else reads a run

    def with_children(self) -> tuple[Row, list[Row]]:
        """The row as it is on record now, and those of its children, oldest first."""
        store = self._flushed_store()
        return store.rows([self.id]).get(self.id, self._row), store.children(self.id)

    def opened(self, row: Row) -> Self:
        """The run of another row of the same store."""
        return type(self)(row, self._recorder_of)

    # ---- inside

    @property
    def _recorder(self) -> Recorder:
        return self._recorder_of()

    def _current(self, field: str) -> Any:
        """A field that git or the system may deliver a moment after the start."""
        if field not in self._row and self.is_of_this_process:
            self._row.update(self._recorder.process_fields())
        return self._row.get(field)

    def _process_record(self) -> dict[str, Any]:
        sha256 = self._current("process")
        record: dict[str, Any] = json.loads(self.store.blobs.get(sha256)) if sha256 else {}
        return record

    def _written_tables(self) -> dict[str, Table]:
        sha256 = self._row.get("artifacts", {}).get(TABLES)
        return {} if sha256 is None else read_tables(self.store.blobs.get(sha256))

    def _summaries(self) -> dict[str, Any]:
        if self.is_of_this_process:
            self._recorder.buffer.collect()
        summaries: dict[str, Any] = self._row.get("summary", {})
        return summaries

    def _finish_writing(self) -> None:
        if self.is_of_this_process:
            self._recorder.buffer.flush()

    def _flushed_store(self) -> Store:
        self._recorder.buffer.flush()
        return self.store
