"""The index says what Python says: random rows, random trees, random orders."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autotrack.query.conditions import FIELDS, And, Compare, In, IsNull, Key, Like, Matches, Not, Or
from autotrack.query.evaluate import names_of
from autotrack.query.indexed import IndexView
from autotrack.query.order import Order
from autotrack.query.view import RowsView
from autotrack.store import NO_EPOCH, POINT, Store
from autotrack.values import encode

NOON = 1_700_000_000_000_000
BIG = 2**63
NUMBERS = st.sampled_from(
    (
        *(0, 1, -1, 2, 3, True, False, 0.5, 1.0, -0.0, 1e-300, float("nan"), float("inf"), -float("inf")),
        *(2**53 + 1, float(2**53), BIG - 1, BIG, -BIG, -BIG - 1, float(BIG), 10**400),
    )
)
TEXTS = st.sampled_from(
    ["", "a", "b", "B", "ab", "1", "1.0", "true", "nan", "0x10", "é", "\U0001f600", "\uffff", "a\x00b", "%", "None"]
)
FLOATS = st.sampled_from([0.0, -0.0, 1.0, 0.5, float("nan"), float("inf"), -float("inf"), float(BIG), 3.0])
PARAMS = ["C", "x y", "é"]
METRICS = ["loss", "acc", "acc.max", "acc.max.min"]
TAGS = ["t", "C"]

ROWS = st.fixed_dictionaries(
    {
        "params": st.dictionaries(st.sampled_from(PARAMS), st.one_of(NUMBERS, TEXTS, st.none(), st.just([1, 2]))),
        "tags": st.dictionaries(st.sampled_from(TAGS), st.one_of(TEXTS, NUMBERS.map(str))),
        "metrics": st.dictionaries(st.sampled_from(METRICS), st.lists(FLOATS, min_size=1, max_size=3)),
        "fields": st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["running", "finished", "failed", "killed"]),
                "name": TEXTS,
                "experiment": TEXTS,
                "error": TEXTS,
                "reason": TEXTS,
                "parent_run_id": st.sampled_from(["r0", "r1"]),
                "git_dirty": st.booleans(),
                "start_ts": st.integers(NOON, NOON + 2),
                "end_ts": st.sampled_from([NOON - 1, NOON + 1, NOON + 3_000_000]),
                "deleted": st.booleans(),
            },
        ),
    }
)
KEYS = st.one_of(
    st.builds(Key, st.just("params"), st.sampled_from([*PARAMS, "none such", "\udc80"]), st.booleans()),
    st.builds(Key, st.just("tags"), st.sampled_from([*TAGS, "none such"])),
    st.builds(
        Key,
        st.just("metrics"),
        st.sampled_from(
            [
                *METRICS,
                *(f"{name}.{stat}" for name in METRICS for stat in ("last", "min", "max", "best", "count")),
                "no",
            ]
        ),
        st.booleans(),
    ),
    st.builds(Key, st.just(""), st.sampled_from(sorted(FIELDS))),
)
TIMES = st.sampled_from([NOON, NOON + 1, NOON + 3_000_000])
VALUES = st.one_of(NUMBERS, TEXTS, TIMES, st.just("\udc80"), st.sampled_from(["finished", "killed", "r0", "r1"]))
PATTERNS = st.sampled_from(["a%", "%", "_", "A_", r"\%", "", "%b", "É"])
LEAVES = st.one_of(
    st.builds(Compare, KEYS, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), VALUES),
    st.builds(In, KEYS, st.lists(VALUES, max_size=3).map(tuple)),
    st.builds(Like, KEYS, PATTERNS, st.booleans()),
    st.builds(Matches, KEYS, st.sampled_from(["a", "^$", "[0-9]", "."])),
    st.builds(IsNull, KEYS),
)
TREES = st.recursive(
    LEAVES,
    lambda trees: st.one_of(
        st.builds(Not, trees),
        st.builds(And, st.lists(trees, max_size=3).map(tuple)),
        st.builds(Or, st.lists(trees, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
ORDERS = st.lists(st.builds(Order, KEYS, st.booleans()), max_size=3)
SEARCHES = st.lists(
    st.tuples(TREES, st.one_of(st.none(), TEXTS), ORDERS, st.one_of(st.none(), st.integers(0, 9))),
    min_size=1,
    max_size=12,
)


def patch_of(row: dict) -> dict:
    encoded = {name: encode(value) for name, value in row["params"].items()}
    return {
        **row["fields"],
        "params": {name: text for name, (text, _) in encoded.items()},
        "param_types": {name: kind for name, (_, kind) in encoded.items()},
        "tags": row["tags"],
    }


def write(writer, first: int, rows: list[dict], ts: int) -> None:
    keys = {name: number for number, name in enumerate(METRICS)}
    points = b"".join(
        POINT.pack(number, keys[name], step, ts, value, NO_EPOCH)
        for number, row in enumerate(rows, first)
        for name, values in row["metrics"].items()
        for step, value in enumerate(values)
    )
    numbers = range(first, first + len(rows))
    writer.write(
        {number: f"r{number}" for number in numbers},
        {number: name for name, number in keys.items()},
        [(number, ts, patch_of(row)) for number, row in zip(numbers, rows, strict=True)],
        points,
    )


def in_words(rows) -> str:
    return repr(list(rows))  # NaN is NaN, and 1 is not 1.0


@pytest.mark.slow
@settings(
    max_examples=60,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    st.lists(ROWS, max_size=7),
    st.lists(ROWS, max_size=4),
    st.lists(ROWS, max_size=4),
    st.integers(0, 7),
    SEARCHES,
)
def test_the_index_answers_as_python_does(sealed, again, live, first, searches):
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "store", create=True)
        writer = store.new_writer()
        write(writer, 0, sealed, NOON)
        writer.close()
        store.seal()
        with store.indexed():  # built now, so that what comes next is an update
            pass
        writer = store.new_writer()
        write(writer, first, again, NOON + 1)
        writer.close()
        store.seal()
        writer = store.new_writer()
        write(writer, 2 * first, live, NOON + 2)
        try:
            compare(store, searches)
        finally:
            writer.abandon()


def compare(store: Store, searches: list) -> None:
    rows = store.rows()
    python = RowsView(rows)
    is_sealed = (store.root / "tables").exists()
    with store.indexed() as index:
        assert (index is not None) is is_sealed
        if index is None:
            return
        view = IndexView(index)
        for condition, experiment, orders, most in searches:
            expected = in_words(python.search(condition, experiment, orders, most))
            assert in_words(view.search(condition, experiment, orders, most)) == expected
            for key in [order.key for order in orders if order.key.space]:
                for name, _ in names_of(key):
                    assert view.has(key.space, name) is python.has(key.space, name)
                assert view.names(key.space) == python.names(key.space)
        for run_id in ("r0", "r1", "none such", "\udc80"):
            assert repr(view.get(run_id)) == repr(python.get(run_id))
            children = [row for row in rows.values() if row.get("parent_run_id") == run_id]
            assert in_words(store.children(run_id)) == in_words(children)
        for name in ("a", "\udc80"):
            assert view.named(name) == python.named(name)
        for prefix in ("r", "r1", "\uffff", "\udc80"):
            assert view.starting_with(prefix) == python.starting_with(prefix)
        assert view.newest(3) == python.newest(3)
        return
    raise AssertionError("the index gave up")
