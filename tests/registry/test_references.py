"""References to models: read, printed, and refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.errors import InvalidNameError
from autotrack.registry import ModelRef, parse

READ = {
    "churn": ModelRef("model", "churn"),
    "churn@latest": ModelRef("model", "churn"),
    "churn/latest": ModelRef("model", "churn"),
    "churn/3": ModelRef("model", "churn", version=3),
    "churn@champion": ModelRef("model", "churn", alias="champion"),
    "größe v2@best": ModelRef("model", "größe v2", alias="best"),
    "models:/churn": ModelRef("model", "churn"),
    "models:/churn/3": ModelRef("model", "churn", version=3),
    "models:/churn/latest": ModelRef("model", "churn"),
    "models:/churn@champion": ModelRef("model", "churn", alias="champion"),
    "run:0199ab": ModelRef("run", run_id="0199ab"),
    "run:0199ab/model": ModelRef("run", run_id="0199ab", artifact="model"),
    "runs:/0199ab/model": ModelRef("run", run_id="0199ab", artifact="model"),
    "runs:/0199ab/folder/model": ModelRef("run", run_id="0199ab", artifact="folder/model"),
}

REFUSED = {
    "": "it is empty",
    "   ": "it is empty",
    "@champion": "it names no model",
    "/3": "it names no model",
    "models:/": "it names no model",
    "churn@": "there is no alias after the '@'",
    "churn/": "'' is not a version number",
    "churn/0": "'0' is not a version number",
    "churn/03": "'03' is not a version number",
    "churn/-1": "'-1' is not a version number",
    "churn/1.0": "'1.0' is not a version number",
    "churn/٣": "'٣' is not a version number",
    "churn/99999999999999999999": "is not a version number",
    "models:/churn/Production": "'Production' is not a version number",
    "churn@3": "a version is written churn/3",
    "churn@v3": "a version is written churn/3",
    "models:churn": "'models:c' is no known start",
    "s3://bucket/churn": "'s3:/' is no known start",
    "run:": "it names no run",
    "run:/0199": "'run:/' is no known start",
    "run:0199/": "there is nothing after the '/'",
    "runs:/": "it names no run",
}


@pytest.mark.parametrize("reference", READ)
def test_reference_means(reference: str) -> None:
    assert parse(reference) == READ[reference]


@pytest.mark.parametrize("reference", REFUSED)
def test_malformed_reference_is_refused_with_the_reason_and_the_forms(reference: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse(reference)
    first, expected = str(caught.value).split("\n")
    assert first.startswith(f"Invalid model reference {reference!r}: ")
    assert REFUSED[reference] in first
    assert expected.startswith("Expected name, name@alias, name/number, run:<id>")


@pytest.mark.parametrize("reference", [None, 3, b"churn", ["churn"]])
def test_what_is_no_text_is_refused(reference: object) -> None:
    with pytest.raises(InvalidNameError, match="it is not text"):
        parse(reference)


@pytest.mark.parametrize(
    "reference", ["run:0199/../secret", "runs:/0199//etc/passwd", "run:0199/C:/x", "run:01\x0099", "a\x1b[31m"]
)
def test_reference_never_leads_out_of_its_run(reference: str) -> None:
    with pytest.raises(InvalidNameError):
        parse(reference)


def test_error_about_a_long_reference_is_short() -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse("x:" + "a" * 10_000)
    assert len(str(caught.value)) < 400


names = st.text(alphabet="abcXYZ019._- é模", min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and text.strip(".")
)
aliases = names.filter(lambda text: text != "latest" and not text.lstrip("vV").isdecimal())
references = st.one_of(
    st.builds(ModelRef, st.just("model"), names),
    st.builds(ModelRef, st.just("model"), names, version=st.integers(1, 10**17)),
    st.builds(ModelRef, st.just("model"), names, alias=aliases),
    st.builds(ModelRef, st.just("run"), run_id=st.text("0123456789abcdef", min_size=1), artifact=st.none() | names),
)


@given(references)
def test_printed_reference_is_read_back_as_the_same(reference: ModelRef) -> None:
    assert parse(str(reference)) == reference
