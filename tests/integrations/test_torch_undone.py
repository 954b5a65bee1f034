"""What autotrack watches in PyTorch is put back exactly, in whatever order things happen."""

import builtins
import contextlib
import json
import subprocess
import sys
import textwrap
from types import FunctionType

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.optim import optimizer as optimizers
from torch.utils.data import DataLoader, dataloader

import autotrack
from autotrack.run import heard
from recorded import runs
from torch_training import EPOCHS, STEPS_PER_EPOCH, train


def everything():
    """Every attribute of what may be watched, as it is stored, the code of functions, and all global hooks."""
    classes = [torch.Tensor, nn.Module, DataLoader, *optimizers.Optimizer.__subclasses__(), optimizers.Optimizer]
    classes += [lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau, nn.modules.loss._Loss]
    classes += [*lr_scheduler.LRScheduler.__subclasses__(), *nn.modules.loss._Loss.__subclasses__()]
    classes += [dataloader._BaseDataLoaderIter, *dataloader._BaseDataLoaderIter.__subclasses__()]
    modules = [
        functional,
        torch,
        torch.autograd,
        nn,
        torch.optim,
        optimizers,
        lr_scheduler,
        dataloader,
        torch.utils.data,
    ]
    found = {}
    for owner in (*classes, *modules, builtins):
        for name, value in vars(owner).items():
            if name not in ("__dict__", "__weakref__", "__warningregistry__"):
                found[owner.__name__, name] = value
                if isinstance(value, FunctionType):  # watched in place
                    found[owner.__name__, name, "code"] = value.__code__
                    found[owner.__name__, name, "__wrapped__"] = value.__dict__.get("__wrapped__")
    for module in (optimizers, nn.modules.module, torch.overrides):
        for name, value in vars(module).items():
            if isinstance(value, dict) and "hook" in name.lower():
                found.update({(name, key): hook for key, hook in value.items()})
    return found


def test_disable_leaves_every_attribute_and_hook_as_it_was(store_path):
    train()  # torch wraps the step of an optimizer's class when the first one is made
    before = everything()
    for _ in range(2):
        autotrack.enable(store=store_path)
        autotrack.enable()
        watched = everything()
        assert sum(watched[key] is not before[key] for key in before) > 20
        train()
        autotrack.disable()
        after = everything()
        assert after.keys() == before.keys()
        assert [key for key in before if after[key] is not before[key]] == []
    assert len(runs()) == 2


ORDERS = {
    "import, enable": "import torch; enable(); disable()",
    "enable, import": "enable(); import torch; disable()",
    "train, enable, train": "import torch; train(); enable(); train(); disable()",
    "disabled before import": "enable(); disable(); import torch",
    "twice": "enable(); import torch; train(); disable(); disable(); enable(); enable(); train(); disable()",
    "optimizer lives on": "enable(); kept = train(); disable(); enable(); train(); disable()",
}
SURVEY = """
    import builtins, json, sys
    import autotrack
    def enable(): autotrack.enable(store=sys.argv[1])
    disable = autotrack.disable
    def train():
        import torch
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            torch.nn.functional.mse_loss(model(torch.ones(4, 2)), torch.ones(4, 1)).backward()
            optimizer.step()
        return optimizer
    {order}
    import torch, tqdm
    if {whole}:
        import torchmetrics, torch.utils.tensorboard
    train()
    def place(value):
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        return type(value).__name__ if code is None else [code.co_filename, code.co_name, code.co_firstlineno]
    from torch.optim import lr_scheduler, optimizer
    from torch.utils.data import dataloader
    owners = [torch.nn.functional, torch.autograd, torch.Tensor, torch.optim.SGD, torch.optim.Optimizer,
        torch.nn.Module, dataloader, dataloader.DataLoader, dataloader._BaseDataLoaderIter,
        dataloader._SingleProcessDataLoaderIter,
        lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau, optimizer, tqdm.tqdm, builtins, sys]
    owners += [torchmetrics.Metric, torch.utils.tensorboard.SummaryWriter] if {whole} else []
    stored = [(owner.__name__, *item) for owner in owners for item in vars(owner).items()]
    found = {{f"{{owner}}.{{key}}": place(value) for owner, key, value in stored
        if not key.startswith("__") or callable(value)}}
    hooks = optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks
    finders = [str(finder) for finder in sys.meta_path if "autotrack" in str(finder)]
    print(json.dumps([found, [len(each) for each in hooks], finders, type(sys.stdout).__name__]))
"""


@pytest.fixture(scope="module")
def survey_without():
    """What stands in each attribute where autotrack was never enabled."""
    script = textwrap.dedent(SURVEY.format(order="pass", whole=True))
    done = subprocess.run([sys.executable, "-c", script, ""], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_importing_and_enabling_is_undone_exactly(run_python, store_path, survey_without, order):
    whole = order == "twice"
    found, *others = run_python(SURVEY.format(order=ORDERS[order], whole=whole), str(store_path), timeout_s=120)
    plain, *plain_others = survey_without
    assert {name: place for name, place in found.items() if plain.get(name) != place} == {}
    assert others == plain_others
    assert not whole or found.keys() == plain.keys()


def lay_over(owner, name):
    """Put somebody else's wrapper around what is there now. Returns it, and how often it was called."""
    inner, calls = getattr(owner, name), []

    def foreign(*args, **kwargs):
        calls.append(name)
        return inner(*args, **kwargs)

    setattr(owner, name, foreign)
    return foreign, calls


@pytest.fixture
def left_as_it_was(request):
    """A function whose argument, an attribute, is at the end of the test what it is now."""

    def leave(owner, name):
        before = vars(owner).get(name)
        restore = (lambda: delattr(owner, name)) if before is None else (lambda: setattr(owner, name, before))
        request.addfinalizer(restore)

    return leave


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (functional, "cross_entropy"),
        (torch.autograd, "backward"),
        (torch.Tensor, "item"),
        (optimizers.Optimizer, "__init__"),
    ],
)
def test_a_foreign_patch_laid_over_ours_survives(store_path, left_as_it_was, owner, name):
    left_as_it_was(owner, name)
    autotrack.enable(store=store_path)
    foreign, calls = lay_over(owner, name)
    train(loss=nn.CrossEntropyLoss())
    assert calls
    autotrack.disable()
    assert getattr(owner, name) is foreign
    calls.clear()
    *_, losses, _ = train(loss=nn.CrossEntropyLoss())
    assert calls
    assert len(runs()) == 1
    autotrack.enable()
    *_, losses, _ = train(loss=nn.CrossEntropyLoss())
    assert runs()[-1].history("train_loss").values == pytest.approx(losses)
    autotrack.disable()
    assert getattr(owner, name) is foreign


def test_a_foreign_patch_that_was_there_before_is_called_and_left_there(store_path, left_as_it_was):
    left_as_it_was(functional, "cross_entropy")
    foreign, calls = lay_over(functional, "cross_entropy")
    autotrack.enable(store=store_path)
    train(loss=nn.CrossEntropyLoss())
    assert len(calls) == EPOCHS * (STEPS_PER_EPOCH + 1)
    autotrack.disable()
    assert functional.cross_entropy is foreign


# ---- what the script says


@pytest.mark.parametrize("dies", [True, False], ids=["optimizer dies", "optimizer lives on"])
@pytest.mark.parametrize("name", ["train", "mine"])
def test_what_is_printed_after_disable_reaches_no_run_of_before(store_path, name, dies):
    autotrack.enable(store=store_path)
    with autotrack.start_run(name) if name == "mine" else contextlib.nullcontext():
        kept = train()
        if dies:
            del kept
        autotrack.disable()
        assert not heard.is_listening()
        autotrack.enable(store=store_path)
        print("f1: 0.0625")
    (run,) = runs()
    assert "f1" not in run.metrics


def test_a_training_that_goes_on_after_another_one_is_heard_again(store_path):
    autotrack.enable(store=store_path)
    model, optimizer, *_ = train()
    train()
    functional.cross_entropy(model(torch.zeros(2, 4)), torch.zeros(2, dtype=torch.long)).backward()
    optimizer.step()
    print("f1: 0.0625")
    first, second = runs()
    assert first.metrics["f1"] == 0.0625
    assert "f1" not in second.metrics
