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
            found.append(_for(parent, spot))
        elif isinstance(parent, ast.While) and child not in parent.orelse:
            found.append(_while(parent, spot))
    return tuple(reversed(found))


def _assigned(node: ast.expr, spot: Spot, line: int) -> ast.expr:
    """What a variable was assigned last in the same function before a line; anything else is itself."""
    if not isinstance(node, ast.Name):
        return node
    found: ast.expr = node
    for each in ast.walk(spot.nodes[-1]):
        match each:
            case ast.Assign(targets=[ast.Name(id=node.id)], value=value) if each.lineno < line:
                found = value if found is node or value.lineno > found.lineno else found
            case ast.withitem(optional_vars=ast.Name(id=node.id), context_expr=value) if value.lineno < line:
                found = value if found is node or value.lineno > found.lineno else found
    return found


def _for(node: ast.For | ast.AsyncFor, spot: Spot) -> Loop:
    things = _assigned(node.iter, spot, node.lineno)  # bar = tqdm(range(n))
    call = _counter(things)
    arguments = [] if call is None else call.args
    has_stride = len(arguments) > 2 and ast.unparse(arguments[2]) not in ("1", "-1")
    text = ast.unparse(node.iter)
    return Loop(
        kind="for",
        variables=tuple(_target_names(node.target)),
        text=text,
        names=tuple(dict.fromkeys([*names_in(node.iter), *names_in(things)])),
        counts=call is not None,
        is_of_batches=call is None or has_stride or any(words(name) & _BATCHES for name in re.findall(r"\w+", text)),
        starts_at_one=_starts_at_one(things, call),
        code=spot.code,
        start=(node.body[0].lineno, node.body[0].col_offset),
        end=_end(node.body[-1]),
    )


def _while(node: ast.While, spot: Spot) -> Loop:
    variables = tuple(_counted(node))
    text = ast.unparse(node.test)
    return Loop(
        kind="while",
        variables=variables,
        text=text,
        names=tuple(names_in(node.test)),
        counts=bool(variables),
        is_of_batches=any(words(name) & _BATCHES for name in re.findall(r"\w+", text)),
        starts_at_one=next(_increments(node.body[:1]), "") in variables or _begins_at_one(node, variables, spot),
        code=spot.code,
        start=(node.test.lineno, node.test.col_offset),
        end=_end(node.body[-1]),
    )


def _begins_at_one(node: ast.While, variables: tuple[str, ...], spot: Spot) -> bool:
    """Whether `epoch = 1` stands before it; if that is not known, whether it ends as if it did."""
    if variables and "." not in variables[0]:
        first = _assigned(ast.Name(variables[0]), spot, node.lineno)
        if isinstance(first, ast.Constant):
            return first.value == 1
    compares = [each for each in ast.walk(node.test) if isinstance(each, ast.Compare)]
    return any(isinstance(each.ops[0], ast.LtE) or _is_one_more(each.comparators[0]) for each in compares)


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
    return len(call.args) > 1 and _is_one_more(call.args[1])


def _is_one_more(node: ast.AST) -> bool:
    """`n + 1`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and (_is_one(node.right) or _is_one(node.left))


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
