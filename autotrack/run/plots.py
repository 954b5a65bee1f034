"""Pictures of a run's tables and curves, drawn on demand by matplotlib: `run.plot("roc")`.

A figure is made without pyplot: no backend is chosen, no window opens, nothing of the user's figures changes. A
notebook shows what `run.plot` returns; `figure.savefig("roc.png")` keeps it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotrack.errors import DataError, MissingLibraryError, nearest
from autotrack.run.tables import Table
from autotrack.types import History

__all__ = ["draw"]

_MAX_BARS = 30  # features that one picture can name
_MAX_NUMBERED = 15  # classes up to which each cell of a confusion matrix has its number
_MAX_LINES = 20  # classes or outputs that one picture can tell apart
_TITLES = {"confusion": "confusion matrix", "precision_recall": "precision and recall", "roc": "ROC"}


def draw(name: str, tables: Mapping[str, Table], metrics: Sequence[str], history: Callable[[str], History]) -> Any:
    """A `matplotlib.figure.Figure` of one of a run's tables, or of a metric over its steps.

    Args:
        metrics: Names of the run's metrics.
        history: All values of one of them.

    Raises:
        DataError: The run has neither a table nor a metric of this name.
        MissingLibraryError: matplotlib is not installed.
    """
    if name not in tables and name not in metrics:
        known = [*tables, *metrics]
        raise DataError(
            f"There is nothing called {name!r} to plot.{nearest(name, known)}\n"
            f"Expected one of: {', '.join(known) or '(nothing was recorded)'}.",
            name=name,
        )
    figure = _new_figure()
    axes = figure.add_subplot()
    if name in tables:
        kind = _kind(name)
        drawn = _DRAWN.get(kind, _draw_columns)(axes, tables[name])
        axes.set_title(drawn or name.replace("_", " ").replace(kind, _TITLES.get(kind, kind)))
    else:
        _draw_metric(axes, name, metrics, history)
    return figure


def _kind(name: str) -> str:
    """What a table is of: `roc` for `roc`, `test_roc`, `test_roc_2`."""
    bare = re.sub(r"_\d+$", "", name)
    return next((kind for kind in _DRAWN if bare == kind or bare.endswith(f"_{kind}")), name)


def _new_figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingLibraryError(
            "run.plot draws with matplotlib, which is not installed.\n"
            "Install it with: pip install matplotlib. The data is there without it: run.tables, run.history(key)."
        ) from error
    return Figure(figsize=(6.4, 4.8), layout="constrained")


def _draw_metric(axes: Any, name: str, metrics: Sequence[str], history: Callable[[str], History]) -> None:
    """The metric, and the same of the other data where there is one: train_loss with val_loss."""
    phase, _, rest = name.partition("_")
    pair = [f"train_{rest}", f"val_{rest}"] if phase in ("train", "val") else [name]
    shown = [key for key in pair if key in metrics]
    for key in shown:
        points = history(key)
        axes.plot(points.steps, points.values, marker="o" if len(points) < 30 else None, markersize=3, label=key)
    if len(shown) > 1:
        axes.legend()
    said = rest if len(shown) > 1 else name
    axes.set(xlabel="step", ylabel=said, title=said.replace("_", " "))


# ---- one function for each table: it draws, and says the title if the table's name is not enough


def _draw_roc(axes: Any, table: Table) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    _draw_lines(axes, table, "fpr", "tpr")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")


def _draw_precision_recall(axes: Any, table: Table) -> None:
    _draw_lines(axes, table, "recall", "precision")
    axes.set(xlabel="recall", ylabel="precision", ylim=(-0.03, 1.03))


def _draw_calibration(axes: Any, table: Table) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    _draw_lines(axes, table, "predicted", "observed", marker="o")
    axes.set(xlabel="mean predicted probability", ylabel="observed share", aspect="equal")


def _draw_lines(axes: Any, table: Table, x: str, y: str, **style: Any) -> None:
    """One line, or one for each class."""
    classes = list(dict.fromkeys(table.get("class", [""] * len(table[x]))))
    for name in classes[:_MAX_LINES]:
        rows = [at for at in range(len(table[x])) if "class" not in table or table["class"][at] == name]
        axes.plot([table[x][at] for at in rows], [table[y][at] for at in rows], label=str(name) or None, **style)
    if "class" in table:
        axes.legend(title="class")


def _draw_confusion(axes: Any, table: Table) -> None:
    """Coloured by the share of the true class, so that rare classes can be read as well; the numbers are rows."""
    names = [str(name) for name in table["true"]]
    counts = list(zip(*(column for key, column in table.items() if key != "true"), strict=True))
    shares = [[cell / max(sum(row), 1) for cell in row] for row in counts]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= _MAX_NUMBERED:
        for row, cells in enumerate(counts):
            for column, cell in enumerate(cells):
                color = "white" if shares[row][column] > 0.5 else "black"
                axes.text(column, row, f"{cell:,}", ha="center", va="center", color=color)
    if len(names) <= _MAX_BARS:
        axes.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 4 else 0)
        axes.set_yticks(range(len(names)), names)
    axes.figure.colorbar(image, label="share of the true class")
    axes.set(xlabel="predicted", ylabel="true")


def _draw_importances(axes: Any, table: Table) -> str:
    return _draw_bars(axes, table["feature"], {"importance": table["importance"]}, "feature importances")


def _draw_permutation(axes: Any, table: Table) -> str:
    return _draw_bars(axes, table["feature"], {"mean": table["mean"]}, "loss of score when permuted")


def _draw_coefficients(axes: Any, table: Table) -> str:
    """Without the intercept, which is on another scale."""
    count = len(table["feature"]) - (table["feature"][-1] == "(intercept)")
    columns = {key.removeprefix("coefficient "): column[:count] for key, column in table.items() if key != "feature"}
    return _draw_bars(axes, table["feature"][:count], dict(list(columns.items())[:_MAX_LINES]), "coefficients")


def _draw_bars(axes: Any, features: Sequence[Any], columns: Mapping[str, Sequence[Any]], what: str) -> str:
    """The features that weigh most, the greatest on top; several bars each if there are several columns."""
    weights = [max(abs(column[at] or 0) for column in columns.values()) for at in range(len(features))]
    picked = sorted(range(len(features)), key=lambda at: -weights[at])[:_MAX_BARS]
    height = 0.8 / len(columns)
    for place, (name, column) in enumerate(columns.items()):
        at_height = [row + height * (place - (len(columns) - 1) / 2) for row in range(len(picked))]
        axes.barh(at_height, [column[at] or 0 for at in picked], height, label=name)
    axes.set_yticks(range(len(picked)), [str(features[at]) for at in picked])
    axes.set(ylim=(len(picked) - 0.5, -0.5), xlabel=what)
    axes.axvline(0, color="0.7", linewidth=1)
    axes.figure.set_figheight(max(4.8, 1.0 + 0.25 * len(picked) * max(1, len(columns) / 3)))
    if len(columns) > 1:
        axes.legend()
    return what if len(picked) == len(features) else f"{what}: the {len(picked)} greatest of {len(features)}"


def _draw_residuals(axes: Any, table: Table) -> None:
    """How far predictions are off: the share of rows whose residual is at most so large."""
    axes.axvline(0, color="0.7", linestyle="--", linewidth=1)
    names = [key for key in table if key.startswith("residual")]
    for name in names[:_MAX_LINES]:
        axes.plot(table[name], table["quantile"], marker="o", markersize=3, label=name)
    if len(names) > 1:
        axes.legend()
    axes.set(xlabel="residual (true - predicted)", ylabel="share of rows at or below")


def _draw_sizes(axes: Any, table: Table) -> None:
    names = [str(name) for name in table["cluster"]]
    axes.bar(range(len(names)), table["size"])
    if len(names) <= _MAX_BARS:
        axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="cluster", ylabel="rows")


def _draw_columns(axes: Any, table: Table) -> None:
    """A table we know nothing of: each column of numbers as a line over its rows."""
    for name, column in list(table.items())[:_MAX_LINES]:
        if all(value is None or isinstance(value, int | float) for value in column):
            axes.plot([float("nan") if value is None else value for value in column], label=name)
    axes.legend()
    axes.set(xlabel="row")


_DRAWN: Mapping[str, Callable[[Any, Table], str | None]] = {
    "calibration": _draw_calibration,
    "cluster_sizes": _draw_sizes,
    "coefficients": _draw_coefficients,
    "confusion": _draw_confusion,
    "feature_importances": _draw_importances,
    "permutation_importance": _draw_permutation,
    "precision_recall": _draw_precision_recall,
    "residuals": _draw_residuals,
    "roc": _draw_roc,
}
