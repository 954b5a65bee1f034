"""What a `where` may say, and what its errors tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.errors import SearchError
from autotrack.query.conditions import And, Compare, In, IsNull, Key, Like, Matches, Not, Or
from autotrack.query.filter import parse

C = Key("params", "C")


def error_of(where: str) -> SearchError:
    with pytest.raises(SearchError) as caught:
        parse(where)
    return caught.value


def caret_of(where: str) -> str:
    """What stands in the shown text from the caret on."""
    lines = str(error_of(where)).splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip() == "^")
    return lines[caret - 1][lines[caret].index("^") :]


def test_an_empty_where_is_a_condition_that_always_holds():
    assert parse("") == parse("  \n") == And(())


def test_and_binds_closer_than_or_and_brackets_closer_than_both():
    a, b, c = (Compare(Key("params", name), "=", 1) for name in "abc")
    assert parse("params.a = 1 or params.b = 1 and params.c = 1") == Or((a, And((b, c))))
    assert parse("(params.a = 1 or params.b = 1) and params.c = 1") == And((Or((a, b)), c))
    assert parse("not params.a = 1 and params.b = 1") == And((Not(a), b))


@pytest.mark.parametrize(
    ("written", "operator"),
    [
        ("=", "="),
        ("==", "="),
        ("!=", "!="),
        ("<>", "!="),
        ("<", "<"),
        ("<=", "<="),
        (">", ">"),
        (">=", ">="),
        ("≥", ">="),
    ],
)
def test_each_spelling_of_an_operator_is_read(written, operator):
    assert parse(f"params.C {written} 1") == parse(f"params.C{written}1") == Compare(C, operator, 1)


def test_keywords_are_read_in_any_case():
    assert parse("NOT params.C IN (1, 2) AND Name LIKE 'a%' Or status Is Not Null") == Or(
        (And((Not(In(C, (1, 2))), Like(Key("", "name"), "a%"))), Not(IsNull(Key("", "status"))))
    )


def test_between_is_two_comparisons():
    assert parse("params.C between 1 and 2") == And((Compare(C, ">=", 1), Compare(C, "<=", 2)))
    assert parse("params.C not between 1 and 2 and params.C = 3") == And(
        (Not(And((Compare(C, ">=", 1), Compare(C, "<=", 2)))), Compare(C, "=", 3))
    )


def test_like_and_matches_can_be_turned_round():
    assert parse("params.C not like 'a%'") == Not(Like(C, "a%"))
    assert parse("params.C ilike 'a%'") == Like(C, "a%", ignores_case=True)
    assert parse(r"params.C not matches '^a\d'") == Not(Matches(C, r"^a\d"))


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("params.clf__C", Key("params", "clf__C")),
        ("metrics.a.b", Key("metrics", "a.b")),
        ("metrics.train/loss", Key("metrics", "train/loss")),
        ("metrics.recall@10", Key("metrics", "recall@10")),
        ("params.größe", Key("params", "größe")),
        ('params."a b"', Key("params", "a b", is_exact=True)),
        ("params.`a b`", Key("params", "a b", is_exact=True)),
        ('params."say ""hi"""', Key("params", 'say "hi"', is_exact=True)),
        ('metrics."a b".min', Key("metrics", "a b.min")),
        ("params.and", Key("params", "and")),
        ("params.1st", Key("params", "1st")),
        ("parent_run_id", Key("", "parent_run_id")),
    ],
)
def test_each_form_of_a_key_is_read(written, key):
    assert parse(f"{written} is null") == IsNull(key)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("1_000", 1000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-4", 1e-4),
        ("-inf", float("-inf")),
        ("Infinity", float("inf")),
        ("true", True),
        ("FALSE", False),
        ("'it''s'", "it's"),
        ("\"a 'b' c\"", "a 'b' c"),
        ("''", ""),
    ],
)
def test_each_form_of_a_value_is_read(written, value):
    condition = parse(f"params.C = {written}")
    assert condition == Compare(C, "=", value)
    assert type(condition.value) is type(value)


def test_a_status_is_read_in_any_case():
    assert parse("status = 'FINISHED'") == Compare(Key("", "status"), "=", "finished")


@pytest.mark.parametrize(
    ("where", "at", "told"),
    [
        ("params.C 1", "1", "after params.C, found `1`"),
        ("params.C >", "", "found the end"),
        ("params.C > and", "and", "found `and`"),
        ("(params.C > 1", "", "closing )"),
        ("params.C > 1)", ")", "Expected and, or, or the end"),
        ("params.C = 1 params.D = 2", "params.D = 2", "Expected and, or, or the end"),
        ("params.C in 1", "1", "a list such as"),
        ("params.C in ()", ")", "Expected a value"),
        ("params.C in (1 2)", "2)", "comma"),
        ("params.C between 1 or 2", "or 2", "Expected and between"),
        ("params.C not 3", "3", "after `not`"),
        ("params.C is 3", "3", "null after `is`"),
        ("params.C like 3", "3", "text in quotes"),
        ("params.C matches '('", "'('", "regular expression cannot be read"),
        ("params.C = null", "null", "params.C is null"),
        ("name = rbf", "rbf", "Expected a value: 'rbf'"),
        ("name = 3", "3", "in quotes: '3'"),
        ("run_id = 0190abc", "0190abc", "in quotes: '0190abc'"),
        ("name = 'x", "'x", "never closed"),
        ("params. > 1", " > 1", "The name after 'params.' is missing"),
        ("params > 1", "params > 1", "params.name"),
        ("metrics.acc > '0.9'", "'0.9'", "number without quotes"),
        ("metrics.acc like 'x'", "'x'", "not a text"),
        ("params.C > true", "true", "no order"),
        ("git_dirty = 1", "1", "true or false"),
        ("started_at > 3", "3", "2025-01-31"),
        ("started_at > 'soon'", "'soon'", "2025-01-31"),
        ("params.C = 1 && params.D = 2", "&& params.D = 2", "Write `and`"),
        ("params.C = 1 ; drop", "; drop", "no meaning"),
        ("'rbf' = params.kernel", "'rbf' = params.kernel", "Expected a field"),
    ],
)
def test_an_error_points_at_the_place_and_says_what_was_expected(where, at, told):
    assert caret_of(where) == at
    assert told in str(error_of(where))


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("statu = 'x'", "Did you mean 'status'?"),
        ("experimnt = 'x'", "Did you mean 'experiment'?"),
        ("status = 'finishd'", "Did you mean 'finished'?"),
        ("metric.acc > 1", "Did you mean 'metrics.acc'?"),
        ("val_accuracy > 1", "metrics.val_accuracy"),
    ],
)
def test_a_misspelt_word_is_told_with_what_was_meant(where, hint):
    assert hint in str(error_of(where))


def test_the_error_carries_its_text_place_and_expectation():
    error = error_of("params.C ~ 1")
    assert (error.text, error.position) == ("params.C ~ 1", 9)
    assert error.expected


def test_a_long_search_is_shown_around_the_error_only():
    where = " and ".join(["params.C = 1"] * 50) + " and params.C 1 and " + " and ".join(["params.C = 1"] * 50)
    assert caret_of(where).startswith("1 and")
    assert all(len(line) < 100 for line in str(error_of(where)).splitlines())


def test_deep_nesting_is_an_error_and_long_chains_are_not():
    assert "inside each other" in str(error_of("(" * 5000 + "params.C = 1" + ")" * 5000))
    assert "inside each other" in str(error_of("not " * 5000 + "params.C = 1"))
    assert len(parse(" and ".join(["params.C = 1"] * 5000)).parts) == 5000


def test_a_where_that_is_no_text_is_a_search_error():
    with pytest.raises(SearchError, match="is a text"):
        parse(lambda row: True)


WORDS = """and or not in between like matches is null true false ( ) , = == != <> < <= > >= status name
    duration started_at params params.C params.'x' metrics.acc.min tags.`a b` params. 'text' "text" ' " `
    1 -1 .5 1e999 1__0 nan 0x1
    2025-01-31 '2025-01-31' '2025-02-30' '9999-12-31' '0001-01-01' '[' && ! ; é \\ % 99999999999999999999"""
SOUP = st.sampled_from(WORDS.split())


@given(
    st.one_of(st.text(max_size=60), st.lists(SOUP, max_size=12).map(" ".join), st.lists(SOUP, max_size=8).map("".join))
)
def test_any_text_is_either_read_or_a_search_error(where):
    error = None
    try:
        parse(where)
    except SearchError as caught:
        error = caught
    assert error is None or (0 <= error.position <= len(where) and "^" in str(error))
