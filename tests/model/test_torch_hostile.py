"""Modules whose parts raise, hang or grow while they are pickled: the training is unharmed, the run says why."""

import itertools
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import autotrack
from autotrack.errors import AutotrackWarning, ModelSaveError
from autotrack.model import own_code
from autotrack_integrations.torch import model as torch_model
from recorded import only_run


class Part:
    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __reduce__(self) -> Any:
        return self.act()


class Net(nn.Module):
    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.part = Part(act)

    def forward(self, x: torch.Tensor) -> Any:
        return self.layer(x)


def train(act: Callable[[], Any]) -> list[float]:
    torch.manual_seed(0)
    net = Net(act)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    X, y = torch.randn(32, 4), torch.randint(0, 3, (32,))
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def trained_without_a_model(act: Callable[[], Any], store_path: Path, reason: str) -> None:
    plain = train(act)
    autotrack.enable(store=store_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AutotrackWarning)  # here, or on standard error when our thread was faster
        assert train(act) == plain
        autotrack.disable()
    run = only_run()
    assert run.status == "finished"
    assert run.metrics["train_loss"] == pytest.approx(plain[-1])
    assert reason in run.lacks["model"]
    assert not run.models


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "_never_ended", set())


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("no"), MemoryError(), AssertionError("no"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.usefixtures("lenient_guard")
def test_whatever_pickling_raises_is_the_reason_why_there_is_no_model(error: BaseException, store_path: Path) -> None:
    trained_without_a_model(raising(error), store_path, f"cannot be pickled and was not saved: {type(error).__name__}")
    assert "The one that cannot is 'part' (a Part)" in only_run().lacks["model"]


def sleeping() -> Any:
    time.sleep(10)


def looping() -> Any:
    while True:
        pass


def growing() -> Any:
    return list, (), None, (time.sleep(0.001) or [] for _ in itertools.count())


@pytest.mark.parametrize("act", [sleeping, looping, growing])
@pytest.mark.usefixtures("lenient_guard")
def test_pickling_that_never_ends_is_left_behind(
    act: Callable[[], Any], store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "MAX_S", 0.3)
    trained_without_a_model(act, store_path, "took longer than 0.3 s")


def test_pickling_that_took_too_long_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "MAX_S", 0.3)
    calls: list[int] = []
    go_on = threading.Event()
    net = Net(lambda: (calls.append(1), go_on.wait()))
    for _ in range(3):
        with pytest.raises(ModelSaveError, match="took longer than"):
            torch_model.save(net)
    go_on.set()
    assert len(calls) == 1


def test_code_of_the_users_own_runs_on_another_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    torch_model.save(Net(lambda: (threads.append(threading.current_thread()), (list, ()))[1]))
    assert threads
    assert threading.current_thread() not in threads
