"""Run: one training. What is logged to it and how it ends: finished, failed (with the error) or killed."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, get_args

from autotrack.errors import DataError, RunFinishedError, nearest
from autotrack.guard import guard
from autotrack.names import by_key, check_key
from autotrack.run.buffer import now_us
from autotrack.run.children import Children
from autotrack.run.held import Held, write_package
from autotrack.run.inputs import artifact_files, error_text, integer, number, param_fields, tag_texts
from autotrack.run.record import RunRecord
from autotrack.run.recorder import Recorder
from autotrack.run.redact import redact
from autotrack.run.tables import TABLES, Table, write_tables
from autotrack.store import NO_EPOCH
from autotrack.store.rows import add_value, apply_patch
from autotrack.types import Row, RunStatus

__all__ = ["Point", "Run"]

Point = tuple[str, int, int, float, int]  # metric, step, microseconds since 1970, value, epoch (or NO_EPOCH)

_ENDS = tuple(status for status in get_args(RunStatus) if status != "running")


class Run(RunRecord):
    """One training: params, metrics, tags, artifacts and models, with a start, an end and a status.

    Use `autotrack.start_run()` or `autotrack.get_run()` to have one. As a context manager it ends with its block:
    finished, or failed with the exception that left the block. A run that had ended goes on in the block; one that goes
    on in another process can be logged to in the block, and is left to that process.
    """

    def __init__(self, row: Row, recorder: Callable[[], Recorder], *, is_live: bool = False) -> None:
        super().__init__(row, recorder, is_live=is_live)
        self._user_keys: set[str] = set()
        self.on_finish: list[Callable[[Run], None]] = []
        self._unclaimed = ["fit"]
        self.held: Held | None = None  # of a trial, and of the runs inside it: its models wait there
        self._leave: Callable[[], None] | None = None  # of a block in a run of another process

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
        checked = {check_key("param key", key): value for key, value in by_key("Params", params)}
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
            DataError: They have no keys, a value is not one number, or step or epoch not an integer.
            InvalidNameError: A key is empty, too long or holds control characters.
            RunFinishedError: The run has ended; nothing was recorded.
        """
        self._check_open()
        known = self._user_keys
        checked = {
            key if key in known else check_key("metric key", key): value if type(value) is float else number(key, value)
            for key, value in by_key("Metrics", metrics)
        }
        known.update(checked)
        self._record_metrics(checked, integer("step", step), integer("epoch", epoch))

    def set_tag(self, key: str, value: Any) -> None:
        """Tag the run; also after its end."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Tag the run; also after its end."""
        self._patch({"tags": tag_texts(tags)})

    def log_artifact(self, source: str | os.PathLike[str] | bytes, name: str | None = None) -> None:
        """Keep a file, the files of a folder, or bytes with the run.

        Args:
            source: A path, or the bytes themselves.
            name: What it is called in the run, as a relative path with `/`; for a path, its last part by default.

        Raises:
            DataError: There is no such file, or bytes came without a name.
            InvalidNameError: The name is not a relative path that stays inside the run.
        """
        for artifact, content in artifact_files(source, name).items():
            with guard("artifact"):
                try:
                    blobs = self._recorder.buffer.store().blobs
                    sha256 = blobs.put(content) if isinstance(content, bytes) else blobs.put_file(content)
                except OSError as error:
                    self.lack(f"artifact {artifact}", f"not written: {error}")
                    raise
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

    def log_model(self, model: Any, name: str = "model") -> None:
        """Keep a model with the run: pickled now, written in the background.

        Raises:
            ModelSaveError: It cannot be turned into a package.
            InvalidNameError: The name cannot be used.
            RunFinishedError: The run has ended; nothing was recorded.
        """
        from autotrack.model import pack

        self._check_open()
        package = pack(model, name=name, run_id=self.id)
        self._write_package(package.manifest, package.files, name)

    def finish(self, status: RunStatus = "finished", error: BaseException | None = None) -> None:
        """End the run. Ending it again changes nothing.

        Args:
            status: finished, failed or killed.
            error: Why it failed; its type, message and traceback are kept.

        Raises:
            DataError: There is no such status, or it is not one a run can end with.
        """
        if status not in _ENDS:
            raise DataError(
                f"A run cannot end as {status!r}.{nearest(str(status), _ENDS)}\nExpected one of: {', '.join(_ENDS)}.",
                status=status,
            )
        if self.status != "running":
            return
        patch: Row = {"status": status, "end_ts": now_us()}
        if error is not None:
            patch["error"] = error_text(error)
        self._patch(patch)
        for callback in self.on_finish:
            callback(self)
        if not self.write_if_doomed():
            self._recorder.buffer.flush_soon()

    def __enter__(self) -> Self:
        from autotrack.run import current

        if self.status != "running":
            self._pid = os.getpid()
            self._patch({"status": "running", "error": ""})
            current.enter(self)
        elif not self._pid:
            self._leave = current.join(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._leave is not None:
            self._leave()
            self._leave = None
            return
        if self._pid and not self.is_of_this_process:
            return  # a forked child leaves its parent's block
        is_good_exit = isinstance(error, SystemExit) and error.code in (None, 0)
        if error is None or is_good_exit:
            self.finish()
        else:
            self.finish("failed", error)

    # ---- for hooks: what the user logged under the same key stays

    def derive_params(self, params: Mapping[str, Any]) -> None:
        """Record settings that a hook has found."""
        self._record_params({key: value for key, value in params.items() if key not in self._user_keys})

    def derive_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics that a hook has found."""
        found = {key: float(value) for key, value in metrics.items() if key not in self._user_keys}
        self._record_metrics(found, step, None)

    def derive_series(self, series: Mapping[str, Sequence[float]], steps: Sequence[int] | None = None) -> None:
        """Record metrics that a hook has found, each with its values at these steps; None: 0, 1, 2 ..."""
        summaries = self._row.setdefault("summary", {})
        for key, values in series.items():
            if key not in self._user_keys:
                at = range(len(values)) if steps is None else steps
                points = [(key, step, float(value)) for step, value in zip(at, values, strict=True)]
                for _, step, value in points:
                    summaries[key] = add_value(summaries.get(key), value, step)
                self._recorder.buffer.points(self.id, points, NO_EPOCH)

    def derive_points(self, points: Sequence[Point]) -> None:
        """Record values of metrics that a hook has found, each with its step, moment and epoch."""
        summaries = self._row.setdefault("summary", {})
        known = self._user_keys
        kept = [point for point in points if point[0] not in known] if known else points
        for key, step, _, value, _ in kept:
            summary = summaries.get(key)
            if summary is not None and summary["min"] <= value <= summary["max"] and step >= summary["last_step"]:
                summary["last"], summary["last_step"] = value, step
                summary["count"] += 1
            else:
                summaries[key] = add_value(summary, value, step)
        if kept:
            self._recorder.buffer.timed_points(self.id, kept)

    def add_source(self, source: Callable[[], None]) -> Callable[[], None]:
        """Until the run is finished, ask a hook for its points before anything is written; call what is returned when
        it has some.
        """
        buffer = self._recorder.buffer
        buffer.add_source(source)
        self.on_finish.append(lambda _: buffer.remove_source(source))
        return buffer.wake

    def start_children(self, source: str) -> Children:
        """For a hook that records many children of this run in passing."""
        return Children(self._recorder, self.id, self.experiment, source)

    def describe_data(self, data: Mapping[str, Any]) -> None:
        """Record what the run was trained on."""
        self._patch({"data": {name: json.dumps(description) for name, description in data.items()}})

    def derive_tables(self, make: Callable[[], Mapping[str, Table]]) -> None:
        """Record small tables, as the artifact `tables.json`.

        Args:
            make: Makes them, on a thread of ours: what it reads must stay as it is.
        """

        def write() -> None:
            tables = {**self._written_tables(), **make()}
            if tables:
                content = write_tables(tables)
                try:
                    sha256 = self._recorder.buffer.store().blobs.put(content, durable=False)
                except OSError as error:
                    self.lack("tables", f"not written: {error}")
                    raise
                self._patch({"artifacts": {TABLES: sha256}})

        self._recorder.buffer.later(write)

    def log_package(self, manifest: bytes, files: Mapping[str, bytes], name: str) -> None:
        """Keep a model's package that a hook has made: of a trial, if it is among the best."""
        if self.held is not None:
            self.held.take(self, manifest, files, name)
        else:
            self._write_package(manifest, files, name)

    def know_model(self, name: str, manifest_sha: str) -> None:
        """A model's package is complete in the store."""
        self._patch({"models": {name: manifest_sha}})

    def drop_model(self, name: str, why: str) -> None:
        """A model of the run is no longer kept."""
        self._patch({"models": {name: ""}, "lacks": {"model": why}})

    def reopen(self) -> None:
        """Go on with a run of this process that had ended; nothing if it has not."""
        if self.status != "running":
            self.stay_running()

    def stay_running(self) -> None:
        """Say once more that it goes on: another process that works on it may have ended its part, or died."""
        self._patch({"status": "running", "error": ""})

    def soon(self, task: Callable[[], None]) -> None:
        """Run a task on a thread of ours, before anything is read. Takes no lock: may be called wherever it be."""
        self._recorder.buffer.later_without_lock(task)

    def lack(self, what: str, why: str) -> None:
        """Record that something is missing from the record, and why."""
        self._patch({"lacks": {what: redact(why)[:1000]}})

    def flush_soon(self) -> None:
        """Write what waits before control goes to native code, which may hold up the writer thread."""
        self._recorder.buffer.flush_soon()

    def write_if_doomed(self) -> bool:
        """Write what waits if a signal may end this process at any time; whether that is so.

        It is in a child of multiprocessing: a pool ends its workers as soon as it has the results.
        """
        processes = sys.modules.get("multiprocessing.process")
        is_doomed = processes is not None and processes.parent_process() is not None
        if is_doomed:
            self._recorder.flush()
        return is_doomed

    @property
    def keeps_models(self) -> bool:
        """Whether models are kept where it is recorded."""
        return self._recorder.log_models

    def claim_fit(self) -> bool:
        """Whether this is the first model fit in the user's run, which is recorded in the run itself."""
        try:
            self._unclaimed.pop()  # of many threads one gets it
        except IndexError:
            return False
        return True

    # ---- inside

    def _write_package(self, manifest: bytes, files: Mapping[str, bytes], name: str) -> None:
        """Written by the writer thread, known to the run when it is complete."""
        size_bytes = sum(map(len, files.values()))

        def write() -> None:
            write_package(self, manifest, files, name)

        self._recorder.buffer.later(write, size_bytes)

    def _patch(self, patch: Row) -> None:
        apply_patch(self._row, patch)
        self._recorder.buffer.patch(self.id, patch)

    def _record_params(self, params: Mapping[str, Any]) -> None:
        self._patch(param_fields(params))

    def _record_metrics(self, metrics: Mapping[str, float], step: int | None, epoch: int | None) -> None:
        summaries = self._row.setdefault("summary", {})
        points = []
        for key, value in metrics.items():
            known = summaries.get(key)
            at = step if step is not None else 0 if known is None else known["last_step"] + 1
            summaries[key] = add_value(known, value, at)
            points.append((key, at, value))
        if points:
            self._recorder.buffer.points(self.id, points, NO_EPOCH if epoch is None else epoch)

    def _check_open(self) -> None:
        if self.source == "user" and self.status != "running":
            raise RunFinishedError(
                f"Run {self.id} ({self.name}) has ended: it is {self.status}. Nothing was recorded.\n"
                "Expected a run that is still open. Log inside its `with` block; tags can be set at any time.",
                run_id=self.id,
            )
