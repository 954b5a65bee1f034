"""Plain values shared by all rooms."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

__all__ = ["History", "ModelVersion", "Row", "RunStatus", "Summary", "best_of", "to_datetime"]

RunStatus = Literal["running", "finished", "failed", "killed"]


class Summary(TypedDict):
    """What is known of one metric of one run without reading its points. NaN is left out of min and max."""

    last: float
    min: float
    max: float
    last_step: int
    count: int


_LOWER_IS_BETTER = re.compile(
    r"^(?!.*(?:^|[^a-z0-9])neg_)"  # scikit-learn's neg_log_loss and the like are turned round: greater is better
    r".*(?:loss|error|perplexity|deviance|regret"
    r"|(?:^|[^a-z])(?:err|mae|mse|rmse|msle|rmsle|mape|smape|nll|wer|cer|fid|bpc|brier)(?:$|[^a-z]))"
)


def best_of(key: str, summary: Summary) -> float:
    """The least value of what is a loss or an error by its name, the greatest of anything else."""
    return summary["min"] if is_lower_better(key) else summary["max"]


def is_lower_better(key: str) -> bool:
    """Whether a metric is a loss or an error, by its name."""
    return _LOWER_IS_BETTER.search(key.lower()) is not None


class Row(TypedDict, total=False):
    """One run, as the store gives it back. Times are microseconds since 1970, UTC.

    A *patch* is a part of a row: its fields replace those of the row, its maps are merged into them.
    """

    run_id: str
    experiment: str
    name: str
    parent_run_id: str
    source: str
    status: RunStatus
    reason: str
    error: str
    host: str
    author: str
    git_commit: str
    git_dirty: bool
    start_ts: int
    end_ts: int
    updated_ts: int
    params: dict[str, str]
    param_types: dict[str, str]
    tags: dict[str, str]
    summary: dict[str, Summary]
    artifacts: dict[str, str]
    models: dict[str, str]
    data: dict[str, str]
    lacks: dict[str, str]
    process: str
    deleted: bool


@dataclass(frozen=True)
class History:
    """The points of one metric of one run, in the order of their steps."""

    steps: Sequence[int]
    epochs: Sequence[int | None]
    times: Sequence[datetime]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class ModelVersion:
    """One immutable, numbered package of a registered model.

    Attributes:
        manifest: SHA-256 of the package's manifest, which names each file by its own SHA-256.
        run_id: The run that made the model, if one did.
    """

    name: str
    version: int
    manifest: str
    created_at: datetime
    created_by: str
    run_id: str | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    description: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            **self.__dict__,
            "created_at": self.created_at.isoformat(),
            "aliases": list(self.aliases),
            "tags": dict(self.tags),
        }


def to_datetime(microseconds: int) -> datetime:
    """Microseconds since 1970 as an aware UTC datetime."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)
