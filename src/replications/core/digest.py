"""A fingerprint of the code that made a number.

It covers the syntax trees of a module and of every module of the same package that it imports,
directly or through others, without comments, docstrings and layout. So editing prose keeps stored
results, and changing any helper discards them (`joblib.Memory` and jupyter-cache do not see that).

Left out is what cannot change a result, if it is used as it is meant: functions marked `@quantity`,
which read one; the presets in `@experiment(...)`, which are a part of the key as configs; the
modules that say ``MAKES_NO_NUMBERS = True``; and statements that do no more than call a function of
a module named `refusals`, which raises or does nothing. Packages' own `__init__` count only where
something is imported from them. A run must therefore call no quantity.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def code_digest(module: str) -> str:
    """Hash the code that `module` runs, its imports from the same top-level package included.

    Args:
        module: full dotted name of an importable module.

    Returns:
        64 hexadecimal digits, the same on every platform and Python version from 3.11 on.
    """
    found: dict[str, str] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        path = _source(name)
        if path is None:
            raise ModuleNotFoundError(f"no source file for module {name!r}")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if name != module and _makes_no_numbers(tree):
            found[name] = ""
            continue
        _leave_out(tree)
        found[name] = "".join(_tokens(tree))
        todo.extend(_imports(tree, name, is_package=path.name == "__init__.py"))
    text = "\n".join(f"{name} {found[name]}" for name in sorted(found))
    return hashlib.sha256(text.encode()).hexdigest()


def _makes_no_numbers(tree: ast.Module) -> bool:
    assigned = (ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign))
    return "MAKES_NO_NUMBERS = True" in assigned


def _leave_out(tree: ast.Module) -> None:
    """Drop quantities, the presets beside experiments, and the refusals of wrong arguments."""
    tree.body = [
        node
        for node in tree.body
        if not isinstance(node, ast.FunctionDef)
        or "quantity" not in (d.id for d in node.decorator_list if isinstance(d, ast.Name))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "experiment":
            node.args, node.keywords = [], []
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom) and _of_refusals(n)]
    refusals = {item.asname or item.name for node in imports for item in node.names}
    for node in ast.walk(tree) if refusals else ():
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [n for n in body if n not in imports and not _is_call_of(refusals, n)]


def _of_refusals(node: ast.ImportFrom) -> bool:
    return (node.module or "").split(".")[-1] == "refusals"


def _is_call_of(names: set[str], node: ast.AST) -> bool:
    """A call that stands alone as a statement, of a function with one of the names."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", None) in names


def _source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Modules of the same top-level package that the tree imports, inside functions too."""
    top = module.partition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names if item.name.partition(".")[0] == top)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                keep = len(parents) - node.level + is_package
                base = ".".join(parents[:keep] + ([base] if base else []))
            if base.partition(".")[0] != top:
                continue
            submodules = [f"{base}.{item.name}" for item in node.names]
            found = [name for name in submodules if _source(name)]
            yield from found
            if len(found) < len(submodules):  # some names are defined in `base` itself
                yield base


def _tokens(node: ast.AST) -> Iterator[str]:
    """The tree as text. `ast.dump` changes with the Python version; this skips what is empty."""
    yield f"{type(node).__name__}("
    for field, value in ast.iter_fields(node):
        if value is None or value == [] or field in ("kind", "type_comment", "ctx"):
            continue
        yield f"{field}="
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST) and _is_prose(item):
                continue
            yield from _tokens(item) if isinstance(item, ast.AST) else [repr(item)]
            yield ","
    yield ")"


def _is_prose(node: ast.AST) -> bool:
    """A string alone as a statement: the docstring of a module, function, class or field."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
