"""Models of many kinds: how each is made, and what goes in."""

import threading
from collections import OrderedDict

import blocks.activations as act
import torch
from blocks.layers import Block
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class CNN(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(4, classes)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0]


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True)

    def forward(self, x):
        packed = pack_padded_sequence(x, torch.tensor([4, 2]), batch_first=True)
        return pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]


class Language(nn.Module):
    def __init__(self, vocabulary, size):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, size)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(size, 2, 16, batch_first=True), 2)
        self.head = nn.Linear(size, vocabulary, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("mask", torch.triu(torch.full((6, 6), float("-inf")), 1), persistent=False)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x), mask=self.mask))


class VAE(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.encode, self.decode, self.latent = nn.Linear(6, 2 * latent), nn.Linear(latent, 6), latent

    def forward(self, x):
        mean, log_variance = self.encode(x).chunk(2, -1)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
        return self.decode(mean + noise * torch.exp(log_variance / 2)), mean, log_variance


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)


class Bag(nn.Module):
    def __init__(self, **names):
        super().__init__()
        self.by_name = nn.ParameterDict({name: torch.full((3,), float(value)) for name, value in names.items()})
        self.in_order = nn.ParameterList([torch.eye(3), torch.ones(3, 3)])
        self.layers = nn.ModuleDict({"a": nn.Linear(3, 3), "b": Block(3, scale=2.0)})

    def forward(self, x):
        for weight in self.in_order:
            x = x @ weight
        return {name: self.layers["b"](x) * value for name, value in self.by_name.items()}


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.small = nn.Parameter(torch.randn(3).half(), requires_grad=False)
        self.brain = nn.Parameter(torch.randn(3).bfloat16())
        self.wave = nn.Parameter(torch.randn(3, dtype=torch.complex64))
        self.wide_wave = nn.Parameter(torch.randn(3, dtype=torch.complex128).conj())
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.register_buffer("flags", torch.tensor([True, False, True]))
        self.register_buffer("count", torch.tensor(7))
        self.register_buffer("nothing", torch.zeros(0, 3))
        self.register_buffer("turned", torch.arange(6.0).reshape(2, 3).t())
        self.register_buffer("spread", torch.tensor([[2.0]]).expand(3, 3))
        self.register_buffer("absent", None)
        self.memory = torch.arange(6.0)
        self.window = self.memory[2:5]
        self.seen = [torch.ones(3), {"deep": 1}]
        self.lock, self.rng = threading.Lock(), torch.Generator().manual_seed(5)
        self.sparse = torch.eye(3).to_sparse()
        self.config = {"act": functional.relu, "dtype": torch.float32, "fn": act.squash}

    def forward(self, x):
        with self.lock:
            y = self.config["act"](x * self.scale + self.small.float() + self.brain.float() + self.wave.abs())
        y = y + self.wide_wave.imag.float() + self.turned[0].sum() + self.spread[0] + self.flags + self.count
        noise = torch.randn(3, generator=self.rng.clone_state())
        return y + self.window + self.seen[0] + (self.sparse @ x.t()).t() + noise


class Unregistered(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(3, 3) for _ in range(2)]
        self.last = nn.Linear(3, 1)
        self.up = [self]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


class Doubled(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.first, self.second = inner, inner

    def forward(self, x):
        return self.second(self.first(x))


class Kept(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 3)
        self.lin.register_forward_hook(self.twice)

    def twice(self, module, args, output):
        return output * 2

    def forward(self, x):
        return self.lin(x)


class Fn(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x)


def closures():
    factor = 3.0

    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.p = nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return x * self.p

    return nn.Sequential(Fn(lambda x: x * factor), nn.Linear(3, 3), nn.Sequential(Local(), Fn(functional.gelu)))


def lazy():
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2))


def run_once(model, *inputs):
    model(*inputs)
    return model


def symmetric():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    parametrize.register_parametrization(model[0], "weight", Symmetric())
    parametrizations.weight_norm(model[1])
    return model


def normed():
    layers = parametrizations.spectral_norm(nn.Linear(3, 3)), parametrizations.orthogonal(nn.Linear(3, 3))
    return run_once(nn.Sequential(*layers), torch.ones(1, 3))


def pruned():
    model = nn.Linear(3, 3)
    prune.l1_unstructured(model, "weight", amount=0.5)
    return model


def shared_data():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight.data = model[0].weight.data
    return model


def frozen():
    model = nn.Sequential(OrderedDict(a=nn.Linear(3, 3), b=nn.Linear(3, 1)))
    model.a.requires_grad_(False)
    model.a.eval()
    return model


def wrapped():
    return nn.DataParallel(nn.Sequential(nn.Linear(3, 3), torch.compile(nn.Linear(3, 2), backend="eager")))


def bare(model):
    if not isinstance(model, nn.DataParallel):
        return model
    return nn.Sequential(model.module[0], model.module[1]._orig_mod)


X = (torch.linspace(-1, 1, 6).reshape(2, 3),)
MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)), X),
    "cnn": (lambda: run_once(CNN(classes=2), torch.rand(4, 1, 5, 5)).eval(), (torch.rand(2, 1, 5, 5),)),
    "lstm": (Recurrent, (torch.rand(2, 4, 3),)),
    "packed": (Packed, (torch.rand(2, 4, 3),)),
    "language": (lambda: Language(11, size=8).eval(), (torch.arange(6).reshape(1, 6),)),
    "vae": (lambda: VAE(2), (torch.rand(2, 6),)),
    "parametrized": (symmetric, X),
    "normed": (normed, X),
    "pruned": (pruned, X),
    "lazy": (lambda: run_once(lazy(), *X), X),
    "lazy, never run": (lazy, X),
    "bag": (lambda: Bag(a=1, b=2), X),
    "odd": (Odd, X),
    "unregistered": (Unregistered, X),
    "doubled": (lambda: Doubled(nn.Linear(3, 3)), X),
    "hook of its own": (Kept, X),
    "closures": (closures, X),
    "own module": (lambda: Block(3, scale=0.5), X),
    "data shared": (shared_data, X),
    "frozen": (frozen, X),
    "wrapped": (wrapped, X),
    "double precision": (lambda: nn.Linear(3, 3).double(), (X[0].double(),)),
    "bilinear": (lambda: nn.Bilinear(3, 3, 2), (*X, *X)),
}


def tensors_in(output):
    if isinstance(output, torch.Tensor):
        return [output.detach()]
    return [t for part in (output.values() if isinstance(output, dict) else output) for t in tensors_in(part)]
