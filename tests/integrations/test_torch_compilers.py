"""Compilers, transforms and modes of PyTorch see the same operations with and without autotrack."""

import contextlib
import warnings
from collections import Counter
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.func import functional_call, grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

import autotrack
from recorded import only_run


def data(device="cpu"):
    generator = torch.Generator().manual_seed(1)
    X, y = torch.randn(16, 4, generator=generator), torch.randint(0, 3, (16,), generator=generator)
    return X.to(device), y.to(device)


def make(device="cpu"):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    if device != "cpu":
        model.to(device)
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(model, optimizer, X, y, *, step=None, loss=functional.cross_entropy, epochs=2):
    """Epochs of three steps and an evaluation; the losses, unread."""
    losses = []
    for _epoch in range(epochs):
        for _ in range(3):
            if step is not None:
                losses.append(step(X, y))
                continue
            optimizer.zero_grad()
            value = loss(model(X), y)
            value.backward()
            optimizer.step()
            losses.append(value.detach())
        with torch.no_grad():
            losses.append(functional.cross_entropy(model(X), y))
    return losses


# ---- compilers


def compiled(part, backend):
    """A training of which a part is compiled: its losses, and what the compiler made of it."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    model, optimizer = make()
    X, y = data()

    def whole(X, y):
        optimizer.zero_grad()
        value = functional.cross_entropy(model(X), y)
        value.backward()
        optimizer.step()
        return value.detach()

    compiled = torch.compile(backend=backend)
    losses = train(
        compiled(model) if part == "model" else model,
        optimizer,
        X,
        y,
        loss=compiled(nn.CrossEntropyLoss()) if part == "loss" else functional.cross_entropy,
        step=compiled(whole) if part == "step" else None,
    )
    counters = {kind: dict(counts) for kind, counts in torch._dynamo.utils.counters.items()}
    return torch.stack(losses).tolist(), counters


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("part", ["model", "loss", "step"])
def test_compiled_parts_have_the_same_graphs_breaks_and_results(store_path, part, backend):
    plain = compiled(part, backend)
    autotrack.enable(store=store_path)
    tracked = compiled(part, backend)
    assert tracked[0] == plain[0]
    # A wrapper that the compiler skips is a frame that it does not try.
    assert tracked[1].pop("frames")["total"] <= plain[1].pop("frames")["total"]
    assert tracked[1] == plain[1]
    assert plain[1]["stats"]["unique_graphs"] >= 1
    autotrack.disable()
    after = compiled(part, backend)
    after[1].pop("frames")
    assert after == plain


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_was_compiled_before_is_run_on_and_not_compiled_again_and_again(store_path):
    torch._dynamo.reset()
    model, _ = make()
    X, y = data()
    loss = torch.compile(lambda X, y: functional.cross_entropy(model(X), y), backend="eager")
    plain = loss(X, y).item()
    for _ in range(6):
        autotrack.enable(store=store_path)
        assert loss(X, y).item() == plain
        autotrack.disable()
        assert loss(X, y).item() == plain
    torch._dynamo.utils.counters.clear()
    autotrack.enable(store=store_path)
    loss(X, y)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 1


class Judging(nn.Module):
    """A module that knows its loss."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(4, 3)

    def forward(self, x, y):
        return functional.cross_entropy(self.head(x), y)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_modules_have_the_same_code(store_path):
    plain = torch.jit.script(Judging())
    autotrack.enable(store=store_path)
    tracked = torch.jit.script(Judging())
    assert str(tracked.graph) == str(plain.graph)
    assert tracked.code == plain.code
    assert torch.equal(tracked(*data()), plain(*data()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "loss",
    [
        functional.cross_entropy,
        functional.mse_loss,
        functional.l1_loss,
        functional.nll_loss,
        functional.binary_cross_entropy,
        functional.kl_div,
        functional.huber_loss,
    ],
)
def test_loss_functions_can_be_scripted_themselves(store_path, loss):
    plain = torch.jit.script(getattr(functional, loss.__name__)).code
    autotrack.enable(store=store_path)
    assert torch.jit.script(getattr(functional, loss.__name__)).code == plain


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_exported_modules_have_the_same_graph(store_path):
    plain = torch.export.export(Judging(), data())
    autotrack.enable(store=store_path)
    tracked = torch.export.export(Judging(), data())
    assert str(tracked.graph) == str(plain.graph)
    assert torch.equal(tracked.module()(*data()), plain.module()(*data()))


def test_symbolically_traced_modules_have_the_same_graph(store_path):
    plain = torch.fx.symbolic_trace(Judging()).code
    autotrack.enable(store=store_path)
    assert torch.fx.symbolic_trace(Judging()).code == plain


# ---- transforms and autograd


def of_functional():
    model, _ = make()
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    X, y = data()

    def loss(parameters, X, y):
        return functional.cross_entropy(functional_call(model, parameters, (X,)), y)

    def of_one(parameters, x, target):
        return loss(parameters, x[None], target[None])

    each = vmap(grad(of_one), in_dims=(None, 0, 0))(parameters, X, y)
    hessian = torch.func.hessian(lambda bias: loss({**parameters, "2.bias": bias}, X, y))(parameters["2.bias"])
    values = vmap(of_one, in_dims=(None, 0, 0))(parameters, X, y)
    _, tangent = torch.func.jvp(lambda x: functional.mse_loss(x, x * 2), (X,), (X,))
    return [*grad(loss)(parameters, X, y).values(), *each.values(), hessian, values, tangent]


def of_higher_order():
    model, optimizer = make()
    X, y = data()
    for _ in range(3):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(X), y)
        gradients = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
        (loss + sum((gradient**2).sum() for gradient in gradients)).backward()
        optimizer.step()
    return list(model.parameters())


def of_checkpointing():
    model, optimizer = make()
    X, y = data()
    for _ in range(3):
        optimizer.zero_grad()
        checkpoint(lambda X: functional.cross_entropy(model(X), y), X, use_reentrant=False).backward()
        optimizer.step()
        optimizer.zero_grad()
        X.requires_grad_()
        checkpoint(lambda X: functional.cross_entropy(model(X), y), X, use_reentrant=True).backward()
        optimizer.step()
    return [X.grad, *model.parameters()]


def of_saved_tensor_hooks():
    model, optimizer = make()
    X, y = data()
    packed = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t.shape) or t, lambda t: t):
        train(model, optimizer, X, y)
    return [torch.tensor(len(packed)), *model.parameters()]


def of_forward_mode():
    X, _ = data()
    with forward_ad.dual_level():
        return [forward_ad.unpack_dual(functional.mse_loss(forward_ad.make_dual(X, X * 2), X * 3)).tangent]


@pytest.mark.parametrize(
    "work", [of_functional, of_higher_order, of_checkpointing, of_saved_tensor_hooks, of_forward_mode]
)
def test_transforms_give_the_same(store_path, work):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = work()
        autotrack.enable(store=store_path)
        tracked = work()
    assert len(plain) == len(tracked)
    assert all(torch.equal(one, other) for one, other in zip(plain, tracked, strict=True))


# ---- subclasses


class Subclass(torch.Tensor):
    seen: ClassVar[Counter] = Counter()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen[getattr(func, "__name__", "")] += 1
        return super().__torch_function__(func, types, args, kwargs or {})


def test_subclasses_of_tensors_are_asked_nothing_by_us(store_path):
    def asked():
        Subclass.seen.clear()
        model, optimizer = make()
        X, y = data()
        train(model, optimizer, X.as_subclass(Subclass), y)
        return dict(Subclass.seen)

    plain = asked()
    autotrack.enable(store=store_path)
    assert asked() == plain


# ---- devices


@contextlib.contextmanager
def synchronisations(monkeypatch):
    """Where a device would be waited for, and what would be copied from it."""
    seen = []

    class Watcher(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if func.overloadpacket in (torch.ops.aten._local_scalar_dense, torch.ops.aten._to_copy):
                seen.append(str(func))
            return func(*args, **(kwargs or {}))

    for owner, name in (
        (torch.Tensor, "item"),
        (torch.Tensor, "cpu"),
        (torch.Tensor, "numpy"),
        (torch.Tensor, "tolist"),
        (torch.Tensor, "__float__"),
        (torch.Tensor, "__bool__"),
        (torch.cuda, "synchronize"),
    ):
        inner = getattr(owner, name)

        def told(*args, _inner=inner, _name=name, **kwargs):
            if not args or not isinstance(args[0], torch.Tensor) or not args[0].is_cpu:
                seen.append(_name)
            return _inner(*args, **kwargs)

        monkeypatch.setattr(owner, name, told)
    with Watcher():
        yield seen


def test_a_training_on_the_meta_device_is_not_waited_for(store_path, monkeypatch):
    autotrack.enable(store=store_path, log_models=False)
    model, optimizer = make("meta")
    X, y = data("meta")
    with synchronisations(monkeypatch) as seen:
        train(model, optimizer, X, y)
        train(model, optimizer, X, y, loss=lambda output, y: functional.cross_entropy(output, y, reduction="sum") / 4)
    autotrack.disable()
    assert seen == []


@pytest.mark.slow
def test_a_training_of_fake_tensors_is_not_waited_for(store_path, monkeypatch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    autotrack.enable(store=store_path, log_models=False)
    with FakeTensorMode():
        model, optimizer = make()
        X, y = torch.randn(16, 4), torch.zeros(16, dtype=torch.int64)
        with synchronisations(monkeypatch) as seen:
            losses = train(model, optimizer, X, y)
    autotrack.disable()
    assert seen == []
    assert len(losses) == 8


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad])
def test_graphs_of_operations_are_the_same(store_path, mode):
    def traced():
        module = Judging()

        def judge(X, y):
            return module(X, y)

        with mode():
            return make_fx(judge)(*data()).code

    plain = traced()
    autotrack.enable(store=store_path)
    assert traced() == plain


class DispatchCounter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen[str(func)] += 1
        return func(*args, **(kwargs or {}))


class FunctionCounter(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen[torch.overrides.resolve_name(func) or str(func)] += 1
        return func(*args, **(kwargs or {}))


def counted(kind):
    model, optimizer = make()
    mode = kind()
    with mode:
        train(model, optimizer, *data())
    return dict(mode.seen)


@pytest.mark.parametrize("kind", [DispatchCounter, FunctionCounter])
def test_modes_of_the_user_see_the_users_operations_only(store_path, kind):
    plain = counted(kind)
    autotrack.enable(store=store_path)
    assert counted(kind) == plain
    assert len(only_run().history("train_loss")) == 6


HANDLED = {functional.cross_entropy: lambda scores, target: torch.zeros(())}


class Overriding(torch.Tensor):
    """Looks functions up in a table that was made when its module was imported, before enable()."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func in HANDLED:
            return HANDLED[func](*args)
        return super().__torch_function__(func, types, args, kwargs or {})


def test_overrides_of_functions_hold(store_path):
    X = torch.randn(4, 3).as_subclass(Overriding)
    y = torch.zeros(4, dtype=torch.int64)
    assert functional.cross_entropy(X, y) == 0
    autotrack.enable(store=store_path)
    assert functional.cross_entropy(X, y) == 0
