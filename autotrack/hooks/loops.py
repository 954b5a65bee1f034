"""The loops a call stands in, as the source of its function shows them. Comprehensions are no loops here."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType

from autotrack.hooks.naming import names_in
from autotrack.hooks.source import Answers, Spot

__all__ = ["Loop", "enclosing", "is_epoch", "offsets", "words"]

_COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
_COUNTERS = ("range", "trange", "arange", "count")
_BATCHES = {"batch", "batches", "len", "length", "size", "shape", "samples", "examples", "bs", "loader"}
_EPOCHS = {"epoch", "epochs", "ep"}
_NO_EPOCHS = {"step", "steps", "batch", "batches", "iter", "iters", "loss", "size", "per", "len", "time", "max"}


@dataclass(frozen=True, eq=False)
class Loop:
    """A `for` or `while` loop. Two are equal where they are the same loop of the same code.

    Attributes:
        kind: `for` or `while`.
        variables: Names of the target; of a `while` what it counts: `epoch`, `self.epoch`. The counted thing is in
            them first, if anything is.
        text: The source of what it iterates over, or of its condition.
        names: The names in that, but for those of functions.
        counts: Whether its variable is a number that grows by steps: `range`, `tqdm(range())`, `count`, `while`.
        is_of_batches: Whether a turn of it takes a part of the data: it iterates over things, or by `len`, `batch`, a
            stride.
        starts_at_one: Whether the first number is 1, or as much too high: `range(1, n)`, `range(start, n + 1)`.
        start, end: Line and column of what is repeated.
    """

    kind: str
    variables: tuple[str, ...]
    text: str
    names: tuple[str, ...]
    counts: bool
    is_of_batches: bool
    starts_at_one: bool
    code: CodeType
    start: tuple[int, int]
    end: tuple[int, int]

    @property
    def line(self) -> int:
        """The line of what is repeated."""
        return self.start[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loop) and self.code is other.code and self.start == other.start

    def __hash__(self) -> int:
        return hash((id(self.code), self.start))


def enclosing(frame: FrameType) -> tuple[Loop, ...]:
    """The loops of the frame's own function that it is in, the outermost first."""
    return _loops.of(frame)


def offsets(loop: Loop) -> frozenset[int]:
    """The instructions of what is repeated, as `f_lasti` gives them."""
    return frozenset(
        2 * index
        for index, (line, _, column, _) in enumerate(loop.code.co_positions())
        if line is not None and loop.start <= (line, loop.start[1] if column is None else column) < loop.end
    )


def words(name: str) -> frozenset[str]:
    """The words of a name, in lower case: `self.curEpoch` has `cur` and `epoch`."""
    return frozenset(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name.rpartition(".")[2]))


def is_epoch(name: str) -> bool:
    """Whether a variable is named like the number of an epoch."""
    found = words(name)
    return not found.isdisjoint(_EPOCHS) and found.isdisjoint(_NO_EPOCHS)


def _find(spot: Spot) -> tuple[Loop, ...]:
    if spot.code.co_name in _COMPREHENSIONS:
        return ()
    found: list[Loop] = []
    for child, parent in zip(spot.nodes, spot.nodes[1:], strict=False):
        if isinstance(parent, (ast.For, ast.AsyncFor)) and child in parent.body:
            found.append(_for(parent, spot.code))
        elif isinstance(parent, ast.While) and child not in parent.orelse:
            found.append(_while(parent, spot.code))
    return tuple(reversed(found))


def _for(node: ast.For | ast.AsyncFor, code: CodeType) -> Loop:
    call = _counter(node.iter)
    arguments = [] if call is None else call.args
    has_stride = len(arguments) > 2 and ast.unparse(arguments[2]) not in ("1", "-1")
    text = ast.unparse(node.iter)
    return Loop(
        kind="for",
        variables=tuple(_target_names(node.target)),
        text=text,
        names=tuple(names_in(node.iter)),
        counts=call is not None,
        is_of_batches=call is None or has_stride or any(words(name) & _BATCHES for name in re.findall(r"\w+", text)),
        starts_at_one=_starts_at_one(node.iter, call),
        code=code,
        start=(node.body[0].lineno, node.body[0].col_offset),
        end=_end(node.body[-1]),
    )


def _while(node: ast.While, code: CodeType) -> Loop:
    variables = tuple(_counted(node))
    first = next(_increments(node.body[:1]), "")
    compares = [each for each in ast.walk(node.test) if isinstance(each, ast.Compare)]
    return Loop(
        kind="while",
        variables=variables,
        text=ast.unparse(node.test),
        names=tuple(names_in(node.test)),
        counts=bool(variables),
        is_of_batches=any(words(name) & _BATCHES for name in re.findall(r"\w+", ast.unparse(node.test))),
        starts_at_one=any(isinstance(each.ops[0], ast.LtE) for each in compares) or first in variables,
        code=code,
        start=(node.test.lineno, node.test.col_offset),
        end=_end(node.body[-1]),
    )


def _end(node: ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _counter(node: ast.expr) -> ast.Call | None:
    """The `range()` in what is iterated over, inside of progress bars and the like; None if it counts nothing."""
    if not isinstance(node, ast.Call):
        return None
    if _called(node) in _COUNTERS:
        return node
    return _counter(node.args[0]) if node.args else None


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _starts_at_one(node: ast.expr, call: ast.Call | None) -> bool:
    if isinstance(node, ast.Call) and _called(node) == "enumerate":
        starts = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
        return any(_is_one(start) for start in starts)
    if call is None or not call.args:
        return False
    if _is_one(call.args[0]) and (len(call.args) > 1 or _called(call) == "count"):
        return True
    end = call.args[1] if len(call.args) > 1 else None
    return isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add) and (_is_one(end.right) or _is_one(end.left))


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _target_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Tuple, ast.List)):
        for each in node.elts:
            yield from _target_names(each)
    elif isinstance(node, ast.Starred):
        yield from _target_names(node.value)
    elif _is_plain(node):
        yield ast.unparse(node)


def _is_plain(node: ast.AST) -> bool:
    """A name, or an attribute of one: `epoch`, `self.epoch`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _counted(node: ast.While) -> Iterator[str]:
    """What a `while` loop counts: one more in each turn, or an epoch in its condition that is counted elsewhere."""
    counted = dict.fromkeys(_increments(node.body))
    yield from counted
    inner = set(_increments(each for block in _blocks(node.body) for each in block))
    for each in ast.walk(node.test):
        if isinstance(each, ast.Compare):
            side = each.comparators[0] if isinstance(each.ops[0], (ast.Gt, ast.GtE)) else each.left
            name = ast.unparse(side) if _is_plain(side) else ""
            if name not in counted and name not in inner and is_epoch(name):
                yield name


def _blocks(nodes: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The bodies of the loops in some statements."""
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, (ast.For, ast.AsyncFor, ast.While)):
                yield each.body


def _increments(nodes: "Iterator[ast.stmt] | list[ast.stmt]") -> Iterator[str]:
    """What is made one more: `epoch += 1`, `epoch = epoch + 1`; not in loops or functions in there."""
    for node in nodes:
        match node:
            case ast.AugAssign(op=ast.Add(), value=ast.Constant(value=1)) if _is_plain(node.target):
                yield ast.unparse(node.target)
            case ast.Assign(targets=[target], value=ast.BinOp(op=ast.Add(), left=left, right=ast.Constant(value=1))):
                if _is_plain(target) and ast.unparse(left) == ast.unparse(target):
                    yield ast.unparse(target)
            case ast.For() | ast.AsyncFor() | ast.While() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _:
                parts = [each for each in ast.iter_child_nodes(node) if isinstance(each, (ast.stmt, ast.excepthandler))]
                yield from _increments(parts)  # type: ignore[arg-type]


_loops = Answers(_find)
