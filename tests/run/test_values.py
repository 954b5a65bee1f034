"""Params are text and a type, and come back as they were."""

import enum
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.values import decode, encode

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
trees = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


@given(trees)
def test_every_plain_value_comes_back_exactly(value):
    back = decode(*encode(value))
    assert back == value
    assert type(back) is type(value)


def test_text_is_what_a_person_would_write():
    values = {"0.1": 0.1, "rbf": "rbf", "True": True, "None": None, "[1, 2]": [1, 2], "3": 3, "nan": math.nan}
    assert {encode(value)[0] for value in values.values()} == set(values)


@pytest.mark.parametrize(
    ("given_value", "back"), [((1, 2), [1, 2]), (np.float64(0.5), 0.5), (np.int32(3), 3), (np.array([1, 2]), [1, 2])]
)
def test_tuples_and_numpy_values_become_the_plain_value_they_hold(given_value, back):
    assert decode(*encode(given_value)) == back


def test_enum_of_strings_is_its_string():
    class Kind(enum.StrEnum):
        RBF = "rbf"

    assert encode(Kind.RBF) == ("rbf", "string")


def test_objects_become_a_short_description_without_addresses():
    text, kind = encode(object())
    assert kind == "string"
    assert "0x" not in text
    assert encode(np.log1p)[0].endswith("log1p")
    assert len(encode(np.zeros((1000, 1000)))[0]) < 60
    assert len(encode(list(range(10_000)))[0]) < 60


def test_text_that_is_not_utf8_is_made_so():
    assert encode("a\ud800b") == ("a\\ud800b", "string")
