"""What docs/registry.md shows runs as it stands there, from top to bottom."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "registry.md"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.slow
def test_code_of_the_page_runs(run_python: Callable[..., Any]) -> None:
    blocks = [block for block in CODE.findall(PAGE.read_text("utf-8")) if not block.startswith('"')]  # rules of gates
    assert len(blocks) >= 6
    end = "import json; print(json.dumps([autotrack.registry.verify().problems, autotrack.registry.aliases('churn')]))"
    assert run_python("\n".join([*blocks, end])) == [[], {}]  # of the store that the version was imported into
