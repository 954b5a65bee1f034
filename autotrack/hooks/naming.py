"""What the source says of a call that is under way: what it is called on, with what, and where its value goes.

    test_loss, test_acc = evaluate(model, test_loader)      # asked in evaluate() about the frame that calls it:
                                                            # targets, argument_names
    running += loss.item() * n                              # receiver: loss; destination: running, added to it

Without source the answers are empty. Nothing here raises.
"""

import ast
import re
from collections.abc import Iterator
from types import FrameType
from typing import NamedTuple

from autotrack.hooks.source import SCOPES, Answers, Spot

__all__ = ["argument_names", "destination", "names_around", "names_in", "receiver", "targets"]

_PASSES = {  # the value is still the same thing after them
    *("abs", "all_gather", "all_reduce", "amax", "amin", "astype", "cat", "clone", "concat", "cpu", "cuda", "detach"),
    *("double", "flatten", "float", "gather", "half", "int", "item", "list", "max", "mean", "min", "nanmean", "neg"),
    *("numpy", "ravel", "reduce", "reshape", "round", "squeeze", "stack", "sum", "tensor", "to", "tolist", "tuple"),
    *("type", "unsqueeze", "values", "view"),
}
_SCALES = {"scale", "scale_loss"}  # methods of something else that give their argument back, scaled
_SAME = {"data", "T", "mT", "real"}  # attributes that are the thing itself
_ADDS = {"add", "append", "appendleft", "extend", "insert", "push", "put", "update"}  # to what they are called on
_LOSS = re.compile(r"loss|err|cost|objective|nll|elbo|critic", re.IGNORECASE)
_KEY = re.compile(r"[\w./\-]{1,60}")


def receiver(frame: FrameType) -> str:
    """What the method is called on: `scaler.scale(loss).backward()` is of `loss`; empty where it has no name."""
    return _receivers.of(frame)


def destination(frame: FrameType) -> tuple[str, bool]:
    """What the value goes to, and whether it is added to it: a variable, attribute, key, list, or keyword.

    Where it goes nowhere, as in `print(f"{acc.item():.3f}")`, it is what the method is called on.
    """
    return _destinations.of(frame)


def targets(frame: FrameType) -> tuple[str, ...]:
    """The names the value goes to: several, if it is unpacked."""
    return _targets.of(frame)


def argument_names(frame: FrameType) -> tuple[str, ...]:
    """Names in the arguments of the call, and in what is taken of its result: `model(data.x)[data.test_mask]`."""
    return _arguments.of(frame)


def names_around(frame: FrameType) -> frozenset[str]:
    """All names that are read in the innermost loop, `with` or function around the call."""
    return _around.of(frame)


def names_in(node: ast.AST | None) -> Iterator[str]:
    """Variables, attributes and string keys in an expression, from the left; of a call with arguments only those."""
    match node:
        case ast.Name():
            if node.id not in ("self", "cls"):
                yield node.id
        case ast.Attribute():
            yield from names_in(node.value)
            yield node.attr
        case ast.Constant(value=str(text)):
            if _KEY.fullmatch(text):
                yield text
        case ast.Call():
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            func = node.func
            is_own = isinstance(func, ast.Name) or (
                isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name)
            )
            if not given and is_own and getattr(func, "attr", "") not in _PASSES:
                yield from names_in(func)  # self.val_dataloader()
            elif isinstance(func, ast.Attribute):
                yield from names_in(func.value)
            for each in given:
                yield from names_in(each)
        case ast.Lambda() | None:
            pass
        case _:
            for child in ast.iter_child_nodes(node):
                yield from names_in(child)


# ---- names


def _receiver(spot: Spot) -> str:
    call = spot.call
    if call is None:
        return ""
    given = call.args[0] if call.args else call.keywords[0].value if call.keywords else None
    if not isinstance(call.func, ast.Attribute):  # float(loss)
        return _name(given, spot) if isinstance(call.func, ast.Name) and call.func.id in _PASSES else ""
    own = _name(call.func.value, spot)
    if not call.func.attr.endswith("backward") or (not call.args and own):
        return own
    other = _name(given, spot)  # accelerator.backward(loss), but loss.backward(gradient)
    return own if _LOSS.search(own) or not other else other


def _name(node: ast.AST | None, spot: Spot) -> str:
    """The one variable that is in an expression, if the rest of it only scales, reduces or moves it."""
    match node:
        case ast.Name():
            return "" if node.id in ("self", "cls") or node.id in spot.modules else node.id
        case ast.Attribute():
            if node.attr in _SAME:
                return _name(node.value, spot)
            return "" if _is_module(node.value, spot) else node.attr
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript() | ast.Starred() | ast.Await():
            return _name(node.value, spot)
        case ast.NamedExpr():
            return _name(node.target, spot)
        case ast.UnaryOp():
            return _name(node.operand, spot)
        case ast.IfExp():
            return _name(node.body, spot)
        case ast.List() | ast.Tuple():
            return _name(node.elts[0], spot) if node.elts else ""
        case ast.GeneratorExp() | ast.ListComp():
            return _name(node.generators[0].iter, spot)
        case ast.BinOp():
            return _name_of_both(node, spot)
        case ast.Call():
            return _name_of_call(node, spot)
    return ""


def _name_of_both(node: ast.BinOp, spot: Spot) -> str:
    left, right = _name(node.left, spot), _name(node.right, spot)
    if isinstance(node.op, (ast.Add, ast.Sub)):
        return "" if left and right and left != right else left or right
    if isinstance(node.op, ast.Mult) and left and right:
        return right if _LOSS.search(right) and not _LOSS.search(left) else left
    return left or (right if isinstance(node.op, ast.Mult) else "")


def _name_of_call(node: ast.Call, spot: Spot) -> str:
    first = node.args[0] if node.args else None
    if isinstance(node.func, ast.Name):
        return _name(first, spot) if node.func.id in _PASSES else ""
    if not isinstance(node.func, ast.Attribute):
        return ""
    method, owner = node.func.attr, node.func.value
    if method in _SCALES or (method in _PASSES and _is_module(owner, spot)):
        return _name(first, spot)
    if method not in _PASSES:
        return ""
    own = _name(owner, spot)
    return (_name(first, spot) or own) if method.startswith(("gather", "reduce", "all_")) else own


def _is_module(node: ast.AST, spot: Spot) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in spot.modules


# ---- where a value goes


class _Goal(NamedTuple):
    """What a value goes to: the names, whether it is added to them, and whether it goes on to something else."""

    names: tuple[str, ...] = ()
    adds: bool = False
    goes_on: bool = False


_ON = _Goal(goes_on=True)


def _goal(spot: Spot) -> _Goal:
    if spot.call is None:
        return _Goal()
    for child, parent in zip(spot.nodes, spot.nodes[1:], strict=False):
        goal = _next(child, parent, spot)
        if not goal.goes_on:
            return goal
    return _Goal()


def _next(child: ast.AST, parent: ast.AST, spot: Spot) -> _Goal:
    """Where a value goes from an expression to what it stands in."""
    match parent:
        case ast.Assign():
            names = _target_names(parent.targets[0], child, spot)
            return _Goal(names, len(names) == 1 and _adds_to(parent.value, parent.targets[0]))
        case ast.AugAssign():
            return _Goal(_target_names(parent.target, child, spot), not isinstance(child, (ast.List, ast.ListComp)))
        case ast.AnnAssign() | ast.NamedExpr():
            return _Goal(_target_names(parent.target, child, spot))
        case ast.withitem() if parent.optional_vars is not None:
            return _Goal(_target_names(parent.optional_vars, child, spot))
        case ast.keyword():
            return _Goal((parent.arg,)) if parent.arg else _ON
        case ast.Dict():
            key = next((key for key, value in zip(parent.keys, parent.values, strict=True) if value is child), None)
            return _Goal((key.value,)) if isinstance(key, ast.Constant) and isinstance(key.value, str) else _ON
        case ast.Call():
            return _into_call(child, parent, spot)
        case ast.BinOp() | ast.UnaryOp() | ast.Await() | ast.Starred() | ast.Attribute() | ast.List() | ast.Tuple():
            return _ON
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp() | ast.SetComp():
            return _ON
        case ast.IfExp() if child is not parent.test:
            return _ON
        case ast.Subscript() if child is parent.value:
            return _ON
    return _Goal()


def _into_call(child: ast.AST, call: ast.Call, spot: Spot) -> _Goal:
    func = call.func
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    if child is func:
        return _ON if name in _PASSES else _Goal()
    if isinstance(func, ast.Attribute) and name in _ADDS and not _is_module(func.value, spot):
        own = _name(func.value, spot)
        return _Goal((own,) if own else ())
    key = call.args[0] if call.args else None
    if name.startswith(("add_", "log")) and key is not child and isinstance(key, ast.Constant):  # add_scalar("loss", …)
        return _Goal((key.value,) if isinstance(key.value, str) and _KEY.fullmatch(key.value) else ())
    return _ON if name in _PASSES else _Goal()


def _target_names(target: ast.AST, child: ast.AST, spot: Spot) -> tuple[str, ...]:
    if not isinstance(target, (ast.Tuple, ast.List)):
        name = _name(target, spot)
        return (name,) if name else ()
    if isinstance(child, ast.Tuple) and len(child.elts) == len(target.elts):
        index = next((number for number, each in enumerate(child.elts) if each in spot.nodes), 0)
        return _target_names(target.elts[index], child.elts[index], spot)
    return tuple(name for each in target.elts for name in _target_names(each, child, spot))


def _adds_to(value: ast.AST, target: ast.AST) -> bool:
    """`total = total + x`."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, (ast.Add, ast.Sub)):
        return False
    same = ast.unparse(target)
    return any(ast.unparse(side) == same for side in (value.left, value.right)) or _adds_to(value.left, target)


def _destination(spot: Spot) -> tuple[str, bool]:
    goal = _goal(spot)
    if len(goal.names) == 1:
        return goal.names[0], goal.adds
    call = spot.call
    asks_for_value = call is not None and (not call.args or isinstance(call.func, ast.Name))
    return (_receiver(spot) if asks_for_value and not goal.names else ""), False


def _argument_names(spot: Spot) -> tuple[str, ...]:
    call = spot.call
    if call is None:
        return ()
    taken = []
    for child, parent in zip(spot.nodes, spot.nodes[1:], strict=False):
        if isinstance(parent, ast.Subscript) and parent.value is child:
            taken.append(parent.slice)
        elif not isinstance(parent, ast.Attribute):
            break
    given = [*call.args, *(keyword.value for keyword in call.keywords), *taken]
    return tuple(name for each in given for name in names_in(each) if name not in spot.modules)


def _names_around(spot: Spot) -> frozenset[str]:
    blocks = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, *SCOPES, ast.Module)
    block = next((node for node in spot.nodes[1:] if isinstance(node, blocks)), None)
    names: set[str] = set()
    for node in ast.walk(block) if block is not None else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            names.add(node.attr)
    return frozenset(names)


_receivers = Answers(_receiver)
_destinations = Answers(_destination)
_targets = Answers(lambda spot: _goal(spot).names)
_arguments = Answers(_argument_names)
_around = Answers(_names_around)
