"""What differs between two models: their runs and their packages, side by side.

    print(autotrack.registry.diff("churn@champion", "churn/7"))
    autotrack.registry.diff("churn@champion", "run:0199f3ab").to_dict()

Nothing of a package is run for that: weights are compared as the bytes they are.
"""

from autotrack.diffs import sections, signatures, weights
from autotrack.diffs.shown import Diff, Entry, Section
from autotrack.diffs.sides import side_of

__all__ = ["Diff", "Entry", "Section", "diff"]


def diff(a: str, b: str) -> Diff:
    """What differs between two models: `churn/3`, `churn@champion`, `run:<id>`.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model.
        ModelCorruptedError: A manifest cannot be used.
    """
    one, other = side_of(a), side_of(b)
    return Diff(
        one.label,
        other.label,
        (
            sections.model(one, other),
            sections.params(one, other),
            sections.metrics(one, other),
            sections.data(one, other),
            sections.code(one, other),
            sections.environment(one, other),
            signatures.section(one.manifest.signature, other.manifest.signature),
            sections.files(one, other),
            weights.section(one, other),
        ),
    )
