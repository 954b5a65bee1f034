"""One job of PyTorch is one run: the first rank records it, the others are silent; spawned trainers are children."""

import textwrap

import pytest

import autotrack

pytest.importorskip("torch")

pytestmark = pytest.mark.slow

SCRIPT = """
    import os, sys
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, TensorDataset
    from torch.utils.data.distributed import DistributedSampler

    def train(is_wrapped=True, epochs=2):
        torch.manual_seed(0)
        X = torch.arange(160.0).reshape(40, 4).sin()
        data = TensorDataset(X, (X.sum(1) > 0).long())
        net = torch.nn.Linear(4, 2)
        model = DistributedDataParallel(net) if is_wrapped else net
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        criterion = torch.nn.CrossEntropyLoss()
        sampler = DistributedSampler(data) if is_wrapped else None
        train_loader = DataLoader(data, batch_size=5, sampler=sampler)
        for epoch in range(epochs):
            if sampler is not None:
                sampler.set_epoch(epoch)
            for X, y in train_loader:
                optimizer.zero_grad()
                loss = criterion(model(X), y)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                for X, y in DataLoader(data, batch_size=40):
                    criterion(net(X), y)
        return [part.tolist() for part in net.parameters()]
"""

JOB = """
    if __name__ == "__main__":
        if "late" not in sys.argv:
            import autotrack
            autotrack.enable(store=sys.argv[1])
        dist.init_process_group("gloo")
        weights = train()
        rank = dist.get_rank()
        dist.destroy_process_group()
        with open(f"weights_{rank}", "w") as file:
            file.write(str(weights))
"""

SPAWN = """
    import autotrack

    def work(rank, port, is_job):
        if is_job:
            os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
            dist.init_process_group("gloo", rank=rank, world_size=2)
        train(is_wrapped=is_job)
        if is_job:
            dist.destroy_process_group()

    if __name__ == "__main__":
        import socket
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        autotrack.enable(store=sys.argv[1])
        with autotrack.start_run("mine"):
            torch.multiprocessing.spawn(work, args=(port, "job" in sys.argv), nprocs=2)
"""


@pytest.fixture
def run_script(run_file, store_path, monkeypatch):
    """Run a script in a file; what it left is read from the store."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(source, *words, start=()):
        run_file(textwrap.dedent(SCRIPT) + textwrap.dedent(source), *words, start=start)
        autotrack.enable(store=store_path)
        return list(reversed(autotrack.search_runs()))

    return run


TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--rdzv-backend", "c10d")
TORCHRUN = (*TORCHRUN, "--rdzv-endpoint", "127.0.0.1:0")


def test_a_job_of_torchrun_is_one_run_of_the_model_that_is_trained_in_parallel(run_script, tmp_path):
    (run,) = run_script(JOB, start=TORCHRUN)
    history = run.history("train_loss")
    assert list(zip(history.steps, history.epochs, strict=True)) == [(step, step // 4) for step in range(8)]
    assert run.history("val_loss").steps == [4, 8]
    assert (run.params["model"], run.params["n_parameters"]) == ("Linear", 10)
    weights = (tmp_path / "weights_0").read_text()
    assert weights == (tmp_path / "weights_1").read_text()
    loaded = autotrack.load_model(f"run:{run.id}")
    assert str([part.tolist() for part in loaded.parameters()]) == weights


def test_weights_of_a_job_are_the_same_with_and_without(run_script, tmp_path):
    run_script(JOB, start=TORCHRUN)
    recorded = (tmp_path / "weights_1").read_text()
    assert len(run_script(JOB, "late", start=TORCHRUN)) == 1
    assert (tmp_path / "weights_1").read_text() == recorded


def test_a_job_started_under_autotrack_run_is_one_run(run_script, monkeypatch, store_path):
    monkeypatch.setenv("AUTOTRACK_STORE", str(store_path))
    launcher = ("-m", "autotrack", "run", "-m", *TORCHRUN[1:])
    (run,) = run_script(JOB, "late", start=launcher)
    assert len(run.history("train_loss").values) == 8


@pytest.mark.parametrize("kind", ["job", "trainers"])
def test_spawned_processes_are_children_of_the_open_run_and_of_a_job_only_the_first(run_script, kind):
    runs = run_script(SPAWN, kind)
    (mine,) = [run for run in runs if run.parent is None]
    children = [run for run in runs if run.parent is not None]
    assert len(children) == {"job": 1, "trainers": 2}[kind]
    assert {child.parent.id for child in children} == {mine.id}
    assert all(len(child.history("train_loss").values) == {"job": 8, "trainers": 16}[kind] for child in children)
    assert {child.status for child in children} == {"finished"}
