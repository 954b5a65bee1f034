"""PyTorch trainings go on, and are told apart, where hooks fail, threads train at once and processes fork."""

import copy
import gc
import importlib
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import autotrack
import torch_training
from autotrack.errors import AutotrackWarning
from recorded import only_run, runs
from torch_training import data, facts, train
from workers import threads_at_once

# ---- hooks that fail


class Rate(float):
    """A learning rate that cannot be compared, as a number with units may be."""

    def __ne__(self, other):
        raise TypeError("a rate is not compared")

    def __eq__(self, other):
        raise TypeError("a rate is not compared")

    __hash__ = float.__hash__


class Asked(nn.Module):
    """A module that answers only the optimizer's question for its parameters."""

    def __init__(self):
        torch.manual_seed(0)
        super().__init__()
        self.head = nn.Linear(4, 3)
        self.asked = 0

    def forward(self, x):
        return self.head(x)

    def named_parameters(self, *args, **kwargs):
        self.asked += 1
        if self.asked > 1:
            raise RuntimeError("asked twice")
        return super().named_parameters(*args, **kwargs)


class Grumpy(TensorDataset):
    """A data set of which nothing can be asked but its samples, least of all where they lie."""

    def __init__(self, *tensors):
        self.lying = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.lying)

    def __len__(self):
        return len(self.lying[0])

    def __getattr__(self, name):
        raise AttributeError(name) if name.startswith("__") else RuntimeError(f"no {name} here")


WEIRD = {
    "rate": lambda: {"lr": Rate(0.1)},
    "module": lambda: {"model": Asked()},
    "dataset": lambda: {"dataset": Grumpy(*data())},
}


@pytest.mark.usefixtures("lenient_guard")
@pytest.mark.parametrize("weird", WEIRD)
def test_objects_that_make_our_hooks_fail_leave_the_training_as_it_is(store_path, weird):
    *_, losses, evaluated = train(**WEIRD[weird]())
    autotrack.enable(store=store_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        *_, tracked, tracked_evaluated = train(**WEIRD[weird]())
    assert (tracked, tracked_evaluated) == (losses, evaluated)
    told = [str(each.message) for each in caught if each.category is AutotrackWarning]
    assert len(told) == len(set(told))


SEAMS = [
    ("training", "Training", "before_step"),
    ("training", "Training", "after_step"),
    ("training", "Training", "end_evaluations"),
    ("training", "Training", "open"),
    ("weights", "Weights", "judge"),
    ("weights", "Weights", "moved"),
    ("steps", "StepWatch", "_before_step"),
]


@pytest.mark.usefixtures("lenient_guard")
@pytest.mark.parametrize(("module", "owner", "name"), SEAMS)
def test_a_hook_that_fails_is_told_once_and_training_goes_on(store_path, monkeypatch, module, owner, name):
    def fails(*args, **kwargs):
        raise ZeroDivisionError("our mistake")

    plain = facts(train())
    where = importlib.import_module(f"autotrack_integrations.torch.{module}")
    monkeypatch.setattr(getattr(where, owner), name, fails)
    autotrack.enable(store=store_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tracked = facts(train())
        gc.collect()
    assert tracked == plain
    told = [str(each.message) for each in caught if each.category is AutotrackWarning]
    assert len(told) == 1
    assert "our mistake" in told[0]
    assert [each.filename for each in caught if each.category is AutotrackWarning] == [torch_training.__file__]


# ---- threads and processes


def test_two_threads_that_train_at_once_have_a_run_each(store_path):
    autotrack.enable(store=store_path)

    def work(seed):
        generator = torch.Generator().manual_seed(seed)
        X, y = torch.randn(32, 4, generator=generator), torch.randn(32, 1, generator=generator)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01 * (seed + 1))
        losses = []
        for _ in range(50):
            optimizer.zero_grad()
            loss = functional.mse_loss(model(X), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return 0.01 * (seed + 1), losses

    outcomes = dict(threads_at_once(2, work))
    recorded = {run.params["optimizer.lr"]: run.history("train_loss").values for run in runs()}
    assert recorded.keys() == outcomes.keys()
    for lr, losses in outcomes.items():
        assert recorded[lr] == pytest.approx(losses)


FORK = """
    import json, os, sys
    import torch, autotrack
    autotrack.enable(store=sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    X, y = torch.randn(8, 4), torch.randn(8, 1)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(X), y)
        loss.backward()
        if step == 4:
            child = os.fork()
        optimizer.step()
        losses.append(loss.item())
        if step == 6 and not child:
            os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    del optimizer
    recorded = [run.history("train_loss").values for run in autotrack.search_runs() if run.parent is None]
    print(json.dumps([code, losses, [[float(value) for value in values] for values in recorded]]))
"""


@pytest.mark.slow
def test_a_fork_in_mid_training_adds_nothing_to_its_run(run_python, store_path):
    code, losses, recorded = run_python(FORK, str(store_path))
    assert code == 0
    assert len(recorded) == 1
    assert recorded[0] == pytest.approx(losses)


def test_workers_of_a_loader_record_nothing(store_path):
    class Scored(torch.utils.data.Dataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            with torch.no_grad():
                return functional.mse_loss(torch.ones(2), torch.zeros(2)).item() + index

    autotrack.enable(store=store_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sum(float(batch.sum()) for batch in DataLoader(Scored(), num_workers=1)) == 36
    assert not store_path.exists() or runs() == []


# ---- what is left out


def test_a_paused_training_is_not_on_record(store_path):
    autotrack.enable(store=store_path)
    with autotrack.paused():
        train()
    gc.collect()
    assert not store_path.exists() or runs() == []


def test_steps_of_a_pause_are_left_out(store_path):
    autotrack.enable(store=store_path)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    X, y = data()
    losses = []
    for number in range(6):
        with autotrack.paused() if number % 2 else warnings.catch_warnings():
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
        if number % 2 == 0:
            losses.append(loss.item())
    assert only_run().history("train_loss").values == pytest.approx(losses)


def test_no_model_is_kept_where_none_is_wanted(store_path):
    autotrack.enable(store=store_path, log_models=False)
    _, _, _, losses, _ = train()
    run = only_run()
    assert run.models == {}
    assert run.history("train_loss").values == pytest.approx(losses)


def test_parts_that_are_left_out_are_not_on_record(store_path):
    autotrack.enable(store=store_path, leave_out=["tables", "fingerprints"])
    train()
    run = only_run()
    assert "modules" not in run.tables
    assert run.params["optimizer"] == "SGD"


def test_best_weights_are_chosen_by_the_metric_that_is_named(store_path):
    autotrack.enable(store=store_path, monitor="val_accuracy")
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    X, y = data()
    states = []
    for _epoch in range(3):
        for _ in range(2):
            optimizer.zero_grad()
            functional.cross_entropy(model(X), y % 2).backward()
            optimizer.step()
        states.append(copy.deepcopy(model.state_dict()))
        with torch.no_grad():
            chosen = model(X).argmax(1)
            functional.cross_entropy(model(X), chosen if _epoch == 1 else 1 - chosen)
    best = autotrack.load_model(f"run:{only_run().id}/best")
    assert only_run().params["best_epoch"] == 1
    assert all(torch.equal(states[1][name], value) for name, value in best.state_dict().items())


def test_best_weights_are_whole_though_a_part_of_the_module_was_replaced(store_path):
    autotrack.enable(store=store_path)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    X, y = torch.randn(16, 4), torch.randint(0, 2, (16,))
    evaluated = []
    for epoch in range(6):
        if epoch == 1:
            model[2] = nn.Linear(4, 2)
            optimizer.add_param_group({"params": model[2].parameters()})
        for _ in range(4):
            optimizer.zero_grad()
            functional.cross_entropy(model(X), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            output = model(X)
            evaluated.append((functional.cross_entropy(output, y).item(), output))
        model.train()
    del optimizer
    assert min(evaluated, key=lambda each: each[0]) is evaluated[-1]
    best = autotrack.load_model(f"run:{only_run().id}/best").eval()
    assert torch.equal(best(X), evaluated[-1][1])


@pytest.mark.parametrize("how", ["item", "tolist"])
def test_what_the_script_reads_is_recorded_under_its_name(store_path, how):
    autotrack.enable(store=store_path)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.Adam(model.parameters())
    X, y = torch.randn(16, 4), torch.randint(0, 2, (16,))
    read = []
    for _epoch in range(3):
        output = model(X)
        optimizer.zero_grad()
        functional.cross_entropy(output, y).backward()
        optimizer.step()
        confidence = output.detach().softmax(1).max(1).values.mean()
        sure = confidence.item() if how == "item" else confidence.tolist()
        read.append(sure)
        assert X.tolist()[0] == [value.item() for value in X[0]]
    assert only_run().history("sure").values == pytest.approx(read)
