"""The page that says which models have a data-only form is what the libraries here do."""

import re
from pathlib import Path

import pytest

from data_only_table import page, versions

PAGE = Path(__file__).parents[2] / "docs" / "models-sklearn.md"


@pytest.mark.slow
def test_page_says_what_each_model_can_be_saved_as() -> None:
    said = PAGE.read_text()
    if any(f"{name} {number}" not in said for name, number in versions().items()):
        pytest.skip("the page was made with other versions")
    assert page() == said, "write it again with tests/support/data_only_table.py"


def test_page_lists_what_has_no_data_only_form_with_a_reason() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    without = [(names, reason) for names, _, reason in rows if reason.startswith("no")]
    assert without
    assert all(reason.startswith("no: ") for _, reason in without)
    assert all(form.startswith(("yes", "pickle", "---")) for _, form, _ in rows)
