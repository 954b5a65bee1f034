"""torch: compilers leave our frames alone: what torch.compile makes of the user's code is what it would have made.

Watches   nothing
Records   nothing
Never     imports the compiler: what it is to skip is noted in torch._C, where it looks (private; checked on torch 2.13;
          where it is missing our frames are compiled as well)
Needs     torch >= 2.2
"""

from collections.abc import Iterable
from types import CodeType

__all__ = ["hide"]


def hide(entries: Iterable[CodeType], insides: Iterable[CodeType]) -> None:
    """Have these skipped.

    Args:
        entries: Code of ours that calls code of the user's or torch's, which may be compiled.
        insides: Code of ours that calls only ours.
    """
    import torch

    frames = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    if frames is None or not hasattr(frames, "_FrameExecStrategy"):
        return
    skip, usual = frames._FrameAction.SKIP, frames._FrameAction.DEFAULT
    for code in entries:
        frames.set_code_exec_strategy(code, frames._FrameExecStrategy(skip, usual))
    for code in insides:
        frames.set_code_exec_strategy(code, frames._FrameExecStrategy(skip, skip))
