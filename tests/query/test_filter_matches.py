"""Which rows a condition holds for."""

import math
import operator
from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autotrack.query.evaluate import best_of, matches, predicate
from autotrack.query.filter import parse
from autotrack.values import encode

SECOND = 1_000_000  # microseconds


def summary(*values: float) -> dict:
    numbers = [value for value in values if not math.isnan(value)] or [math.nan]
    return {
        "last": values[-1],
        "min": min(numbers),
        "max": max(numbers),
        "last_step": len(values) - 1,
        "count": len(values),
    }


def row_of(params=None, metrics=None, tags=None, **fields) -> dict:
    encoded = {key: encode(value) for key, value in (params or {}).items()}
    return {
        "run_id": "0" * 22,
        **fields,
        "params": {key: text for key, (text, _) in encoded.items()},
        "param_types": {key: kind for key, (_, kind) in encoded.items()},
        "summary": {key: summary(*values) for key, values in (metrics or {}).items()},
        "tags": tags or {},
    }


ROW = row_of(
    params={
        "C": 1.0,
        "depth": 10,
        "shuffle": True,
        "kernel": "rbf",
        "limit": None,
        "layers": [1, 2],
        "digits": "10",
        "gamma": math.nan,
        "top": math.inf,
        "a b": 5,
    },
    metrics={
        "acc": (0.5, 0.9, 0.8),
        "loss": (0.1, math.nan),
        "x.min": (7.0,),
        "x": (1.0, 2.0),
        "train/loss": (3.0, 2.0),
    },
    tags={"team": "vision", "fold": "3", "empty": ""},
    name="logistic",
    status="finished",
    experiment="first",
    git_dirty=True,
    start_ts=1_738_310_400 * SECOND,  # 2025-01-31T08:00:00Z
    end_ts=1_738_310_410 * SECOND,
)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "params.C = 1",
        "params.C = 1.0",
        "params.C = '1.0'",
        "params.C > 0.5 and params.C < 2",
        "params.depth > 9",
        "params.depth between 10 and 10",
        "params.depth in (1, 10)",
        "params.depth not in (1, 'x')",
        "params.shuffle = true",
        "params.shuffle != false",
        "params.kernel = 'rbf'",
        "params.kernel != 'poly'",
        "params.kernel > 'a'",
        "params.kernel != 1",
        "params.kernel in ('poly', 'rbf')",
        "params.kernel like 'r%'",
        "params.kernel like '_b_'",
        "params.kernel ilike 'RB%'",
        "params.kernel matches 'b.$'",
        "params.limit is null",
        "params.nothing is null",
        "params.kernel is not null",
        "params.layers = '[1, 2]'",
        "params.digits = '10'",
        "params.gamma = nan",
        "params.top = inf",
        'params."a b" = 5',
        "metrics.acc = 0.8",
        "metrics.acc.last = 0.8",
        "metrics.acc.max = 0.9",
        "metrics.acc.best = 0.9",
        "metrics.acc.count = 3",
        "metrics.loss.best = 0.1",
        "metrics.loss = nan",
        "metrics.x.min = 7",
        "metrics.x.max = 2",
        'metrics."x".min = 7',
        "metrics.train/loss.min = 2",
        "tags.team = 'vision'",
        "tags.fold = 3",
        "tags.fold > 2",
        "tags.empty is not null",
        "name like 'log%'",
        "status = 'finished' and experiment = 'first'",
        "git_dirty = true",
        "duration = 10",
        "duration_s between 9 and 11",
        "parent is null",
        "started_at = '2025-01-31T08:00:00Z'",
        "started_at = '2025-01-31T09:00:00+01:00'",
        "started_at < '2025-01-31T08:00:00.5Z'",
        "started_at >= '2025-01-01' and ended_at <= '2025-02-28'",
        "params.kernel = 'poly' or not params.C > 3",
    ],
)
def test_the_condition_holds_for_the_row(where):
    assert matches(parse(where), ROW)


@pytest.mark.parametrize(
    "where",
    [
        "params.kernel = 1",
        "params.kernel > 1",
        "params.kernel < 1",
        "params.digits = 10",
        "params.digits > 9",
        "params.depth < '9'",
        "params.depth > '1'",
        "params.C != '1.0'",
        "params.limit = 'None'",
        "params.limit != 3",
        "params.limit is not null",
        "params.gamma > 0 or params.gamma <= 0",
        "params.gamma != nan",
        "metrics.loss > 0 or metrics.loss < 0",
        'metrics."x.max" = 2',
        "metrics.acc.min.min = 0.5",
        "params.kernel like 'r'",
        "params.kernel like 'R%'",
        "params.kernel like 'r.f'",
        r"params.kernel like 'rb\_'",
        "params.kernel not in ('rbf')",
        "status = 'running'",
        "parent = 'x'",
    ],
)
def test_the_condition_does_not_hold_for_the_row(where):
    assert not matches(parse(where), ROW)


@pytest.mark.parametrize(
    "comparison",
    ["= 1", "!= 1", "> 1", "in (1)", "not in (1)", "like 'x'", "not like 'x'", "matches ''", "between 0 and 2"],
)
@pytest.mark.parametrize("prefix", ["", "not "])
def test_a_missing_value_is_neither_so_nor_not_so(comparison, prefix):
    assert not matches(parse(f"{prefix}params.nothing {comparison}"), ROW)


def test_a_date_alone_means_that_whole_local_day():
    def at(*date: int) -> dict:
        return {"start_ts": int(datetime(*date).astimezone().timestamp()) * SECOND}

    early, late, next_day = at(2025, 1, 31, 0), at(2025, 1, 31, 23), at(2025, 2, 1, 0)
    found = {
        where: [matches(parse(f"started_at {where} '2025-01-31'"), row) for row in (early, late, next_day)]
        for where in ("=", "!=", "<", "<=", ">", ">=")
    }
    assert found == {
        "=": [True, True, False],
        "!=": [False, False, True],
        "<": [False, False, False],
        "<=": [True, True, False],
        ">": [False, False, True],
        ">=": [True, True, True],
    }
    assert matches(parse("started_at between '2025-01-31' and '2025-01-31'"), late)
    assert matches(parse("started_at in ('2025-01-31', '2024-01-01T00:00')"), late)


@pytest.mark.parametrize(
    ("key", "lower_is_better"),
    [
        ("val_loss", True),
        ("log_loss", True),
        ("test_rmse", True),
        ("mae", True),
        ("mean_squared_error", True),
        ("train/err", True),
        ("neg_mean_squared_error", False),
        ("test_neg_log_loss", False),
        ("accuracy", False),
        ("r2", False),
        ("terrain", False),
        ("maestro", False),
    ],
)
def test_best_is_the_least_of_losses_and_errors_and_the_greatest_of_the_rest(key, lower_is_better):
    assert best_of(key, summary(1.0, 5.0, 3.0)) == (1.0 if lower_is_better else 5.0)


OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBERS = st.one_of(st.integers(-5, 5), st.integers(), st.floats(allow_nan=False), st.booleans())
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def written(value: object) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if isinstance(value, bool) else repr(value)


@given(st.one_of(NUMBERS, TEXTS), st.sampled_from(sorted(OPERATORS)), st.one_of(NUMBERS, TEXTS))
def test_a_param_compares_with_a_value_as_python_does(param, symbol, value):
    assume(not (isinstance(value, bool) and symbol not in ("=", "!=")))
    assume(not (isinstance(value, str) and not isinstance(param, str)))  # a quoted number is compared as a text
    if isinstance(param, str) is isinstance(value, str):
        expected = OPERATORS[symbol](param, value)
    else:
        expected = symbol == "!="
    assert matches(parse(f"params.x {symbol} {written(value)}"), row_of(params={"x": param})) is expected


@given(st.floats(), st.sampled_from(sorted(OPERATORS)), st.floats())
def test_a_metric_compares_with_a_number_as_python_does_and_nan_with_nan_as_equal(metric, symbol, value):
    both_nan = math.isnan(metric) and math.isnan(value)
    expected = symbol == "=" if both_nan else OPERATORS[symbol](metric, value)
    assert matches(parse(f"metrics.x {symbol} {value!r}"), row_of(metrics={"x": (metric,)})) is expected


@given(TEXTS, TEXTS)
def test_like_with_no_wildcard_is_equality(text, pattern):
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    row = row_of(tags={"x": text})
    assert matches(parse(f"tags.x like {written(escaped)}"), row) is (text == pattern)
    assert matches(parse(f"tags.x like {written('%' + escaped + '%')}"), row) is (pattern in text)


LEAVES = st.sampled_from([("params.C = 1", True), ("params.C = 2", False), ("params.nothing = 1", None)])


def naive(tree) -> bool | None:
    """Three-valued logic by the book: false < unknown < true."""
    rank = {False: 0, None: 1, True: 2}
    kind, *parts = tree
    if kind == "leaf":
        return parts[0][1]
    if kind == "not":
        found = naive(parts[0])
        return None if found is None else not found
    answers = [naive(part) for part in parts]
    return (min if kind == "and" else max)(answers, key=rank.__getitem__)


def text_of(tree) -> str:
    kind, *parts = tree
    if kind == "leaf":
        return parts[0][0]
    if kind == "not":
        return f"not ({text_of(parts[0])})"
    return f" {kind} ".join(f"({text_of(part)})" for part in parts)


TREES = st.recursive(
    st.tuples(st.just("leaf"), LEAVES),
    lambda trees: st.one_of(
        st.tuples(st.just("not"), trees),
        st.tuples(st.sampled_from(["and", "or"]), trees, trees),
        st.tuples(st.sampled_from(["and", "or"]), trees, trees, trees),
    ),
    max_leaves=12,
)


@given(TREES)
def test_and_or_not_follow_the_three_valued_logic_of_sql(tree):
    assert predicate(parse(text_of(tree)))(ROW) is naive(tree)
