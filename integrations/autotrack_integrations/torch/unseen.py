"""torch: computations of ours, which nothing and nobody else takes notice of.

Watches   nothing
Records   nothing
Never     makes a graph; is seen by a mode of the user's or by a trace
Needs     torch >= 2.2; torch._C for the modes that are on (private; checked on torch 2.2 to 2.13)
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autotrack import run
from autotrack_integrations.torch.here import here

__all__ = ["computing", "is_watching", "kept_unseen", "unseen"]


def is_watching() -> bool:
    """Whether what happens here and now is recorded: not in a trace, which would have our own computations in it."""
    return run.is_recording() and not here.now.is_busy and sys.modules["torch"]._C._get_tracing_state() is None


@contextmanager
def unseen() -> Iterator[None]:
    """In this block modes of the user's that see every operation see none (`torch.set_default_device` is one)."""
    import torch
    from torch.utils._python_dispatch import _disable_current_modes

    with torch._C.DisableTorchFunction():
        if torch._C._len_torch_dispatch_stack():
            with _disable_current_modes():
                yield
        else:
            yield


@contextmanager
def computing() -> Iterator[None]:
    """What is computed in this block is ours: it is not heard, modes do not see it, and it has no graph."""
    import torch

    now = here.now
    before, now.is_busy = now.is_busy, True
    try:
        with unseen(), torch.no_grad():
            yield
    finally:
        now.is_busy = before


def kept_unseen(function: Callable[..., None]) -> Callable[..., None]:
    """A function that looks at tensors in every step, and is seen by no mode of the user's."""
    import torch

    functions, dispatches = torch._C._len_torch_function_stack, torch._C._len_torch_dispatch_stack

    def run(*args: Any) -> None:
        if functions() or dispatches():
            with unseen():
                function(*args)
        else:
            function(*args)

    return run
