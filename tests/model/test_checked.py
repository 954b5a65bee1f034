"""Data beside a signature: what fits is handed on as it is, what does not is named column by column."""

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from autotrack.errors import AutotrackWarning, SignatureError
from autotrack.model import describe
from autotrack.model.checked import CheckedModel
from autotrack.model.conform import conform, kind_of

FRAME = pd.DataFrame(
    {
        "age": [31, 45, 22],
        "income": [1.5, 2.5, 3.5],
        "city": ["Bonn", "Köln", "Bonn"],
        "plan": pd.Categorical(["a", "b", "a"]),
        "since": pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01"]),
        "active": [True, False, True],
    }
)


def told(data: Any, trained_on: Any = FRAME) -> list[str]:
    return [str(problem) for problem in conform(data, describe(trained_on))[1]]


def test_data_that_fits_is_handed_on_itself() -> None:
    array, ones = np.ones((5, 3)), torch.ones(4, 3)
    for data, trained_on in [
        (FRAME, FRAME),
        (array, np.ones((9, 3))),
        (ones, torch.ones(1, 3)),
        ([[1.0, 2.0]], [[0.5, 1.5]]),
        (["a text"], ["another", "one"]),
        (sparse.eye_array(3, format="csr"), sparse.eye_array(3, format="csr")),
    ]:
        handed_on, problems = conform(data, describe(trained_on))
        assert problems == []
        assert handed_on is data


def test_missing_and_unexpected_columns_are_named() -> None:
    assert told(FRAME.drop(columns="age").assign(height=1.8)) == [
        "column 'age': expected a column, found none",
        "column 'height': expected no such column, found one",
    ]


def test_columns_in_another_order_are_put_in_order() -> None:
    turned = FRAME[FRAME.columns[::-1]]
    for data in (turned, pl.from_pandas(turned), pa.Table.from_pandas(turned)):
        handed_on, problems = conform(data, describe(FRAME))
        assert problems == []
        assert describe(handed_on)["names"] == list(FRAME.columns)
    assert list(turned.columns) == list(FRAME.columns)[::-1]


def test_same_name_twice_is_told_where_the_order_is_another() -> None:
    trained_on = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    assert told(trained_on, trained_on) == []
    turned = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "b"])
    assert told(turned, trained_on) == ["expected 3 columns, found 3, some with the same name"]


def test_columns_whose_names_are_numbers_are_put_in_order_too() -> None:
    handed_on, problems = conform(pd.DataFrame({2: [1.0], 1: [2.0]}), describe(pd.DataFrame({1: [0.0], 2: [0.0]})))
    assert problems == []
    assert handed_on.columns.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("age", [1.0, 2.0, 3.0], None),
        ("age", [1.0, None, 3.0], None),
        ("age", [1.0, 2.5, 3.0], "expected integers, found numbers with a fraction"),
        ("age", [True, False, True], None),
        ("age", ["1", "2", "3"], "expected integers, found texts"),
        ("age", pd.array([1, None, 3], dtype="Int64"), None),
        ("age", pd.Series([1, 2, 3], dtype=object), None),
        ("age", pd.Series([1, "b", 3], dtype=object), None),
        ("age", pd.Series([None, "b", "c"], dtype=object), "expected integers, found texts"),
        ("income", [1, 2, 3], None),
        ("income", pd.Series([1, 2, 3], dtype="float32"), None),
        ("income", pd.Series([1, 2, 3], dtype="int8[pyarrow]"), None),
        ("income", ["1", "2", "3"], "expected numbers, found texts"),
        ("income", pd.to_datetime(["2020-01-01"] * 3), "expected numbers, found dates"),
        ("income", [1j, 2j, 3j], "expected numbers, found complex numbers"),
        ("city", pd.Categorical(["x", "y", "x"]), None),
        ("city", pd.Series(["x", None, "y"], dtype=object), None),
        ("city", [1, 2, 3], "expected texts, found integers"),
        ("plan", pd.Categorical(["a", None, "a"], categories=["a", "z"]), None),
        ("plan", ["b", "a", "b"], None),
        ("plan", ["b", "z", "b"], "expected one of 'a', 'b', found 'z'"),
        ("since", pd.to_datetime(["2020-01-01"] * 3, utc=True), None),
        ("since", ["2020-01-01"] * 3, "expected dates, found texts"),
        ("active", [1, 0, 1], None),
        ("active", [1, 0, 2], "expected booleans, found integers"),
    ],
)
def test_kinds_of_dtypes(column: str, values: Any, problem: str | None) -> None:
    data = FRAME.assign(**{column: values})
    expected = [] if problem is None else [f"column {column!r}: {problem}"]
    assert told(data) == expected


def test_frames_of_other_libraries_are_told_alike() -> None:
    changed = FRAME.assign(income="much", plan=["a", "b", "z"])
    expected = [
        "column 'income': expected numbers, found texts",
        "column 'plan': expected one of 'a', 'b', found 'z'",
    ]
    assert told(pl.from_pandas(changed)) == expected
    assert told(pa.Table.from_pandas(changed)) == expected
    assert told(pl.from_pandas(FRAME)) == told(pa.Table.from_pandas(FRAME)) == []
    assert told(FRAME, pl.from_pandas(FRAME)) == told(FRAME, pa.Table.from_pandas(FRAME)) == []


@pytest.mark.parametrize(
    ("data", "trained_on", "problem"),
    [
        (np.ones((2, 4)), np.ones((9, 3)), "expected 3 features, found 4 features"),
        (np.ones(3), np.ones((9, 3)), "expected 3 features, found one dimension"),
        (np.array([["a"]]), np.ones((9, 1)), "expected numbers, found texts"),
        (np.ones((2, 2), dtype=object), np.ones((9, 2)), None),
        (np.full((2, 2), "x", dtype=object), np.ones((9, 2)), "expected numbers, found texts"),
        ([[1, 2]], np.ones((9, 2)), None),
        ([["a", "b"]], np.ones((9, 2)), "expected numbers, found texts"),
        (pd.DataFrame({"a": [1], "b": [2]}), np.ones((9, 2)), None),
        (sparse.csr_array([[1.5, 0]]), np.ones((9, 2), dtype=int), "expected integers, found numbers with a fraction"),
        (sparse.csr_array([[2.0, 0]]), np.ones((9, 2), dtype=int), None),
        (torch.ones(2, 3, 8, 8), torch.ones(9, 3, 8, 8), None),
        (torch.ones(2, 1, 8, 8), torch.ones(9, 3, 8, 8), "expected shape (n, 3, 8, 8), found shape (n, 1, 8, 8)"),
        (torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int64), "expected integers, found numbers with a fraction"),
        (np.ones((2, 6)), FRAME, "found 6 features without names"),
        ("a text", ["texts"], "expected one dimension, found a single str"),
        (None, np.ones((9, 2)), "expected 2 features, found a single None"),
        (pd.Series(["a"]), ["texts"], None),
        ([[[1.0], [2.0]]], np.ones((4, 2, 1)), None),
    ],
)
def test_arrays_lists_and_tensors(data: Any, trained_on: Any, problem: str | None) -> None:
    found = told(data, trained_on)
    assert (found == []) if problem is None else (len(found) == 1 and found[0].endswith(problem))


def test_what_is_not_known_differs_from_nothing() -> None:
    assert conform("anything", None)[1] == conform("anything", {"kind": "none"})[1] == []
    assert told((row for row in [[1]]), np.ones((2, 1))) == []
    assert conform(torch.ones(2, 7), {**describe(torch.ones(2, 3)), "shape": [2, None]})[1] == []


def test_categories_are_part_of_the_dtype_only_while_they_are_few() -> None:
    many = pd.DataFrame({"id": pd.Categorical([str(number) for number in range(101)])})
    assert describe(FRAME)["categories"] == {"plan": ["a", "b"]}
    assert "categories" not in describe(many)
    assert "categories" not in describe(FRAME[["age"]])
    enum = pl.DataFrame({"plan": ["a"]}, schema={"plan": pl.Enum(["a", "b"])})
    assert describe(enum)["categories"] == {"plan": ["a", "b"]}


def test_kind_of_a_dtype_is_told_whichever_library_it_is_of() -> None:
    by_kind = {
        "integers": "int64 uint8 Int64 int64[pyarrow] torch.int64 Sparse[int64,0] int",
        "numbers": "float32 Float64 double halffloat torch.bfloat16 decimal128(5,2) Decimal",
        "texts": "str string <U10 String Utf8 large_string string[pyarrow] StringDType()",
        "dates": "datetime64[us,UTC] Datetime(time_unit='us') timestamp[ns] Date date32[day] Timestamp",
        "categories": "category Categorical Enum(categories=['x']) dictionary<values=string>",
        "booleans": "bool boolean Boolean torch.bool",
        "durations": "timedelta64[ns] Duration(time_unit='us') duration[us]",
        None: "interval[int64,right] period[D] List(Int64) Struct(...) struct<a:int64> |S5",
    }
    for kind, names in by_kind.items():
        assert {name: kind_of(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


@pytest.fixture
def checked() -> CheckedModel:
    X, y = FRAME[["age", "income"]], [0, 1, 0]
    return CheckedModel(LogisticRegression().fit(X, y), {"inputs": describe(X), "outputs": describe(y)})


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_each_method_checks_its_input_first(checked: CheckedModel, method: str) -> None:
    X = FRAME[["age", "income"]]
    expected = getattr(checked.native, method)(X)
    for data in (X, X[["income", "age"]]):
        np.testing.assert_array_equal(getattr(checked, method)(data), expected)
        np.testing.assert_array_equal(getattr(checked, method)(X=data), expected)
    with pytest.raises(SignatureError, match="column 'income': expected numbers, found texts") as error:
        getattr(checked, method)(X.assign(income="much"))
    assert error.value.problems[0].column == "income"  # type: ignore[attr-defined]


def test_transform_checks_its_input_first() -> None:
    X = FRAME[["age", "income"]]
    checked = CheckedModel(StandardScaler().fit(X), {"inputs": describe(X), "outputs": None})
    assert checked.transform(X).shape == (3, 2)
    with pytest.raises(SignatureError, match="found 2 features without names"):
        checked.transform(X.to_numpy())


def test_everything_else_is_the_models_own(checked: CheckedModel) -> None:
    assert checked.classes_.tolist() == [0, 1]
    assert checked.score(FRAME[["age", "income"]], [0, 1, 0]) == 1.0
    assert "coef_" in dir(checked)
    assert not hasattr(checked, "transform")
    assert repr(checked) == "CheckedModel(LogisticRegression())"
    again = pickle.loads(pickle.dumps(checked))
    with pytest.raises(SignatureError):
        again.predict(FRAME[["age"]])


def test_torch_module_checks_its_input_when_called() -> None:
    module = torch.nn.Linear(3, 2)
    checked = CheckedModel(module, {"inputs": describe(torch.ones(8, 3)), "outputs": describe(torch.ones(8).long())})
    assert checked(torch.ones(5, 3)).shape == (5, 2)
    assert checked.eval() is checked
    assert not module.training
    for call in (checked, checked.forward):
        with pytest.raises(SignatureError, match="expected 3 features, found 4 features"):
            call(torch.ones(5, 4))


def test_torch_module_predicts_as_it_is_used() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.5)).train()
    model = CheckedModel(module, {"inputs": describe(torch.ones(4, 3)), "outputs": None})
    answer = model.predict(torch.ones(2, 3))
    assert isinstance(answer, np.ndarray)
    assert np.array_equal(answer, module.eval()(torch.ones(2, 3)).detach().numpy())
    with pytest.raises(SignatureError, match="found 5 features"):
        model.predict(torch.ones(2, 5))


def test_mode_warn_tells_each_difference_once_and_predicts(checked: CheckedModel) -> None:
    lenient = CheckedModel(checked.native, {"inputs": describe(FRAME[["age", "income"]])}, "warn")
    array = FRAME[["age", "income"]].to_numpy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        with pytest.warns(AutotrackWarning, match="without names"):
            first = lenient.predict(array)
        assert lenient.predict(array).tolist() == first.tolist()


def test_answer_that_is_not_the_models_is_refused() -> None:
    class Odd(LinearRegression):
        answer: Any = None

        def predict(self, X: Any) -> Any:
            return self.answer

    X, y = np.ones((4, 2)), np.ones(4)
    model = Odd().fit(X, y)
    checked = CheckedModel(model, {"inputs": describe(X), "outputs": describe(y)})
    model.answer = np.ones(3)
    with pytest.raises(SignatureError, match="expected 4 rows, one for each given, found 3 rows"):
        checked.predict(X)
    model.answer = np.array(["a"] * 4)
    with pytest.raises(SignatureError, match="expected numbers, found texts"):
        checked.predict(X)
    for answer in (np.ones(4, dtype=int), np.ones((4, 1)), pd.Series([1.0] * 4), [1.0, 2.0]):
        model.answer = answer
        assert checked.predict(X) is answer
