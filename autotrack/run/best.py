"""What is best of a run: the best value of a metric; of a study or a search, its best child.

run.best("val_loss")            # the smallest of a loss or error, the largest of anything else
study.best.params, study.best.model
"""

from typing import TYPE_CHECKING, Any

from autotrack.errors import DataError, nearest
from autotrack.objectives import best_of_search, directions_of
from autotrack.types import best_of

if TYPE_CHECKING:
    from autotrack.run.record import RunRecord

__all__ = ["Best"]


class Best:
    """Of one run. Called with a metric, its best value; what a run has, of the best child: `best.params`."""

    def __init__(self, owner: "RunRecord") -> None:
        self._owner = owner

    def __call__(self, key: str) -> float:
        """The best value of a metric: the smallest of a loss or error, the largest of anything else.

        Raises:
            DataError: The run has no such metric.
        """
        summaries = self._owner.to_dict()["summary"]
        if key not in summaries:
            raise DataError(
                f"Run {self._owner.id} has no metric {key!r}.{nearest(key, summaries)}\n"
                f"Expected one of: {', '.join(summaries) or '(none was recorded)'}.",
                key=key,
            )
        return best_of(key, summaries[key])

    @property
    def run(self) -> Any:
        """The best trial of a study, the best candidate of a search.

        Raises:
            DataError: There is none, or the study has several objectives.
        """
        row, children = self._owner.with_children()
        found = best_of_search(row, children)
        if found is None:
            raise self._none(len(directions_of(row)))
        return self._owner.opened(found)

    @property
    def model(self) -> dict[str, Any] | None:
        """What is known of its model; of a search that keeps only the refitted one, of that.

        Raises:
            DataError: There is no best one; or the search was told to fit it no more, so nobody has its model.
        """
        best = self.run
        if not best.models and self._owner.params.get("refit") is False:
            raise DataError(
                f"The best of run {self._owner.id} ({self._owner.name}) has no model: the search had refit=False.\n"
                "Expected a search that fits the best candidate once more. "
                "Search with refit=True, or fit a model with run.best.params.",
                run_id=self._owner.id,
            )
        return best.model or self._owner.model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.run, name)

    def __repr__(self) -> str:
        return f"<best of {self._owner!r}>"

    def _none(self, objectives: int) -> DataError:
        who = f"Run {self._owner.id} ({self._owner.name})"
        if objectives > 1:
            return DataError(
                f"{who} has {objectives} objectives, so no trial is the best one.\n"
                "Expected a study with one objective. The best trade-offs are run.trials().front.",
                run_id=self._owner.id,
            )
        return DataError(
            f"{who} has no best trial: none is complete or was chosen, or it is neither a study nor a search.\n"
            "Expected a run with complete trials. Best values of a metric are run.best('val_loss').",
            run_id=self._owner.id,
        )
