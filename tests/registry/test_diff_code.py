"""Which of the files of the user's own changed between two runs is told, committed or not."""

import subprocess
import sys
from pathlib import Path

import autotrack

TRAIN = """
import sys
import autotrack
import prep
from sklearn.linear_model import LogisticRegression

autotrack.enable(store=sys.argv[1])
model = LogisticRegression().fit(prep.X, prep.y)
autotrack.register_model(model, "churn")
"""


def test_files_that_changed_between_two_runs_are_named(tmp_path: Path, store_path: Path) -> None:
    def train() -> None:
        subprocess.run([sys.executable, "train.py", str(store_path)], cwd=tmp_path, check=True, timeout=60)

    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "other.py").write_text("")
    (tmp_path / "prep.py").write_text("import other\nX, y = [[0.0], [1.0], [2.0]], [0, 1, 1]\n")
    train()
    train()
    (tmp_path / "prep.py").write_text("import other\nX, y = [[0.0], [1.0], [3.0]], [0, 1, 1]\n")
    train()
    autotrack.enable(store=store_path)
    assert autotrack.registry.diff("churn/1", "churn/2")["code"].is_equal
    code = autotrack.registry.diff("churn/2", "churn/3")["code"]
    assert [entry.key for entry in code.entries] == ["module prep"]
    assert code.same >= 3  # the script, the other module, the command line
