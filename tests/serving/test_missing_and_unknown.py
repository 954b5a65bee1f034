"""What clients and owners of a model are told where values are missing, or nobody knows what its data must be."""

from collections.abc import Callable

import pytest

from autotrack.serving.bodies import read
from model_server import MIXED, House, Server, running

pytestmark = pytest.mark.slow

Serving = Callable[[str], Server]


@pytest.mark.parametrize(
    ("body", "has_missing"),
    [
        (b'{"instances": [[1, 2], [3, null]]}', True),
        (b'{"instances": [1, null]}', True),
        (b'{"inputs": {"a": [1], "b": [null]}}', True),
        (b'{"dataframe_records": [{"a": 1}, {"b": 2}]}', True),
        (b'{"instances": [[1, 2], [3, 4]]}', False),
        (b'{"inputs": {"a": [0], "b": [""]}}', False),
    ],
)
def test_body_says_whether_a_value_is_missing(body: bytes, has_missing: bool) -> None:
    assert read(body, "application/json").has_missing is has_missing


@pytest.mark.parametrize("reference", ["plain@champion", "mixed@champion", "texts@champion"])
def test_missing_value_that_the_model_does_not_take_is_the_clients_mistake(serving: Serving, reference: str) -> None:
    server = serving(reference)
    bodies = {"plain": [[1, 2, None]], "mixed": [{**MIXED, "income": None}], "texts": [None]}
    answer = server.ask({"instances": bodies[reference.partition("@")[0]]})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")
    assert "has missing values (null): it may take none" in answer.json()["message"]
    assert "The model failed at a request with missing values" in server.log


@pytest.mark.parametrize(
    ("body", "kind", "has_huge"),
    [
        (b'{"instances": [[1, 2], [3, 1e300]]}', "application/json", True),
        (b'{"instances": [[[1, -1e39]]]}', "application/json", True),
        (b'{"inputs": {"a": [1], "b": [%d]}}' % 10**400, "application/json", True),
        (b"a,b\n1,1e39\n", "text/csv", True),
        (b"a,b\n1,text\n", "text/csv", False),
        (b'{"instances": [[1, 3e38, null, "1e300"]]}', "application/json", False),
    ],
)
def test_body_says_whether_a_number_is_too_large_for_a_float32(body: bytes, kind: str, has_huge: bool) -> None:
    assert read(body, kind).has_huge is has_huge


def test_number_that_is_too_large_for_the_model_is_the_clients_mistake(serving: Serving) -> None:
    server = serving("tree@champion")
    assert server.ask({"instances": [[0, 1, 3e38]]}).status_code == 200
    for body in ({"instances": [[0, 1, 1e300]]}, {"instances": [[0, 1, 2], [0, -1e39, 1]]}):
        answer = server.ask(body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")
        assert "has numbers too large for a float32: it may take none. Send smaller ones." in answer.json()["message"]
    assert "The model failed at a request with numbers too large for a float32: ValueError" in server.log
    assert serving("failing@champion").ask({"instances": [[1, 2, 1e300]]}).status_code == 500  # a RuntimeError


def test_model_that_fails_at_whole_data_is_still_the_servers_mistake(serving: Serving) -> None:
    assert serving("failing@champion").ask({"instances": [[1, 2, None]]}).status_code == 500  # a RuntimeError


def test_data_nested_deeper_than_any_signature_is_refused(serving: Serving) -> None:
    server = serving("net@champion")
    answer = server.ask('{"instances": ' + "[" * 50 + "1" + "]" * 50 + "}")
    assert (answer.status_code, "Expected at most 32 dimensions" in answer.json()["message"]) == (400, True)


def test_owner_and_client_hear_that_nobody_knows_what_the_data_must_be(serving: Serving, house: House) -> None:
    server = serving("unknown@champion")
    assert "What the data of unknown/1 must be is not on record" in server.log
    answer = server.ask({"instances": [["a"]]})
    assert answer.status_code == 500
    assert "is not on record, so it was not checked. The server's log says why." in answer.json()["message"]
    assert "not on record" not in serving("plain@champion").log


def test_torch_module_registered_without_an_example_gets_tensors_of_its_own_dtype(own_house: House) -> None:
    own_house.python("""
        net = torch.nn.Linear(3, 1).double()
        torch.nn.init.ones_(net.weight), torch.nn.init.zeros_(net.bias)
        keep("bare", net)
    """)
    with running(own_house, "bare") as server:
        assert server.predictions({"inputs": [[1.5, 2, 3], [0, 0, 0.5]]}) == [[6.5], [0.5]]
