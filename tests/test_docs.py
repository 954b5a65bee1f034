"""What the pages about models show runs as it stands there, from top to bottom, and prints what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
CODE = re.compile(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["models.md", "registry.md"])
def test_code_of_the_page_runs_and_prints_what_it_says(page: str, tmp_path: Path) -> None:
    blocks = CODE.findall((DOCS / page).read_text("utf-8"))
    scripts = [script for script, _ in blocks if not script.startswith('"')]  # rules of gates alone
    assert scripts
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(scripts)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for _, shown in blocks:
        assert shown in done.stdout
