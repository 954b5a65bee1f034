"""Run: one training. What is logged to it, how it ends, and what it says of itself.

A run that this process started mirrors its row in memory, so reading it needs no store; a run read back from
the store is the same class. Its status is running, finished, failed (with the error) or killed.
"""

import json
import math
import operator
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from autotrack.errors import DataError, RunFinishedError, nearest
from autotrack.guard import guard
from autotrack.names import check_artifact_name, check_key
from autotrack.run.buffer import now_us
from autotrack.run.recorder import Recorder
from autotrack.run.redact import redact, redact_value
from autotrack.store import NO_EPOCH, Store
from autotrack.store.rows import add_value, apply_patch
from autotrack.types import History, Row, RunStatus, to_datetime
from autotrack.values import decode, encode

__all__ = ["Run"]

_MAX_ERROR = 16_000  # characters of message and traceback kept with a failed run


class Run:
    """One training: params, metrics, tags, artifacts and models, with a start, an end and a status.

    Use `autotrack.start_run()` or `autotrack.get_run()` to have one. As a context manager it ends with its block:
    finished, or failed with the exception that left the block.
    """

    def __init__(self, row: Row, recorder: Callable[[], Recorder], *, is_live: bool = False) -> None:
        self._row = row
        self._recorder_of = recorder
        self._pid = os.getpid() if is_live else 0
        self._user_keys: set[str] = set()
        self.on_finish: list[Callable[[Run], None]] = []
        self._has_model_fit = False

    # ---- what it is

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
        return self._row.get("error")

    @property
    def started_at(self) -> datetime:
        """UTC."""
        return to_datetime(self._row.get("start_ts", 0))

    @property
    def ended_at(self) -> datetime | None:
        """UTC; None while it runs."""
        ended = self._row.get("end_ts")
        return None if ended is None else to_datetime(ended)

    @property
    def author(self) -> str | None:
        """The setting `author`, else git's `user.name`, else the login name."""
        return self._current("author")

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
        types = self._row.get("param_types", {})
        return {key: decode(text, types.get(key)) for key, text in self._row.get("params", {}).items()}

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {key: summary["last"] for key, summary in self._row.get("summary", {}).items()}

    def best(self, key: str) -> float:
        """The best value of a metric: the smallest of a loss or error, the largest of anything else.

        Raises:
            DataError: The run has no such metric.
        """
        summaries = self._row.get("summary", {})
        if key not in summaries:
            raise DataError(
                f"Run {self.id} has no metric {key!r}.{nearest(key, summaries)}\n"
                f"Expected one of: {', '.join(summaries) or '(none was recorded)'}.",
                key=key,
            )
        wants_small = any(
            word in key.lower() for word in ("loss", "error", "mse", "mae", "rmse", "deviance", "perplexity")
        )
        return summaries[key]["min" if wants_small else "max"]

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
    def models(self) -> dict[str, str]:
        """SHA-256 of the manifest of each model of the run, by the model's name."""
        self._finish_writing()
        return dict(self._row.get("models", {}))

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
        """Command line, working directory and the state of the git repository."""
        record = self._process_record()
        return {key: record[key] for key in ("argv", "cwd", "git") if record.get(key) is not None}

    @property
    def environment(self) -> dict[str, Any]:
        """Host, Python, machine and the version of every installed package."""
        record = self._process_record()
        return {key: value for key, value in record.items() if key not in ("argv", "cwd", "git", "author")}

    @property
    def parent(self) -> "Run | None":
        """The run this one belongs to."""
        parent_id = self._row.get("parent_run_id")
        if not parent_id:
            return None
        row = self._flushed_store().rows([parent_id]).get(parent_id)
        return None if row is None else Run(row, self._recorder_of)

    @property
    def children(self) -> "list[Run]":
        """The runs that belong to this one, oldest first."""
        rows = self._flushed_store().rows().values()
        mine = [row for row in rows if row.get("parent_run_id") == self.id]
        return [Run(row, self._recorder_of) for row in sorted(mine, key=operator.itemgetter("run_id"))]

    def history(self, key: str) -> History:
        """All values of a metric, in the order of their steps."""
        return self._flushed_store().points(self.id, key)

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

    # ---- what is logged to it

    def log_param(self, key: str, value: Any) -> None:
        """Record one setting. Numbers, booleans, None, strings, lists and dicts keep their type.

        Raises:
            InvalidNameError: The key is empty, too long or holds control characters.
            RunFinishedError: The run has ended; nothing was recorded.
        """
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record some settings; see `log_param`."""
        self._check_open()
        checked = {check_key("param key", key): value for key, value in params.items()}
        self._user_keys.update(checked)
        self._record_params(checked)

    def log_metric(self, key: str, value: float, step: int | None = None, epoch: int | None = None) -> None:
        """Record one value of a metric; see `log_metrics`."""
        self.log_metrics({key: value}, step=step, epoch=epoch)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None, epoch: int | None = None) -> None:
        """Record the values of some metrics at one step.

        Args:
            metrics: Value by key. NaN and infinities are kept as they are.
            step: Optimizer steps done before this, from 0. None: one more than this key's last.
            epoch: Passes over the training data done before this, from 0.

        Raises:
            DataError: A value is not one number, or step or epoch not an integer.
            InvalidNameError: A key is empty, too long or holds control characters.
            RunFinishedError: The run has ended; nothing was recorded.
        """
        self._check_open()
        checked = {check_key("metric key", key): _number(key, value) for key, value in metrics.items()}
        at_step, at_epoch = _integer("step", step), _integer("epoch", epoch)
        self._user_keys.update(checked)
        for key, value in checked.items():
            self._record_metric(key, value, at_step, at_epoch)

    def set_tag(self, key: str, value: Any) -> None:
        """Tag the run; also after its end."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Tag the run; also after its end."""
        self._patch({"tags": {check_key("tag key", key): redact_value(key, str(value)) for key, value in tags.items()}})

    def log_artifact(self, source: str | os.PathLike[str] | bytes, name: str | None = None) -> None:
        """Keep a file, the files of a folder, or bytes with the run.

        Args:
            source: A path, or the bytes themselves.
            name: What it is called in the run, as a relative path with `/`; for a path, its last part by default.

        Raises:
            DataError: There is no such file, or bytes came without a name.
            InvalidNameError: The name is not a relative path that stays inside the run.
        """
        for artifact, content in _artifact_files(source, name).items():
            with guard("artifact"):
                blobs = self._recorder.buffer.store().blobs
                sha256 = blobs.put(content) if isinstance(content, bytes) else blobs.put_file(content)
                self._patch({"artifacts": {artifact: sha256}})

    def log_figure(self, figure: Any, name: str) -> None:
        """Keep a picture: a matplotlib figure (the name's ending says the format) or anything with `write_html`."""
        from io import BytesIO, StringIO

        if hasattr(figure, "savefig"):
            picture = BytesIO()
            figure.savefig(picture, format=Path(name).suffix.lstrip(".") or "png")
            self.log_artifact(picture.getvalue(), name)
        elif hasattr(figure, "write_html"):
            page = StringIO()
            figure.write_html(page)
            self.log_artifact(page.getvalue().encode(), name)
        else:
            raise DataError(
                f"log_figure was given a {type(figure).__name__}.\nExpected a matplotlib or plotly figure. "
                "Keep other files with log_artifact.",
                value=figure,
            )

    def finish(self, status: RunStatus = "finished", error: BaseException | None = None) -> None:
        """End the run. Ending it again changes nothing."""
        if self.status != "running":
            return
        patch: Row = {"status": status, "end_ts": now_us()}
        if error is not None:
            patch["error"] = _error_text(error)
        self._patch(patch)
        for callback in self.on_finish:
            callback(self)
        self._recorder.buffer.flush_soon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._pid and not self.is_of_this_process:
            return  # a forked child leaves its parent's block
        is_good_exit = isinstance(error, SystemExit) and error.code in (None, 0)
        if error is None or is_good_exit:
            self.finish()
        else:
            self.finish("failed", error)

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

    # ---- for hooks: what the user logged under the same key stays

    def derive_params(self, params: Mapping[str, Any]) -> None:
        """Record settings that a hook has found."""
        self._record_params({key: value for key, value in params.items() if key not in self._user_keys})

    def derive_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics that a hook has found."""
        for key, value in metrics.items():
            if key not in self._user_keys:
                self._record_metric(key, float(value), step, None)

    def describe_data(self, data: Mapping[str, Any]) -> None:
        """Record what the run was trained on."""
        self._patch({"data": {name: json.dumps(description) for name, description in data.items()}})

    def log_package(self, manifest: bytes, files: Mapping[str, bytes], name: str) -> None:
        """Keep a model's package: written by the writer thread, known to the run when it is complete."""

        def write() -> None:
            blobs = self._recorder.buffer.store().blobs
            try:
                for content in files.values():
                    blobs.put(content, durable=False)
                self._patch({"models": {name: blobs.put(manifest, durable=False)}})
            except OSError as error:
                self.lack("model", f"not written: {error}")
                raise

        self._recorder.buffer.later(write, sum(map(len, files.values())))

    def lack(self, what: str, why: str) -> None:
        """Record that something is missing from the record, and why."""
        self._patch({"lacks": {what: redact(why)[:1000]}})

    @property
    def is_of_this_process(self) -> bool:
        """Whether this very process started it: a forked child does not end its parent's run."""
        return self._pid == os.getpid()

    def flush_soon(self) -> None:
        """Write what waits before control goes to native code, which may hold up the writer thread."""
        self._recorder.buffer.flush_soon()

    def claim_fit(self) -> bool:
        """Whether this is the first model fit in the user's run, which is recorded in the run itself."""
        is_first = not self._has_model_fit
        self._has_model_fit = True
        return is_first

    @property
    def store(self) -> Store:
        """The store the run lies in."""
        return self._recorder.buffer.store()

    # ---- inside

    @property
    def _recorder(self) -> Recorder:
        return self._recorder_of()

    def _patch(self, patch: Row) -> None:
        apply_patch(self._row, patch)
        self._recorder.buffer.patch(self.id, patch)

    def _record_params(self, params: Mapping[str, Any]) -> None:
        texts, types = {}, {}
        for key, value in params.items():
            text, types[key] = encode(value)
            texts[key] = redact_value(key, text) if types[key] in ("string", "json") else text
            if texts[key] != text:
                types[key] = "string"
        self._patch({"params": texts, "param_types": types})

    def _record_metric(self, key: str, value: float, step: int | None, epoch: int | None) -> None:
        summaries = self._row.setdefault("summary", {})
        known = summaries.get(key)
        if step is None:
            step = 0 if known is None else known["last_step"] + 1
        summaries[key] = add_value(known, value, step)
        self._recorder.buffer.point(self.id, key, step, value, NO_EPOCH if epoch is None else epoch)

    def _check_open(self) -> None:
        if self.source == "user" and self.status != "running":
            raise RunFinishedError(
                f"Run {self.id} ({self.name}) has ended: it is {self.status}. Nothing was recorded.\n"
                "Expected a run that is still open. Log inside its `with` block; tags can be set at any time.",
                run_id=self.id,
            )

    def _current(self, field: str) -> Any:
        """A field that git or the system may deliver a moment after the start."""
        if field not in self._row and self.is_of_this_process:
            self._row.update(self._recorder.process_fields())
        return self._row.get(field)

    def _process_record(self) -> dict[str, Any]:
        sha256 = self._current("process")
        record: dict[str, Any] = json.loads(self.store.blobs.get(sha256)) if sha256 else {}
        return record

    def _finish_writing(self) -> None:
        if self.is_of_this_process:
            self._recorder.buffer.flush()

    def _flushed_store(self) -> Store:
        self._recorder.buffer.flush()
        return self.store


def _number(key: str, value: Any) -> float:
    if not isinstance(value, str | bytes):
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            pass
    raise DataError(
        f"Metric {key!r} was given {type(value).__name__} {str(value)[:60]!r}.\n"
        "Expected one number. Record text with log_param or set_tag, several numbers one by one.",
        key=key,
        value=value,
    )


def _integer(word: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        if not (isinstance(value, float) and math.isfinite(value) and value == int(value)):
            raise DataError(f"{word} is {value!r}.\nExpected an integer, or None.", value=value) from None
        number = int(value)
    if not -(2**31) < number < 2**63 or (word == "epoch" and number >= 2**31):
        raise DataError(f"{word} is {number}.\nExpected an integer from 0 up.", value=value)
    return number


def _artifact_files(source: str | os.PathLike[str] | bytes, name: str | None) -> dict[str, Path | bytes]:
    """Each file by the name it gets in the run."""
    if isinstance(source, bytes | bytearray):
        if name is None:
            raise DataError("log_artifact was given bytes without a name.\nExpected log_artifact(bytes, name='…').")
        return {check_artifact_name(name): bytes(source)}
    path = Path(source)
    base = check_artifact_name(name if name is not None else path.resolve().name)
    if path.is_file():
        return {base: path}
    if path.is_dir():
        return {
            f"{base}/{file.relative_to(path).as_posix()}": file for file in sorted(path.rglob("*")) if file.is_file()
        }
    raise DataError(
        f"There is no file {str(path)!r}.\nExpected the path of a file or folder, or bytes.", path=str(path)
    )


def _error_text(error: BaseException) -> str:
    from traceback import format_exception

    message = str(error)
    head = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return redact(f"{head}\n\n{''.join(format_exception(error))}")[:_MAX_ERROR]
