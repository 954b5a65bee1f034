"""What a served model answers: `autotrack serve` beside MLflow's server, the same pipeline, the same bodies.

Both servers are alive at once, each with a model of its own Python, and take turns: a block of requests each, by one
client and by eight, on connections that stay open. Printed are medians over the blocks. MLflow is measured where
`--mlflow-python` names a Python that has it. How to read it: README.md beside this file.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

FEATURES = 30
READY_S = 120  # for a server to answer /ping
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
FIT = f"""
import sys
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, {FEATURES}))).rename(columns="f{{}}".format)
y = (X["f0"] + X["f1"] > 0).astype(int)
model = make_pipeline(StandardScaler(), LogisticRegression())
"""
AUTOTRACK = """
import autotrack
autotrack.enable(store=sys.argv[1])
model.fit(X, y)
autotrack.register_model(autotrack.last_run(), "bench", alias="champion")
"""
MLFLOW = """
import mlflow.sklearn
from mlflow.models import infer_signature
model.fit(X, y)
mlflow.sklearn.save_model(model, sys.argv[1], signature=infer_signature(X, y), skops_trusted_types=["numpy.dtype"])
"""


@dataclass(frozen=True)
class Server:
    """A running server; its processes are those of the session `leader` leads."""

    port: int
    leader: int

    def cpu_s(self) -> float:
        """Processor time of all its processes."""
        return sum(TICK_S * (int(fields[11]) + int(fields[12])) for fields in self._processes())

    def memory_mb(self) -> float:
        """What its largest process has in memory."""
        return max(int(fields[21]) for fields in self._processes()) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _processes(self) -> Iterator[list[str]]:
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            if int(fields[3]) == self.leader:
                yield fields


@contextmanager
def served(name: str, python: str, folder: Path) -> Iterator[Server]:
    """A server of the model, from its fit to its end."""
    own = folder / name
    own.mkdir()
    bin_folder = os.path.dirname(os.path.abspath(python))
    env = {**os.environ, "HOME": str(own), "OMP_NUM_THREADS": "1", "AUTOTRACK_STORE": f"{own}/model"}
    env |= {"PATH": f"{bin_folder}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    script = FIT + (AUTOTRACK if name == "autotrack" else MLFLOW)
    with (own / "log").open("wb") as log:
        subprocess.run([python, "-c", script, f"{own}/model"], cwd=own, env=env, stdout=log, stderr=log, check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = ["autotrack", "serve", "bench@champion"]
        if name != "autotrack":
            command = ["mlflow", "models", "serve", "-m", f"{own}/model", "--env-manager", "local"]
        process = subprocess.Popen(
            [python, "-m", *command, "--port", str(port)],
            cwd=own,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(port, own / "log")
            yield Server(port, process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def wait_for(port: int, log: Path) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            if b"200 OK" in Client(port).ask(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(log.read_text("utf-8", "replace")[-2000:])


class Client:
    """One connection, with as little in it as can be: what it takes is not the server's."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """The whole answer, headers and all."""
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received()
        head, _, rest = data.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(rest) < length:
            rest += self._received()
        return head + rest

    def _received(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server has closed the connection")
        return data


def request_of(form: str, rows: int) -> bytes:
    """A whole request, ready to be sent."""
    data = [[round(0.01 * (row + at) - 0.5, 4) for at in range(FEATURES)] for row in range(rows)]
    names = [f"f{at}" for at in range(FEATURES)]
    content: object = {"columns": names, "data": data}
    if form == "dataframe_records":
        content = [dict(zip(names, row, strict=True)) for row in data]
    body = json.dumps({form: content}).encode()
    lines = ["POST /invocations HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "\r\n"]).encode() + body


def block(server: Server, request: bytes, clients: int, requests: int) -> dict[str, float]:
    """Requests per second, latencies and the server's processor time, of one block."""
    latencies: list[float] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            client = Client(server.port)
            for _ in range(requests // clients):
                began = time.perf_counter()
                answer = client.ask(request)
                latencies.append(time.perf_counter() - began)
                if b"200 OK" not in answer[:20]:
                    raise RuntimeError(answer[:1000].decode("utf-8", "replace"))
        except BaseException as error:
            failed.append(error)

    cpu_s, began = server.cpu_s(), time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    wall_s = time.perf_counter() - began
    ordered = sorted(latencies)
    return {
        "per_s": len(ordered) / wall_s,
        "median_ms": 1e3 * statistics.median(ordered),
        "p99_ms": 1e3 * ordered[int(0.99 * len(ordered))],
        "cpu_ms": 1e3 * (server.cpu_s() - cpu_s) / len(ordered),
    }


def measure(servers: dict[str, Server], rounds: int, requests: int) -> list[dict[str, object]]:
    """A row for each body, number of clients and server."""
    rows: list[dict[str, object]] = []
    for form, size in (("dataframe_split", 1), ("dataframe_records", 1), ("dataframe_split", 1000)):
        request = request_of(form, size)
        for clients in (1, 8):
            count = max(clients * 4, requests if size == 1 else requests // 10)
            found: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
            for server in servers.values():
                block(server, request, clients, clients * 4)  # the first requests of a kind do not count
            for turn in range(rounds):
                for name in list(servers)[:: 1 if turn % 2 else -1]:
                    found[name].append(block(servers[name], request, clients, count))
            for name, blocks in found.items():
                medians = {key: statistics.median(each[key] for each in blocks) for key in blocks[0]}
                rows.append({"body": f"{form}, {size:,} rows", "clients": clients, "server": name, **medians})
    return rows


def as_table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| body | clients | server | requests a second | median (ms) | 99 % (ms) | CPU a request (ms) |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        numbers = " | ".join(f"{row[key]:,.3g}" for key in ("median_ms", "p99_ms", "cpu_ms"))
        lines.append(f"| {row['body']} | {row['clients']} | {row['server']} | {row['per_s']:,.0f} | {numbers} |")
    return "\n".join(lines)


def main() -> None:
    """Fit, serve, ask, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--mlflow-python", metavar="PATH", help="a Python that has MLflow; without it, MLflow is left out"
    )
    parser.add_argument("--rounds", type=int, default=5, help="blocks of each server for each line")
    parser.add_argument("--requests", type=int, default=400, help="in a block; a tenth of it where they are large")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    pythons = {"autotrack": sys.executable}
    if arguments.mlflow_python:
        pythons["mlflow"] = arguments.mlflow_python
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        servers = {name: stack.enter_context(served(name, python, Path(folder))) for name, python in pythons.items()}
        rows = measure(servers, arguments.rounds, arguments.requests)
        memory = {name: round(server.memory_mb()) for name, server in servers.items()}
    if arguments.json:
        print(json.dumps({"rows": rows, "memory_mb": memory}, indent=2))
        return
    print(as_table(rows))
    print("\nMemory: " + ", ".join(f"{name} {value:,} MB" for name, value in memory.items()))


if __name__ == "__main__":
    main()
