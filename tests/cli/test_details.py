"""What a line says of data."""

import numpy as np
import pytest
import torch

from autotrack.cli.details import data_text
from autotrack.model import describe


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.zeros((4, 2)), "ndarray 4 × 2, float64"),
        (torch.zeros(4, 2), "Tensor 4 × 2, float32"),
        ({"a": 1, "b": 2}, "dict 2, names: a, b"),
        (object(), "object"),
        ([[1, 2]], "list 1 × 2, int"),
    ],
)
def test_data_of_every_kind_reads_alike(data: object, text: str) -> None:
    assert data_text(describe(data)) == text


def test_data_of_a_kind_that_is_not_known_is_said_as_it_is() -> None:
    assert data_text({"kind": "other", "shape": [3]}) == "other 3"
    assert data_text({}) == ""
