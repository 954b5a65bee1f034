"""A training that goes on from its checkpoint goes on in its run; one that only takes the weights has its own."""

import signal

import pytest
import torch
from torch import nn
from torch.nn import functional

import autotrack
from recorded import only_run, runs

SCRIPT = """
    import os, signal, sys, time
    import torch
    from torch import nn
    import autotrack
    autotrack.enable(store=sys.argv[1])
    torch.manual_seed(0)
    X = torch.randn(16, 4)
    y = X.sum(1, keepdim=True)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    start = 0
    if os.path.exists("last.pt"):
        state = torch.load("last.pt")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["epoch"] + 1
    for epoch in range(start, 5):
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(X), y).backward()
            optimizer.step()
            if sys.argv[2:] and epoch == 3:
                time.sleep(1)  # what was recorded is written every 200 ms
                os.kill(os.getpid(), signal.SIGKILL)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state, "last.pt")
"""


@pytest.mark.slow
def test_training_that_was_killed_goes_on_in_its_run(run_file, store_path):
    run_file(SCRIPT, "die", code=-signal.SIGKILL)
    autotrack.enable(store=store_path)
    before = only_run()
    assert before.status == "killed"
    run_file(SCRIPT)
    run = only_run()
    assert (run.id, run.status) == (before.id, "finished")
    history = run.history("train_loss")
    assert sorted(set(history.steps)) == list(range(20))
    assert list(run.history("train_loss_epoch").steps) == [3, 7, 11, 15, 19]
    assert set(run.models) >= {"model", "best"}


def save_and_load(tmp_path, *, optimizer_too, fresh=False):
    def train(model, optimizer):
        X = torch.ones(8, 4)
        for _epoch in range(2):
            for _ in range(3):
                optimizer.zero_grad()
                functional.mse_loss(model(X), torch.zeros(8, 1)).backward()
                optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "last.pt")

    def made():
        model = nn.Linear(4, 1)
        return model, torch.optim.SGD(model.parameters(), lr=0.1)

    train(*made())
    model, optimizer = made()
    state = torch.load(tmp_path / "last.pt")
    model.load_state_dict(state["model"])
    if optimizer_too:
        optimizer.load_state_dict(optimizer.state_dict() if fresh else state["optimizer"])
    train(model, optimizer)


def test_training_that_takes_only_the_weights_of_another_has_its_own_run(store_path, tmp_path):
    autotrack.enable(store=store_path)
    save_and_load(tmp_path, optimizer_too=False)
    first, second = runs()
    assert "resumed from" not in first.tags
    assert second.tags["resumed from"] == first.id
    assert [len(run.history("train_loss")) for run in (first, second)] == [6, 6]


def test_training_that_takes_the_optimizer_as_well_goes_on(store_path, tmp_path):
    autotrack.enable(store=store_path)
    save_and_load(tmp_path, optimizer_too=True)
    assert only_run().history("train_loss").steps == list(range(12))


def test_in_a_run_of_the_users_it_stays_in_that(store_path, tmp_path):
    autotrack.enable(store=store_path)
    with autotrack.start_run("mine"):
        save_and_load(tmp_path, optimizer_too=True)
    assert only_run().name == "mine"


def test_optimizer_that_takes_another_state_does_not_go_on(store_path, tmp_path):
    autotrack.enable(store=store_path)
    save_and_load(tmp_path, optimizer_too=True, fresh=True)
    assert len(runs()) == 2
