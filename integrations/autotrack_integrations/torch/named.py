"""The tensors of a module by name, and where they lie together in memory. Runs none of its code.

Names are those of its state_dict, less what torch.compile and data parallelism add to them. Beside parameters and
buffers there are tensors in plain attributes, and in lists and dicts that are attributes: `mask`, `memory.0`.
"""

import itertools
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any

from autotrack_integrations.torch.references import Place, is_plain, unwrapped

__all__ = ["attributes", "named", "registered", "shared_places"]


def named(module: Any, *, any_kind: bool = False) -> tuple[dict[str, Any], dict[str, str], set[str]]:
    """Tensors by name; other names of the same tensors; names that are not in the module's state_dict.

    Args:
        any_kind: Also those whose values are not all there is to them, such as uninitialized ones.
    """
    tensors: dict[str, Any] = {}
    first: dict[int, str] = {}
    ties: dict[str, str] = {}
    others: set[str] = set()
    for name, tensor, is_state in _walk(unwrapped(module)):
        if not (any_kind or is_plain(tensor)) or name in tensors or name in ties:
            continue
        if id(tensor) not in first:
            first[id(tensor)] = name
            tensors[name] = tensor
        elif is_state:
            ties[name] = first[id(tensor)]
        else:
            continue
        if not is_state:
            others.add(name)
    return tensors, ties, others


def _walk(module: Any) -> Iterator[tuple[str, Any, bool]]:
    """Name, tensor and whether it is in the state_dict: first what is registered, then what lies in attributes."""
    import torch

    queue = deque([("", module)])
    seen: set[int] = set()
    while queue:
        start, root = queue.popleft()
        parts = [] if id(root) in seen else list(registered(start, root, frozenset()))
        for prefix, part in parts:
            unsaved = part._non_persistent_buffers_set
            yield from (
                (prefix + name, tensor, not start) for name, tensor in part._parameters.items() if tensor is not None
            )
            yield from (
                (prefix + name, tensor, not start and name not in unsaved)
                for name, tensor in part._buffers.items()
                if tensor is not None
            )
        for prefix, part in parts:
            if id(part) in seen:
                continue
            seen.add(id(part))
            for name, value in attributes(part):
                if isinstance(value, torch.Tensor):
                    yield prefix + name, value, False
                elif isinstance(value, torch.nn.Module):
                    queue.append((f"{prefix}{name}.", unwrapped(value)))


def registered(prefix: str, module: Any, around: frozenset[int]) -> Iterator[tuple[str, Any]]:
    """The module and those in it, as often as they have a name; what is wrapped, without its wrapper's name."""
    if id(module) in around:
        return
    yield prefix, module
    for name, child in module._modules.items():
        if child is not None:
            yield from registered(f"{prefix}{name}.", unwrapped(child), around | {id(module)})


def attributes(module: Any) -> Iterator[tuple[str, Any]]:
    """What is in its attributes, and in lists and dicts that are attributes; not what is registered."""
    for name, value in vars(module).items():
        if name in ("_parameters", "_buffers", "_modules"):
            continue
        yield name, value
        if isinstance(value, list | tuple):
            yield from ((f"{name}.{number}", item) for number, item in enumerate(value))
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", item) for key, item in value.items())


def shared_places(tensors: Mapping[str, Any]) -> dict[int, Place]:
    """Of tensors whose memory overlaps, where each lies in it: block, its length, size, stride, offset."""
    by_block: dict[tuple[int, Any], list[Any]] = defaultdict(list)
    for tensor in tensors.values():
        if tensor.numel() and all(
            stride or size == 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
        ):
            by_block[tensor.untyped_storage().data_ptr(), tensor.dtype].append(tensor)
    places: dict[int, Place] = {}
    for number, together in enumerate(by_block.values()):
        spans = sorted(_span(tensor) for tensor in together)
        if all(before[1] <= after[0] for before, after in itertools.pairwise(spans)):
            continue
        first, last = spans[0][0], max(end for _, end in spans)
        for tensor in together:
            offset = tensor.storage_offset() - first
            places[id(tensor)] = (number, last - first, tuple(tensor.shape), tuple(tensor.stride()), offset)
    return places


def _span(tensor: Any) -> tuple[int, int]:
    """First element in its storage, and the one after its last."""
    start = tensor.storage_offset()
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return start, start + reach + 1
