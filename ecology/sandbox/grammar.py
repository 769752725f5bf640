"""What a program may contain: a list of what is allowed, so that whatever Python comes up with next is not.

Left out on purpose: what Monty cannot run (`yield`, `del`, inheritance), what cannot be counted (`async`), and whatever
leads out of the counted text (`eval`, `exec`, modules that are not pure).
"""

import ast
from collections.abc import Iterator

MAX_SOURCE_BYTES = 65_536
MAX_DEPTH = 100
"""Levels of the syntax tree. Everything that walks trees by recursion stays far below Python's limit."""

RESERVED_PREFIX = "_ecology"
"""Names of the frame around a program."""

FORBIDDEN_NAMES = frozenset(
    {"eval", "exec", "compile", "open", "input", "globals", "locals", "vars", "breakpoint", "__import__"}
)

MODULES = (
    *("base64", "binascii", "bisect", "collections", "copy", "csv", "dataclasses", "datetime", "decimal"),
    *("functools", "hashlib", "itertools", "json", "math", "random", "re", "time", "typing", "unicodedata"),
)
"""Modules that Monty has, that touch nothing outside, and that answer alike on every machine."""

SPECIAL_METHODS = frozenset(
    {
        *(
            "__init__",
            "__repr__",
            "__str__",
            "__eq__",
            "__hash__",
            "__bool__",
            "__len__",
            "__iter__",
            "__next__",
        ),
        *("__getitem__", "__setitem__", "__contains__", "__call__", "__enter__", "__exit__", "__add__"),
        *("__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__floordiv__", "__mod__"),
        *("__pow__", "__neg__"),
    }
)
"""What a class may define; nothing else with two underscores on both sides may be named."""

_NODES: tuple[type[ast.AST], ...] = (
    ast.Module,
    *(
        ast.FunctionDef,
        ast.ClassDef,
        ast.Return,
        ast.Assign,
        ast.AugAssign,
        ast.AnnAssign,
        ast.For,
        ast.While,
    ),
    *(ast.If, ast.With, ast.Match, ast.Raise, ast.Try, ast.Assert, ast.Import, ast.ImportFrom, ast.Global),
    *(ast.Nonlocal, ast.Expr, ast.Pass, ast.Break, ast.Continue),
    *(
        ast.BoolOp,
        ast.NamedExpr,
        ast.BinOp,
        ast.UnaryOp,
        ast.Lambda,
        ast.IfExp,
        ast.Dict,
        ast.Set,
        ast.ListComp,
    ),
    *(ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Compare, ast.Call, ast.FormattedValue, ast.JoinedStr),
    *(ast.Constant, ast.Attribute, ast.Subscript, ast.Starred, ast.Name, ast.List, ast.Tuple, ast.Slice),
    *(ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop),
    *(ast.comprehension, ast.ExceptHandler, ast.arguments, ast.arg, ast.keyword, ast.alias, ast.withitem),
    *(ast.match_case, ast.pattern),
)

_NAMES_OF_NODES: dict[type[ast.AST], str] = {
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Delete: "del (use pop)",
    ast.AsyncFunctionDef: "async def",
    ast.Await: "await",
    ast.AsyncFor: "async for",
    ast.AsyncWith: "async with",
    ast.TryStar: "except*",
}
"""How an author calls what the tree calls otherwise."""


class NotAllowed(ValueError):
    """The program contains something that programs may not."""

    def __init__(self, what: str, node: ast.AST | None = None) -> None:
        line = getattr(node, "lineno", None)
        super().__init__(what if line is None else f"{what} (line {line})")


def check_grammar(tree: ast.Module) -> None:
    """Raise `NotAllowed` unless a program may look like this."""
    level: list[ast.AST] = [tree]
    methods: set[int] = set()
    for _ in range(MAX_DEPTH):
        below: list[ast.AST] = []
        for node in level:
            _check_node(node, methods)
            below += ast.iter_child_nodes(node)
        if not below:
            return
        level = below
    raise NotAllowed(f"nested deeper than {MAX_DEPTH} levels", _first_with_line(level))


def _first_with_line(nodes: list[ast.AST]) -> ast.AST | None:
    return next((node for node in nodes if hasattr(node, "lineno")), None)


def _check_node(node: ast.AST, methods: set[int]) -> None:
    """One node; `methods` collects the ids of functions that stand directly in a class."""
    kind = type(node)
    if not isinstance(node, _NODES):
        raise NotAllowed(f"{_NAMES_OF_NODES.get(kind, kind.__name__)} is not supported here", node)
    if isinstance(node, ast.Import | ast.ImportFrom):
        _check_import(node)
    elif isinstance(node, ast.ClassDef):
        if node.bases or node.keywords:
            raise NotAllowed("a class cannot inherit here", node)
        methods.update(id(line) for line in node.body)
    elif isinstance(node, ast.comprehension) and node.is_async:
        raise NotAllowed("async for is not supported here", node.target)
    elif isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
        raise NotAllowed(f"{node.id} does not exist here", node)
    for name in _identifiers(node):
        if name.startswith(RESERVED_PREFIX):
            raise NotAllowed(f"names that start with {RESERVED_PREFIX} are reserved", node)
        is_special = name.startswith("__") and name.endswith("__")
        if is_special and not (id(node) in methods and name in SPECIAL_METHODS):
            raise NotAllowed(f"{name} does not exist here", node)


def _check_import(node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        modules = ["." * node.level + (node.module or "")]
        if any(alias.name == "*" for alias in node.names):
            raise NotAllowed("import * is not supported here", node)
    for module in modules:
        if module not in MODULES:
            raise NotAllowed(f"there is no module {module!r} here; there are {', '.join(MODULES)}", node)


def _identifiers(node: ast.AST) -> Iterator[str]:
    """Every name that a node carries, whatever the field is called: all text but that of constants."""
    if isinstance(node, ast.Constant):
        return
    for _, value in ast.iter_fields(node):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (name for name in value if isinstance(name, str))
