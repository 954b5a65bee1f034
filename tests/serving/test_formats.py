"""What clients send, in each of MLflow's formats, and what they get: predictions, or a clear no."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from model_server import MIXED, WRONG_BODIES, Server

Serving = Callable[[str], Server]
pytestmark = pytest.mark.slow  # a process for each model
ROWS = [list(MIXED.values()), [45, 2.5, "Ulm", "b"]]
NAMES = list(MIXED)


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": ROWS}},
        {"dataframe_split": {"columns": NAMES[::-1], "data": [row[::-1] for row in ROWS], "index": [7, 8]}},
        {"dataframe_records": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
        {"instances": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
        {"instances": ROWS},
        {"inputs": {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}},
        {"inputs": ROWS, "params": {}},
    ],
)
def test_every_format_is_answered_alike(serving: Serving, body: dict[str, Any]) -> None:
    answer = serving("mixed@champion").ask(body)
    assert (answer.status_code, answer.json()) == (200, {"predictions": [0, 1]})
    assert answer.headers["x-autotrack-model"] == "mixed/1"
    assert answer.headers["content-type"] == "application/json"


def test_csv_is_answered_alike(serving: Serving) -> None:
    text = "city,plan,age,income\r\nBonn,a,31,1.5\r\nUlm,b,45,2\r\n"
    answer = serving("mixed@champion").ask(text, "text/csv; charset=utf-8")
    assert (answer.status_code, answer.json()) == (200, {"predictions": [0, 1]})
    wrong = serving("mixed@champion").ask("city,plan,age,income\nBonn,a,old,1.5\n", "text/csv")
    assert wrong.json()["problems"] == [{"column": "age", "expected": "integers", "found": "texts"}]


@pytest.mark.parametrize("body", [{"instances": [[1, 2, 3.5]]}, {"inputs": [[1, 2, 3.5]]}])
def test_arrays(serving: Serving, body: dict[str, Any]) -> None:
    assert serving("plain@champion").predictions(body) == pytest.approx([6.5])
    frame = {"dataframe_split": {"columns": ["x", "y", "z"], "data": body.get("instances") or body["inputs"]}}
    assert serving("plain@champion").predictions(frame) == pytest.approx([6.5])


@pytest.mark.parametrize(
    "body",
    [
        {"instances": ["good", "bad"]},
        {"inputs": [["good"], ["bad"]]},
        {"dataframe_records": [{"text": "good"}, {"text": "bad"}]},
        {"inputs": {"text": ["good", "bad"]}},
    ],
)
def test_texts(serving: Serving, body: dict[str, Any]) -> None:
    assert serving("texts@champion").predictions(body) == ["+", "-"]


def test_torch_module_is_asked_in_eval_mode_with_its_dtype(serving: Serving) -> None:
    server = serving("net@champion")
    for _ in range(5):  # dropout would change some of them
        assert server.predictions({"inputs": [[1, 2, 3], [0, 0, 0.5]]}) == [[6.0, 6.0], [0.5, 0.5]]
    assert server.ask({"inputs": [[1, 2]]}).json()["problems"] == [
        {"column": None, "expected": "3 features", "found": "2 features"}
    ]
    assert server.ask({"inputs": [[1, 2, None]]}).json()["predictions"] == [[None, None]]


def test_model_whose_signature_nobody_knows_gets_what_was_sent(serving: Serving) -> None:
    server = serving("unknown@champion")
    rows = {"columns": ["age", "income"], "data": [[31, 1.5]]}
    assert len(server.predictions({"dataframe_split": rows})) == 1
    assert len(server.ask("age,income\n31,1.5\n", "text/csv").json()["predictions"]) == 1
    assert server.client.get("/version").json()["inputs"] is None


def test_frames_are_records_and_what_is_missing_is_null(serving: Serving) -> None:
    found = serving("rows@champion").predictions({"instances": [[1, 2, 3], [4, 5, 6]]})
    assert found == [{"score": 0.5, "label": "a"}, {"score": None, "label": None}]


def test_signature_problems_are_all_told(serving: Serving) -> None:
    server = serving("mixed@champion")
    wrong = {**MIXED, "age": 1.5, "income": "much", "plan": "z"}
    answer = server.ask({"dataframe_records": [wrong]})
    assert answer.status_code == 400
    assert answer.json() == {
        "error_code": "BAD_REQUEST",
        "message": "The data does not fit the model's signature: "
        "column 'age': expected integers, found numbers with a fraction; "
        "column 'income': expected numbers, found texts; "
        "column 'plan': expected one of 'a', 'b', found 'z'.\n"
        "See what the model was fitted on with: GET /version",
        "problems": [
            {"column": "age", "expected": "integers", "found": "numbers with a fraction"},
            {"column": "income", "expected": "numbers", "found": "texts"},
            {"column": "plan", "expected": "one of 'a', 'b'", "found": "'z'"},
        ],
    }
    missing = server.ask({"dataframe_records": [{"age": 1, "income": 2, "city": "Ulm", "size": 3}]})
    assert [problem["column"] for problem in missing.json()["problems"]] == ["plan", "size"]


@pytest.mark.parametrize("reference", ["plain@champion", "mixed@champion", "texts@champion", "net@champion"])
def test_wrong_body_is_the_clients_mistake_whatever_the_model(serving: Serving, reference: str) -> None:
    server = serving(reference)
    for body, _ in WRONG_BODIES:
        answer = server.ask(body)
        assert answer.status_code in (200, 400), (body[:80], answer.text)
        assert answer.status_code == 200 or answer.json()["error_code"] == "BAD_REQUEST"
        assert len(answer.content) < 2_000
        assert "Traceback" not in answer.text
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_other_content_types_are_refused(serving: Serving, content_type: str) -> None:
    answer = serving("plain@champion").ask('{"instances": [[1, 2, 3]]}', content_type)
    assert (answer.status_code, answer.json()["error_code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("text", ["", "a,b,c\n", "a,b,c\n1,2\n", 'a,b,c\n1,2,"3\n', "a,b,c\n1,2,x\n", "\x00"])
def test_wrong_csv_is_told(serving: Serving, text: str) -> None:
    answer = serving("plain@champion").ask(text, "text/csv")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")


def test_failure_of_the_model_is_told_in_the_log_only(serving: Serving) -> None:
    server = serving("failing@champion")
    answer = server.ask({"instances": [[1, 2, 3]]})
    assert answer.status_code == 500
    assert answer.json() == {
        "error_code": "INTERNAL_ERROR",
        "message": "The model failed at this request. The server's log says why.",
    }
    assert "secret detail of the model" in server.log
    assert server.client.get("/ping").status_code == 200


def test_model_with_a_name_in_any_script_is_named_in_the_header(serving: Serving) -> None:
    answer = serving("größe 模型@champion").ask({"instances": [[1, 2, 3]]})
    assert answer.json() == {"predictions": [pytest.approx(6.0)]}
    assert answer.headers["x-autotrack-model"] == "gr%C3%B6%C3%9Fe%20%E6%A8%A1%E5%9E%8B/1"


def test_answers_are_json_that_every_client_reads(serving: Serving) -> None:
    answer = serving("rows@champion").ask({"instances": [[1, 2, 3], [4, 5, 6]]})
    json.loads(answer.text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
