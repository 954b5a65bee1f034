"""Workers that reach their study through a gRPC proxy: one run, whatever data base the proxy stands before."""

import contextlib
import os
import socket
import subprocess
import sys
import textwrap

import pytest

import autotrack

pytest.importorskip("grpc")

PASSWORD = "correct-horse-battery"

PROXY = """
    import sys, warnings, optuna
    warnings.simplefilter("ignore")
    storage = optuna.storages.RDBStorage(f"sqlite:///{sys.argv[1]}/{sys.argv[3]}.db")
    optuna.storages.run_grpc_proxy_server(storage, host="127.0.0.1", port=int(sys.argv[2]))
"""

WORKER = """
    import sys, warnings, autotrack, optuna
    warnings.simplefilter("ignore")
    autotrack.enable(store=sys.argv[1] + "/store")
    storage = optuna.storages.GrpcStorageProxy(host="127.0.0.1", port=int(sys.argv[2]))
    storage.wait_server_ready(timeout=60)
    study = optuna.create_study(study_name="shared", storage=storage, load_if_exists=True,
                                sampler=optuna.samplers.RandomSampler())
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=10)
"""


def start(script, *args):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, args)]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)


@pytest.fixture
def port(tmp_path):
    """Where a proxy listens before a data base whose name nobody is to know."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        number = unused.getsockname()[1]
    with contextlib.ExitStack() as ended:
        server = ended.enter_context(start(PROXY, tmp_path, number, PASSWORD))
        ended.callback(server.kill)
        yield number


@pytest.mark.slow
def test_workers_on_one_proxy_are_one_study_and_what_is_behind_it_is_not_told(port, tmp_path):
    workers = [start(WORKER, tmp_path, port) for _ in range(2)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    autotrack.enable(store=tmp_path / "store")
    (run,) = autotrack.search_runs("parent is null")
    trials = run.trials()
    assert [int(trial.tags["trial"]) for trial in trials] == list(range(20))
    assert len({trial.tags["worker"] for trial in trials}) == 2
    assert (run.params["storage"], run.params["storage.at"]) == ("grpc", f"localhost:{port}")
    assert run.best.id == min(trials, key=lambda trial: trial.metrics["value"]).id
    assert (run.status, run.metrics["trials_done"]) == ("finished", 20)
    for file in (tmp_path / "store").rglob("*"):
        assert file.is_dir() or PASSWORD.encode() not in file.read_bytes(), file
