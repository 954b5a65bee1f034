"""torch: trainings without an optimizer, whose weights the script changes by hand.

Watches   nothing; steps.py asks when backward is called
Records   nothing itself
Never     touches the graph: its leaves are read, nothing is kept of it
Needs     torch >= 2.2
"""

from typing import Any

__all__ = ["Manual", "optimizers_live"]

_MAX_NODES = 10_000  # of a graph that are searched for what is trained


class Manual:
    """Stands for the optimizer of such a training.

    Args:
        loss: What backward is called on; its leaves are the weights.
    """

    def __init__(self, loss: Any) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": _leaves(loss)}]


def optimizers_live() -> bool:
    """Whether there is an optimizer that was made before anybody watched. Takes some milliseconds, once."""
    import gc

    from torch.optim import Optimizer

    return any(issubclass(type(each), Optimizer) for each in gc.get_objects())


def _leaves(root: Any) -> list[Any]:
    """The tensors that backward gives gradients to."""
    found: list[Any] = []
    seen: set[Any] = set()
    todo = [root.grad_fn]
    while todo and len(seen) < _MAX_NODES:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found.append(leaf)
        todo += [following for following, _ in node.next_functions]
    return found
