"""PyTorch scripts as users write them: the same training with and without autotrack, and the expected record.

Each script in `scripts/` is run plain, under an observer of the tests' own, and by `autotrack run`, unchanged. What it
prints, its exit code, its files, its weights and random states are the same; what is on record is what the observer
saw and the script's `# expect:` block says; its models come back (README.md).
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from run import SCRIPTS, check


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_trains_the_same_and_is_recorded_as_it_says(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOTRACK_STORE", str(tmp_path / "tracked" / ".autotrack"))
    assert list(check(script, tmp_path)) == []


def test_there_is_a_script_for_each_shape() -> None:
    assert len(SCRIPTS) >= 55
