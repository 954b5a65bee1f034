"""The server as a process: it starts or says why not, follows its alias, withstands much, and ends when told to."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from model_server import House, Server, running

pytestmark = pytest.mark.slow

PLAIN = {"instances": [[1, 2, 3]]}
TOKEN = "0123456789abcdef"
MOVING = """
    array = np.arange(6.0).reshape(-1, 1)
    for factor in (1, 2):
        keep("moving", LinearRegression().fit(array, factor * array[:, 0]), array, None)
    autotrack.registry.set_alias("moving", "champion", 1)
"""


def until(true: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def refused(house: House, *args: str, env: dict[str, str] | None = None) -> str:
    """What `autotrack serve` says that does not start."""
    done = subprocess.run(
        house.command(*args),
        env={**house.env, **(env or {})},
        cwd=house.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def memory_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(float(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1e3


def test_ping_health_and_version(serving: Callable[[str], Server]) -> None:
    server = serving("plain@champion")
    assert server.first_line == f"Serving plain/1 at {server.url}"
    for path in ("/ping", "/health"):
        assert server.client.get(path).status_code == 200
    about = server.client.get("/version").json()
    assert (about["model"], about["version"], about["reference"], about["problem"]) == (
        "plain",
        1,
        "plain@champion",
        None,
    )
    assert about["inputs"]["dtype"] == "float64"
    assert about["model_class"] == "sklearn.linear_model._base.LinearRegression"


def test_other_paths_and_methods_are_told_what_there_is(serving: Callable[[str], Server]) -> None:
    client = serving("plain@champion").client
    for answer, status in (
        (client.get("/nothing"), 404),
        (client.get("/invocations"), 405),
        (client.post("/ping"), 405),
    ):
        assert answer.status_code == status
        assert "Expected POST /invocations" in answer.json()["message"]


def test_wrong_host_and_cross_site_requests_are_refused(serving: Callable[[str], Server]) -> None:
    server = serving("plain@champion")
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = server.ask(PLAIN, **headers)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
        assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = server.client.options("/invocations", headers={"origin": "http://evil.example"})
    assert preflight.status_code == 403


def test_alias_move_is_picked_up_without_a_restart(own_house: House) -> None:
    own_house.python(MOVING)
    with running(own_house, "moving@champion") as server:
        assert server.predictions({"instances": [[3]]}) == [pytest.approx(3.0)]
        own_house.python('autotrack.registry.set_alias("moving", "champion", 2)')
        until(lambda: server.ask({"instances": [[3]]}).headers["x-autotrack-model"] == "moving/2")
        assert server.predictions({"instances": [[3]]}) == [pytest.approx(6.0)]
        assert server.client.get("/version").json()["version"] == 2
        assert "Changed to version 2 of moving." in server.log


def test_version_that_cannot_be_loaded_leaves_the_old_one_in_place(own_house: House) -> None:
    own_house.python(MOVING)
    with running(own_house, "moving@champion") as server:
        own_house.python("""
            class Broken(LinearRegression):
                def __setstate__(self, state):
                    import sys
                    if "autotrack.serving" in sys.modules:
                        raise SystemError("cannot be loaded")
            keep("moving", Broken().fit([[0.0], [1.0]], [0, 1]), None, "champion")
        """)
        until(lambda: server.client.get("/version").json()["problem"] is not None)
        about = server.client.get("/version").json()
        assert about["version"] == 1
        assert "cannot be loaded" in about["problem"]
        assert server.predictions({"instances": [[3]]}) == [pytest.approx(3.0)]
        assert server.log.count("goes on answering") == 1
        own_house.python('autotrack.registry.delete_alias("moving", "champion")')
        until(lambda: "champion" in str(server.client.get("/version").json()["problem"]))
        own_house.python('autotrack.registry.set_alias("moving", "champion", 2)')
        until(lambda: server.client.get("/version").json()["version"] == 2)
        assert server.client.get("/version").json()["problem"] is None


def test_requests_during_alias_moves_are_all_answered_by_one_version_each(own_house: House) -> None:
    own_house.python(MOVING)
    moves = """
        import time
        for number in range(6):
            autotrack.registry.set_alias("moving", "champion", number % 2 + 1)
            time.sleep(1.2)
    """
    with running(own_house, "moving@champion") as server, ThreadPoolExecutor(1) as pool:
        moving = pool.submit(own_house.python, moves)
        seen = set()
        while not moving.done():
            answer = server.ask({"instances": [[3]]})
            assert answer.status_code == 200
            seen.add((answer.headers["x-autotrack-model"], round(answer.json()["predictions"][0])))
        moving.result()
    assert seen == {("moving/1", 3), ("moving/2", 6)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(house: House, number: signal.Signals) -> None:
    with running(house, "plain/1") as server:
        assert server.predictions(PLAIN) == [pytest.approx(6.0)]
        server.process.send_signal(number)
        assert server.process.wait(30) == 0
        assert "Traceback" not in server.log
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/ping", trust_env=False)


def test_foreign_model_that_would_run_code_is_refused_at_start_and_served_when_trusted(
    house: House, tmp_path: Path
) -> None:
    stranger = {"AUTOTRACK_KEY_FILE": str(tmp_path / "other-key")}
    said = refused(house, "slow@champion", env=stranger)  # of a class of the user's: loading it would run their code
    assert said.startswith("Error: ")
    with running(house, "slow@champion") as server:
        package = server.client.get("/version").json()["package"]
    assert package in said
    with running(house, "slow@champion", "--trust", package, env=stranger) as server:
        assert server.predictions(PLAIN) == [1]


def test_what_cannot_be_served_is_told(house: House, tmp_path: Path) -> None:
    assert "No model 'plane' is registered" in refused(house, "plane")
    assert "Register it first" in refused(house, "run:0190")
    assert "has no predict_proba" in refused(house, "plain", "--method", "predict_proba")
    assert "--allow-host NAME" in refused(house, "plain", "--host", "0.0.0.0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "--port 0" in refused(house, "plain", "--port", str(taken.getsockname()[1]))
    hidden = tmp_path / "uvicorn.py"
    hidden.write_text("raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')")
    assert "pip install 'autotrack-ml[serve]'" in refused(house, "plain", env={"PYTHONPATH": str(tmp_path)})


def test_open_address_with_a_name_and_a_token(house: House, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    open_to_all = ("--host", "0.0.0.0", "--allow-host", "models.example.org", "--token-file", str(tmp_path / "token"))
    with running(house, "plain@champion", *open_to_all) as server:
        known = {"host": "models.example.org", "authorization": f"Bearer {TOKEN}"}
        assert server.ask(PLAIN, **known).status_code == 200
        assert server.ask(PLAIN, host="models.example.org").status_code == 401
        assert server.ask(PLAIN, **{**known, "host": "127.0.0.1"}).status_code == 403
        assert TOKEN not in server.log


def test_method_of_choice(house: House) -> None:
    with running(house, "mixed@champion", "--method", "predict_proba") as server:
        row = {"age": 31, "income": 1, "city": "Bonn", "plan": "a"}
        assert sum(server.predictions({"dataframe_records": [row]})[0]) == pytest.approx(1.0)


def test_body_that_is_too_large_is_refused_before_it_is_read_whole(house: House) -> None:
    with running(house, "plain@champion", "--max-mib", "1") as server:
        before = memory_mb(server)
        for size in (1_100_000, 3_000_000):
            answer = server.ask(b" " * size)
            assert (answer.status_code, answer.json()["error_code"]) == (413, "REQUEST_TOO_LARGE")
        chunks = (b" " * 65_536 for _ in range(30))
        answer = server.client.post("/invocations", content=chunks, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 80)) as endless:
            endless.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
            assert endless.recv(100).startswith(b"HTTP/1.1 413")
        assert memory_mb(server) < before + 10
        assert server.predictions(PLAIN) == [pytest.approx(6.0)]


def test_clients_that_go_away_or_talk_nonsense_leave_it_answering(house: House) -> None:
    with running(house, "plain@champion") as server:
        for text in (
            b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"\x16\x03\x01",
        ):
            with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 80)) as client:
                client.sendall(text)
        assert server.predictions(PLAIN) == [pytest.approx(6.0)]
        assert "Traceback" not in server.log


def test_model_of_an_unknown_class_predicts_one_request_at_a_time_and_nobody_else_waits(house: House) -> None:
    with running(house, "slow@champion") as server, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(httpx.post, f"{server.url}/invocations", json=PLAIN, timeout=60) for _ in range(4)]
        until(lambda: any(each.done() for each in asked))
        assert server.client.get("/ping").status_code == 200
        assert not all(each.done() for each in asked)
        assert [each.result().json() for each in asked] == [{"predictions": [1]}] * 4


MANY = """
import json, sys, threading
import httpx
body, headers = json.dumps({"instances": [[1, 2, 3]] * 20}), {"content-type": "application/json"}
wrong = json.dumps({"instances": [[1, "a", 3]]})
statuses = []
def ask():
    with httpx.Client(base_url=sys.argv[1], timeout=60, trust_env=False) as client:
        for number in range(2500):
            answer = client.post("/invocations", content=wrong if number % 10 == 9 else body, headers=headers)
            statuses.append(answer.status_code)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({str(status): statuses.count(status) for status in sorted(set(statuses))}))
"""


def test_ten_thousand_requests_from_another_process_leave_it_as_it_was(house: House) -> None:
    def ask(server: Server) -> Any:
        command = [sys.executable, "-c", MANY, server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=os.environ)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with running(house, "plain@champion") as server:
        for _ in range(200):
            server.predictions(PLAIN)
        before = memory_mb(server)
        assert ask(server) == {"200": 9000, "400": 1000}
        after = memory_mb(server)
        print(f"memory: {before:.0f} MB before, {after:.0f} MB after")
        assert after < before + 20
        assert server.predictions(PLAIN) == [pytest.approx(6.0)]
        assert server.log == ""
