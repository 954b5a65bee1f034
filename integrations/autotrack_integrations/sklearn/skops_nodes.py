"""The schema of a data-only file: each node may ask skops for what its kind is for, and for nothing else.

skops checks that every type is on a list. It does not check what is done with it: a node of one kind may name a type
meant for another, so that it is called with arguments of the file. So each kind of node has its rule here, checked
before skops sees the file. Kinds without a rule (methods, operators, partials, constructors) are refused.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from autotrack_integrations.sklearn import skops_repeats
from autotrack_integrations.sklearn import trusted_types as types
from autotrack_integrations.sklearn.skops_file import Member
from autotrack_integrations.sklearn.trusted_types import RefusedError

__all__ = ["check"]

_PROTOCOLS = (1, 2)  # skops 0.12 to 0.16; 0 had nodes with weaker rules
_MAX_DEPTH = 120  # nodes within each other; a search over nested pipelines has 40, and skops needs 3 frames for each
_MAX_PLAIN_KEYS = 10_000  # of a set, or of a dictionary with numbers as keys: their hashes can be made to collide
_KEY_TYPES = types.SCALARS | {f"builtins.{name}" for name in ("str", "int", "float", "bool")}
_ARRAY = frozenset({"numpy.ndarray"})
_MASKED = frozenset({"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"})

Node = dict[str, Any]
Members = Mapping[str, Member]


def check(schema: bytes, members: Members) -> set[str]:
    """Check the schema of a file with these members; the full names of all types and functions in it.

    Raises:
        RefusedError: It asks for something it must not.
    """
    root = json.loads(schema)
    if not isinstance(root, dict) or type(root.get("protocol")) is not int or root["protocol"] not in _PROTOCOLS:
        raise RefusedError(f"it has a skops protocol other than {' or '.join(map(str, _PROTOCOLS))}")
    first: dict[int, Node] = {}
    used: set[str] = set()
    names: set[str] = set()
    waiting: list[tuple[Any, int]] = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, dict) or depth > _MAX_DEPTH:
            raise RefusedError("its schema is nested too deeply, or holds something that is no node")
        skops_repeats.check(node, first, members)
        rule = _RULES.get(_text(node, "__loader__"))
        if rule is None:
            raise RefusedError(f"it holds a {node['__loader__'][:40]!r}, which would call what the file names")
        name = f"{_text(node, '__module__')}.{_text(node, '__class__')}"
        names.add(name)
        children = rule(node, name, members)
        if "file" in node:
            used.add(node["file"])
        waiting.extend((child, depth + 1) for child in children)
    if unused := members.keys() - used:
        raise RefusedError(f"it has a member that nothing refers to, {min(unused)!r}")
    return names


def _text(node: Node, key: str) -> str:
    value = node.get(key)
    if type(value) is not str:
        raise RefusedError(f"a node has no {key}")
    return value


def _children(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise RefusedError("a node has no list of items")
    return value


def _one_of(name: str, allowed: frozenset[str] | set[str]) -> None:
    if name not in allowed:
        raise RefusedError(f"it holds {name[:120]!r} where that must not be")


def _mapping(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, {"builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"})
    content, keys = node.get("content"), node.get("key_types")
    if not isinstance(content, dict) or not isinstance(keys, dict) or keys.get("__loader__") != "ListNode":
        raise RefusedError("a dictionary has another form")
    kinds = _children(keys.get("content"))
    named = [(kind.get("__module__"), kind.get("__class__")) for kind in kinds if isinstance(kind, dict)]
    if len(named) != len(content) or any(kind.get("__loader__") != "TypeNode" for kind in kinds):
        raise RefusedError("a dictionary has keys of no type")
    for module, kind in set(named):
        _one_of(f"{module}.{kind}", _KEY_TYPES)
    if len(named) - named.count(("builtins", "str")) > _MAX_PLAIN_KEYS:
        raise RefusedError(f"a dictionary has more than {_MAX_PLAIN_KEYS:,} keys that are no strings")
    return [keys, *content.values()]


def _sequence(allowed: frozenset[str]) -> Callable[[Node, str, Members], list[Any]]:
    def rule(node: Node, name: str, members: Members) -> list[Any]:
        _one_of(name, allowed)
        return _children(node.get("content"))

    return rule


def _set(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, {"builtins.set"})
    items = _children(node.get("content"))
    if len(items) > _MAX_PLAIN_KEYS:
        raise RefusedError(f"a set has more than {_MAX_PLAIN_KEYS:,} items")
    return items


def _plain(node: Node, name: str, members: Members) -> list[Any]:
    json.loads(_text(node, "content"))
    return []


def _type(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, types.VALUES)
    return []


def _function(node: Node, name: str, members: Members) -> list[Any]:
    is_ufunc_or_refused_by_skops = name.startswith(("numpy.", "scipy.special.")) and name not in types.TRUSTED
    if not is_ufunc_or_refused_by_skops:
        _one_of(name, types.FUNCTIONS)
    return []


def _slice(node: Node, name: str, members: Members) -> list[Any]:
    content = node.get("content")
    if name != "builtins.slice" or not isinstance(content, dict):
        raise RefusedError("a slice has another form")
    if any(type(content.get(part)) not in (int, str, type(None)) for part in ("start", "stop", "step")):
        raise RefusedError("a slice has another form")
    return []


def _array(node: Node, name: str, members: Members) -> list[Any]:
    if node.get("type") == "json":
        _one_of(name, _ARRAY)
        return [node.get("shape"), *_children(node.get("content"))]
    array = _array_of(node, members)
    if name in types.SCALARS and array.shape == ():
        return []
    _one_of(name, _ARRAY)
    return []


def _array_of(node: object, members: Members) -> Member:
    if isinstance(node, dict) and node.get("__loader__") == "NdArrayNode" and node.get("type") == "numpy":
        file = node.get("file")
        array = members.get(file) if isinstance(file, str) else None
        if array is not None and array.kind != "sparse":
            return array
    raise RefusedError("an array has no member that holds it")


def _masked(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, _MASKED)
    content = _part(node, "content")
    return [content.get("data"), content.get("mask")]


def _dtype(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, {"numpy.dtype"})
    if _part(node, "content").get("__loader__") != "NdArrayNode":
        raise RefusedError("a dtype has another form")
    return [node["content"]]


def _random_state(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, {"numpy.random.mtrand.RandomState"})
    return [_part(node, "content")]


def _generator(node: Node, name: str, members: Members) -> list[Any]:
    """A random generator: NumPy's default one, whose state its setter checks."""
    _one_of(name, {"numpy.random._generator.Generator"})
    content = _part(node, "content")
    bits, seeds = _part(content, "bit_generator"), _part(content, "seed_seq")
    kind = _part(_part(bits, "content"), "bit_generator").get("content")
    pool = _part(_part(seeds, "content"), "pool_size").get("content")
    if kind != '"PCG64"' or pool != "4":
        raise RefusedError("it holds a random generator other than NumPy's default one")
    return [bits, seeds]


def _tree(node: Node, name: str, members: Members) -> list[Any]:
    """A decision tree. Its constructor and __setstate__ copy memory by what they are told, so it must be true."""
    _one_of(name, {"sklearn.tree._tree.Tree"})
    args = _part(_part(node, "__reduce__"), "args")
    given = _children(args.get("content"))
    if args.get("__loader__") != "TupleNode" or len(given) != 3:
        raise RefusedError("a decision tree has another form")
    n_features, n_outputs = (_number(given[place]) for place in (0, 2))
    n_classes = _array_of(given[1], members)
    if n_features < 1 or n_outputs < 1 or n_classes.shape != (n_outputs,) or n_classes.kind != "i":
        raise RefusedError("a decision tree has another number of outputs than it says")
    state = _part(node, "content")
    nodes, values = (_array_of(_part(state, "content").get(part), members) for part in ("nodes", "values"))
    if len(nodes.shape) != 1 or nodes.kind != "V" or values.kind != "f" or values.shape[:1] != nodes.shape:
        raise RefusedError("a decision tree has nodes of another form")
    return [args, state]


def _number(node: object) -> int:
    if isinstance(node, dict) and node.get("__loader__") == "JsonNode":
        value = json.loads(_text(node, "content"))
        if type(value) is int:
            return value
    raise RefusedError("a decision tree has another form")


def _loss(node: Node, name: str, members: Members) -> list[Any]:
    _one_of(name, types.LOSSES)
    return [_part(node, "content"), _part(_part(node, "__reduce__"), "args")]


def _sparse(node: Node, name: str, members: Members) -> list[Any]:
    file = node.get("file")
    if not name.startswith("scipy.sparse.") or not isinstance(file, str) or file not in members:
        raise RefusedError("a sparse matrix has another form")
    if members[file].kind != "sparse":
        raise RefusedError("a sparse matrix has no member that holds it")
    return []


def _object(node: Node, name: str, members: Members) -> list[Any]:
    if name in types.REFUSED:
        raise RefusedError(f"it holds a {name.rpartition('.')[2]}: {types.REFUSED[name]}")
    if name in types.FUNCTIONS or name in types.NAMED_TUPLES or not name.startswith(("sklearn.", "scipy.interpolate.")):
        raise RefusedError(f"it holds an object of the type {name[:120]!r}, which is not on autotrack's list")
    content = node.get("content")
    if content is None and name not in types.TREES | types.DISTANCES:
        return []
    state = (
        "TupleNode" if name in (types.TREES | types.DISTANCES) and not name.endswith("TreePredictor") else "DictNode"
    )
    loader = _part(node, "content").get("__loader__")
    if loader != state and not (loader == "JsonNode" and name not in types.TREES | types.DISTANCES):
        raise RefusedError(f"a {name.rpartition('.')[2]} has another form")
    return [content]


def _part(node: Node, key: str) -> Node:
    value = node.get(key)
    if not isinstance(value, dict):
        raise RefusedError(f"a node has no {key}")
    return value


_RULES: dict[str, Callable[[Node, str, Members], list[Any]]] = {
    "DictNode": _mapping,
    "ListNode": _sequence(frozenset({"builtins.list"})),
    "TupleNode": _sequence(types.NAMED_TUPLES | {"builtins.tuple"}),
    "SetNode": _set,
    "JsonNode": _plain,
    "TypeNode": _type,
    "FunctionNode": _function,
    "SliceNode": _slice,
    "NdArrayNode": _array,
    "MaskedArrayNode": _masked,
    "DTypeNode": _dtype,
    "RandomStateNode": _random_state,
    "RandomGeneratorNode": _generator,
    "TreeNode": _tree,
    "LossNode": _loss,
    "SparseMatrixNode": _sparse,
    "ObjectNode": _object,
}
