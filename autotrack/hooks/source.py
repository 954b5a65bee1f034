"""Where a frame is in the source of its code: the expression under way, and what it stands in.

Source is read through `linecache`, as tracebacks do: files, archives and notebook cells. Each file is parsed once, each
question about an instruction answered once. Without source there is nothing to be found. Nothing here raises.
"""

import ast
import linecache
import re
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType, FrameType, ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["SCOPES", "Answers", "Spot"]

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
Place = tuple[int, int]  # line and column

_MAX_FILES = 8  # parsed files kept: some megabytes for a long one
_MAX_KNOWN = 4000  # instructions whose answers are remembered
_MAX_LINES = 20_000  # of a file; a longer one is generated
_FILE = "<autotrack>"
_QUIET = ("ignore", None, Warning, re.compile(re.escape(_FILE)), 0)  # an entry of `warnings.filters`

T = TypeVar("T")


class Spot(NamedTuple):
    """Where a frame is.

    Attributes:
        nodes: The expression under way, and what it stands in, outward up to the function or module; empty without
            source.
        code: The frame's code.
        modules: Names that are imported modules.
    """

    nodes: tuple[ast.AST, ...]
    code: CodeType
    modules: frozenset[str]

    @property
    def call(self) -> ast.Call | None:
        """The call under way."""
        return self.nodes[0] if self.nodes and isinstance(self.nodes[0], ast.Call) else None


class Answers(Generic[T]):
    """Answers to one question about frames, remembered for each instruction."""

    def __init__(self, ask: Callable[[Spot], T]) -> None:
        self._ask = ask
        self._known: dict[tuple[int, int], tuple[CodeType, T]] = {}  # the code's identity: its hash costs as its length

    def of(self, frame: FrameType) -> T:
        """The answer for where the frame is."""
        code = frame.f_code
        key = id(code), frame.f_lasti
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[key] = code, self._answer(frame)
        return known[1]

    def _answer(self, frame: FrameType) -> T:
        try:
            return self._ask(_spot(frame))
        except RecursionError:  # an expression of a thousand terms
            return self._ask(Spot((), frame.f_code, frozenset()))


class _File:
    """A parsed file."""

    def __init__(self, tree: ast.Module) -> None:
        self.parents: dict[ast.AST, ast.AST] = {}
        self.ending: dict[Place, list[ast.expr]] = {}
        self.statements: list[ast.stmt] = []
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.expr) and node.end_lineno is not None and node.end_col_offset is not None:
                self.ending.setdefault((node.end_lineno, node.end_col_offset), []).append(node)
            elif isinstance(node, ast.stmt):
                self.statements.append(node)

    def find(self, start: Place | None, end: Place | None, line: int) -> ast.AST | None:
        """The expression with this extent; the innermost statement at this line if columns are not known."""
        if start is None or end is None:
            at_line = [each for each in self.statements if each.lineno <= line <= (each.end_lineno or each.lineno)]
            return min(at_line, key=lambda each: (each.end_lineno or each.lineno) - each.lineno, default=None)
        found = [each for each in self.ending.get(end, ()) if start in _starts(each)]
        return min(found, key=lambda each: not isinstance(each, ast.Call), default=None)

    def outward(self, node: ast.AST | None) -> Iterator[ast.AST]:
        while node is not None:
            yield node
            if isinstance(node, SCOPES):
                return
            node = self.parents.get(node)


_files: dict[str, tuple[list[str], _File | None]] = {}


def _spot(frame: FrameType) -> Spot:
    code = frame.f_code
    nodes = _nodes(frame)
    if not nodes and code.co_filename in _files:  # the file may have been edited and run anew
        linecache.checkcache(code.co_filename)
        nodes = _nodes(frame)
    return Spot(nodes, code, frozenset(name for name in code.co_names if type(frame.f_globals.get(name)) is ModuleType))


def _nodes(frame: FrameType) -> tuple[ast.AST, ...]:
    code = frame.f_code
    file = _parsed(code.co_filename, frame.f_globals)
    if file is None:
        return ()
    at = next(islice(code.co_positions(), max(0, frame.f_lasti) // 2, None), (None,) * 4)
    line, end_line, column, end_column = at
    start = None if line is None or column is None else (line, column)
    end = None if end_line is None or end_column is None else (end_line, end_column)
    nodes = tuple(file.outward(file.find(start, end, line or frame.f_lineno)))
    is_it = bool(nodes) and (code.co_name.startswith("<") or getattr(nodes[-1], "name", "") == code.co_name)
    return nodes if is_it else ()


def _parsed(name: str, names: dict[str, Any]) -> _File | None:
    lines = linecache.getlines(name, names)
    known = _files.get(name)
    if known is not None and known[0] is lines:
        return known[1]
    file = None
    if 0 < len(lines) <= _MAX_LINES:
        filters = warnings.filters  # the list itself: another thread may set another one meanwhile
        filters.insert(0, _QUIET)  # type: ignore[attr-defined]  # the compiler has told the user already
        try:
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            file = _File(compile("".join(lines), _FILE, "exec", flags, dont_inherit=True))
        except (SyntaxError, ValueError, RecursionError):
            pass  # it is not Python as it stands there: a template, a cell with magics
        finally:
            filters.remove(_QUIET)  # type: ignore[attr-defined]
    if len(_files) >= _MAX_FILES:
        del _files[next(iter(_files))]
    _files[name] = lines, file
    return file


def _starts(node: ast.expr) -> tuple[Place, ...]:
    """Where it starts, also for the compiler: a method call over several lines at the name of the method."""
    start = (node.lineno, node.col_offset)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        func = node.func
        return start, (func.end_lineno or 0, (func.end_col_offset or 0) - len(func.attr.encode()))
    return (start,)
