"""A PyTorch training, all it leaves and all it lets go are the same with and without autotrack."""

import copy
import gc
import inspect
import pickle
import warnings
import weakref
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

import autotrack
from recorded import only_run
from torch_training import data, facts, pickled, train

# ---- what stays the same


def test_a_training_and_all_it_leaves_is_the_same_to_the_last_bit(store_path):
    plain = facts(train())
    autotrack.enable(store=store_path)
    assert facts(train()) == plain
    assert only_run().history("train_loss").values == pytest.approx(plain[0])
    assert b"autotrack" not in plain[2] + b"".join(plain[3])


def test_optimizers_and_schedulers_are_pickled_as_without(store_path):
    def texts():
        model, optimizer, scheduler, *_ = train()
        copies = copy.deepcopy((model, optimizer))
        whole = pickle.loads(pickle.dumps((model, optimizer, scheduler)))
        return [[pickled(part) for part in whole], [sorted(vars(part)) for part in copies]]

    plain = texts()
    autotrack.enable(store=store_path)
    assert texts() == plain


def test_signatures_names_and_documentation_are_the_functions_own(store_path):
    def told():
        functions = [
            functional.cross_entropy,
            functional.mse_loss,
            torch.autograd.backward,
            DataLoader.__iter__,
            nn.Module.__init__,
        ]
        return [(inspect.signature(f), f.__name__, f.__qualname__, f.__module__, f.__doc__) for f in functions]

    plain = told()
    autotrack.enable(store=store_path)
    assert told() == plain


def test_errors_reach_the_user_without_context_or_notes_of_ours(store_path):
    autotrack.enable(store=store_path)
    for mistake, kind in (
        (lambda: functional.cross_entropy(torch.randn(4, 3), torch.tensor([0, 1])), ValueError),
        (lambda: torch.randn(3).backward(), RuntimeError),
        (lambda: torch.randn(3).item(), RuntimeError),
        (lambda: torch.optim.SGD([], lr=0.1), ValueError),
    ):
        with pytest.raises(kind) as raised:
            mistake()
        assert raised.value.__context__ is None
        assert not hasattr(raised.value, "__notes__")


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_evaluation_in_any_mode_is_the_same(store_path, mode, deterministic):
    def outcome():
        torch.use_deterministic_algorithms(deterministic)
        try:
            model, *_, losses, _ = train()
            X, y = data()
            with mode():
                output = model.eval()(X)
                return losses, functional.cross_entropy(output, y).item(), output.tolist(), output.is_inference()
        finally:
            torch.use_deterministic_algorithms(False)

    plain = outcome()
    autotrack.enable(store=store_path)
    assert outcome() == plain


def test_a_training_wholly_inside_the_detection_of_anomalies_is_the_same(store_path):
    def outcome():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autograd.set_detect_anomaly(True):
                return facts(train())

    plain = outcome()
    autotrack.enable(store=store_path)
    assert outcome() == plain


# ---- what is let go


class Kept(torch.autograd.Function):
    """Remembers, weakly, what backward would need."""

    alive: ClassVar[list] = []

    @staticmethod
    def forward(ctx, x):
        saved = x * 2
        ctx.save_for_backward(saved)
        ctx.note = type("Note", (), {})()
        Kept.alive += [weakref.ref(ctx.note), weakref.ref(saved)]
        return x * 1

    @staticmethod
    def backward(ctx, gradient):
        return gradient


USES = {
    "backward and step": lambda loss, optimizer: (loss.backward(), optimizer.step()),
    "backward and no step": lambda loss, optimizer: loss.backward(),
    "neither": lambda loss, optimizer: None,
    "scaled": lambda loss, optimizer: ((loss * 1024.0).backward(), optimizer.step()),
    "divided": lambda loss, optimizer: ((loss / 4).backward(), optimizer.step()),
    "retained": lambda loss, optimizer: (loss.backward(retain_graph=True), optimizer.step()),
    "read": lambda loss, optimizer: loss.item(),
    "of higher order": lambda loss, optimizer: torch.autograd.grad(
        loss, optimizer.param_groups[0]["params"], create_graph=True
    ),
}


@pytest.mark.parametrize("use", USES)
def test_the_graph_of_a_loss_dies_with_the_loss(store_path, use):
    autotrack.enable(store=store_path)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    X, y = data()
    for reduction in ("mean", "sum", "none"):
        for _ in range(3):
            optimizer.zero_grad()
            Kept.alive.clear()
            loss = functional.cross_entropy(Kept.apply(model(X)), y, reduction=reduction)
            USES[use](loss.mean() if reduction == "none" else loss, optimizer)
            del loss
            assert [each() for each in Kept.alive] == [None, None]


def test_models_optimizers_loaders_and_batches_are_not_kept_alive(store_path):
    autotrack.enable(store=store_path)
    model, optimizer, scheduler, *_ = train()
    dataset = TensorDataset(*data())
    loader = DataLoader(dataset, batch_size=8)
    batch = next(iter(loader))
    functional.cross_entropy(model(batch[0]), batch[1])
    left = [weakref.ref(each) for each in (model, optimizer, scheduler, loader, dataset, *batch)]
    del model, optimizer, scheduler, loader, dataset, batch
    only_run()
    gc.collect()
    assert [each() for each in left] == [None] * len(left)


MEMORY = """
    import gc, json, sys
    import psutil, torch, autotrack
    autotrack.enable(store=sys.argv[1])
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    X, y = torch.randn(8, 4), torch.randn(8, 1)
    def size_after(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(X), y)
            loss.backward()
            optimizer.step()
            loss.item()
        gc.collect()
        return psutil.Process().memory_info().rss
    before = size_after(6_000)
    print(json.dumps(size_after(20_000) - before))
"""


@pytest.mark.slow
def test_memory_does_not_grow_over_many_steps(run_python, store_path):
    # A tensor, a graph or a dict kept in each step would be 10 MB and more.
    assert run_python(MEMORY, str(store_path), timeout_s=120) < 5e6


def test_warnings_are_those_of_the_training_and_point_where_they_did(store_path):
    def told():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            scheduler = lr_scheduler.StepLR(optimizer, 1)
            scheduler.step()  # before the optimizer
            for _ in range(3):
                functional.mse_loss(model(torch.randn(8, 4)), torch.randn(8)).backward()  # sizes that are broadcast
                functional.l1_loss(model(torch.randn(8, 4)), torch.randn(8), size_average=True)
                optimizer.step()
        return [(str(each.message), each.category, each.filename, each.lineno) for each in caught]

    plain = told()
    assert len(plain) > 2
    autotrack.enable(store=store_path)
    assert told() == plain


def test_functions_imported_before_enabling_can_be_pickled_and_compared(store_path):
    before = functional.cross_entropy
    autotrack.enable(store=store_path)
    assert pickle.loads(pickle.dumps(before)) is functional.cross_entropy  # as torch.save(model) does with an attribute
    during = functional.cross_entropy
    autotrack.disable()
    assert pickle.loads(pickle.dumps(during)) is before


def test_functions_imported_before_enabling_are_heard(store_path):
    before = functional.cross_entropy
    autotrack.enable(store=store_path)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    (X, y), (X_val, y_val) = data(1), data(2)
    for _epoch in range(2):
        for _ in range(2):
            before(model(X), y).backward()
            optimizer.step()
        with torch.no_grad():
            before(model(X_val), y_val)
    assert len(only_run().history("train_loss")) == 4
    assert len(only_run().history("val_loss")) == 2
