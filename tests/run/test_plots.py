"""`run.plot`: a picture of what is on record, made without touching how the user draws."""

import json
import sys

import pytest

import autotrack
from autotrack.errors import DataError, MissingLibraryError
from autotrack.run.tables import TABLES

CURVE = {"fpr": [0.0, 0.5, 1.0], "tpr": [0.0, 0.75, 1.0], "threshold": [None, 0.5, 0.1]}
TABLES_OF_EACH_KIND = {
    "calibration": {"predicted": [0.1, 0.9], "observed": [0.0, 1.0], "count": [5, 5]},
    "cluster_sizes": {"cluster": [-1, 0, 1], "size": [2, 30, 40]},
    "coefficients": {
        "feature": ["age", "income", "(intercept)"],
        "coefficient no": [0.5, -1.5, 90.0],
        "coefficient yes": [0.25, None, 80.0],
    },
    "confusion": {"true": ["no", "yes"], "predicted no": [50, 3], "predicted yes": [2, 40]},
    "feature_importances": {
        "feature": [f"x{at}" for at in range(50)],
        "importance": [1 / (at + 1) for at in range(50)],
    },
    "precision_recall": {"precision": [0.5, 1.0], "recall": [1.0, 0.0], "threshold": [0.5, None]},
    "residuals": {"quantile": [0, 0.5, 1], "residual": [-1.0, 0.0, 2.0], "prediction": [1.0, 2.0, 3.0]},
    "roc": {"class": ["a"] * 3 + ["b"] * 3, **{key: column * 2 for key, column in CURVE.items()}},
    "something_else": {"name": ["p", "q"], "value": [1.0, None]},
}


@pytest.fixture
def run(store_path):
    autotrack.enable(store=store_path)
    with autotrack.start_run() as started:
        started.log_artifact(json.dumps(TABLES_OF_EACH_KIND).encode(), TABLES)
        for step in range(5):
            started.log_metrics({"train_loss": 1 / (step + 1), "val_loss": 2 / (step + 1), "lr": 0.1}, step=step)
    return started


@pytest.mark.parametrize("name", TABLES_OF_EACH_KIND)
def test_each_table_has_a_picture(run, name):
    pytest.importorskip("matplotlib")
    figure = run.plot(name)
    figure.canvas.draw()
    assert figure.axes[0].has_data()


def test_picture_can_be_kept_with_the_run_and_is_drawn_from_a_run_read_back(run):
    pytest.importorskip("matplotlib")
    read_back = autotrack.get_run(run.id)
    read_back.log_figure(read_back.plot("roc"), "roc.png")
    assert run.store.blobs.get(read_back.artifacts["roc.png"]).startswith(b"\x89PNG")


def test_curve_of_each_class_is_a_line_of_its_own(run):
    pytest.importorskip("matplotlib")
    (axes,) = run.plot("roc").axes
    _diagonal, *lines = axes.get_lines()
    assert [line.get_label() for line in lines] == ["a", "b"]
    assert [list(line.get_xdata()) for line in lines] == [CURVE["fpr"]] * 2


def test_confusion_matrix_shows_its_counts(run):
    pytest.importorskip("matplotlib")
    axes = run.plot("confusion").axes[0]
    texts = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert texts == {(0, 0): "50", (0, 1): "2", (1, 0): "3", (1, 1): "40"}


def test_of_many_features_the_greatest_are_drawn_and_the_title_says_so(run):
    pytest.importorskip("matplotlib")
    axes = run.plot("feature_importances").axes[0]
    assert axes.get_title() == "feature importances: the 30 greatest of 50"
    assert axes.get_yticklabels()[0].get_text() == "x0"
    names = [label.get_text() for label in run.plot("coefficients").axes[0].get_yticklabels()]
    assert names == ["income", "age"]


def test_metric_is_drawn_with_the_same_of_the_other_data(run):
    pytest.importorskip("matplotlib")
    for name in ("train_loss", "val_loss"):
        lines = run.plot(name).axes[0].get_lines()
        assert [line.get_label() for line in lines] == ["train_loss", "val_loss"]
        assert list(lines[0].get_ydata()) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert len(run.plot("lr").axes[0].get_lines()) == 1


def test_drawing_imports_no_pyplot_and_leaves_the_users_figures_alone(run_python):
    pytest.importorskip("matplotlib")
    assert (
        run_python(
            """
        import json, sys, tempfile
        import autotrack
        autotrack.enable(store=tempfile.mkdtemp())
        with autotrack.start_run() as run:
            run.log_metrics({"train_loss": 1.0})
        run.plot("train_loss")
        print(json.dumps("matplotlib.pyplot" in sys.modules))
        """
        )
        is False
    )


def test_unknown_name_is_told_with_those_there_are(run):
    with pytest.raises(DataError, match=r"nothing called 'rock' to plot. Did you mean 'roc'\?\nExpected one of: .*roc"):
        run.plot("rock")


def test_missing_matplotlib_is_told_with_the_command_that_installs_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingLibraryError, match="pip install matplotlib"):
        run.plot("roc")
