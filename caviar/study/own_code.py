"""The user's own code: the modules that a function needs, and a fingerprint of their source.

A module is the user's own unless it belongs to Python, to an installed package or to Caviar.
"""

import ast
import functools
import hashlib
import importlib.util
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from caviar.space.references import reference_to

_FOREIGN = (Path(os.__file__).parent, Path(__file__).parents[1])  # Python's library, and Caviar
_PARSER = threading.Lock()  # Python 3.11 raises a SystemError if two threads parse at once
_INSTALLED = {"site-packages", "dist-packages", "node_modules"}


class Module(NamedTuple):
    """One of the user's own modules."""

    name: str  # by which it can be imported; a script has that of its file
    file: Path
    root: Path  # the folder of the module, or of its outermost package


def own_module(module: ModuleType | None) -> Module | None:
    """Return where a module of this process can be imported from; None if it is not the user's own."""
    name, given = getattr(module, "__name__", ""), getattr(module, "__file__", None)
    if not name or not isinstance(given, str):
        return None
    file = Path(given).absolute()
    if name == "__main__":
        spec = getattr(module, "__spec__", None)
        name, file = (spec.name, file) if spec else (file.stem, file.resolve())  # as Python does with a script
    if _INSTALLED & set(file.parts) or any(map(file.is_relative_to, _FOREIGN)):
        return None
    root = next((folder for folder in file.parents if file in files_of(name, folder)), None)
    return Module(name, file, root) if root else None


def module_of(function: Callable[..., Any]) -> Module | None:
    """Return the user's own module that defines a function; None for a notebook, or an installed package."""
    return own_module(sys.modules.get(_module_name(function)))


def loaded_below(root: Path) -> list[Module]:
    """Return the user's own modules in a folder that this process has imported."""
    found = filter(None, map(own_module, list(sys.modules.values())))
    return [module for module in found if module.file.is_relative_to(root) and not _is_hidden(module.file, root)]


def modules_needed(function: Callable[..., Any]) -> list[Module]:
    """Return the user's own modules that a function needs where it is sent: what its module imports, at any time.

    Those that were imported in another way are among them if they lie in the same folder. The script that runs is not:
    it is never imported.
    """
    start = module_of(function)
    if start is None and _module_name(function) != "__main__":
        return []  # of an installed package
    loaded = loaded_below(start.root if start else Path.cwd())
    found = {module.name: module for first in (start, *loaded) for module in _closure(first)}
    return [module for module in found.values() if module != own_module(sys.modules["__main__"])]


def reference_of(function: Callable[..., Any]) -> str:
    """Return "module:name" of a function; a name that its module does not hold is in angle brackets.

    >>> reference_of(files_of), reference_of(lambda config: {}).rpartition(":")[2]
    ('caviar.study.own_code:files_of', '<lambda>')
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if "<" not in name and reference_to(function) is None:
        name = f"<{name}>"
    module = module_of(function)
    return f"{module.name if module else getattr(function, '__module__', '')}:{name}"


def fingerprint(function: Callable[..., Any], module: Module | None, name: str) -> str:
    """Return a hash of the source of a function, with all that it uses of its own module and of those imported there.

    Args:
        function: whose source is hashed.
        module: where it was found; None: in none of the user's own.
        name: by which the module holds it, as in `reference_of`.

    Returns:
        The hash; "" where the source is not at hand.
    """
    definition = _definition(function)
    try:
        file = inspect.getsourcefile(definition)
        if module is None and file and Path(file).is_file():
            return ""  # of an installed package, or of a script on another machine
        held = definition.__qualname__ if "<" in name else name
        own = module and _used(module, held.partition(".")[0])
        texts = [own or inspect.getsource(definition)]
        others = sorted(other for other in _closure(module) if other != module)
        texts += [f"{other.name}\n{other.file.read_text(encoding='utf-8')}" for other in others]
    except (OSError, TypeError, ValueError):
        return ""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _definition(function: Callable[..., Any]) -> Any:
    """What has source: the function without its decorators and given arguments, or the class of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    return function if inspect.isroutine(function) or inspect.isclass(function) else type(function)


def _module_name(function: Callable[..., Any]) -> str:
    return getattr(_definition(function), "__module__", None) or ""


def files_of(name: str, root: Path) -> tuple[Path, Path]:
    """Return where a module may lie in a folder."""
    path = root.joinpath(*name.split("."))
    return path / "__init__.py", path.with_name(f"{path.name}.py")


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _closure(start: Module | None) -> list[Module]:
    """Return a module with its packages, and the user's own modules that these import, anywhere in their code."""
    found: dict[str, Module] = {}
    left = [start] if start else []
    while left:
        module = left.pop()
        if found.setdefault(module.name, module) is not module:
            continue
        for name in (module.name, *_imports(module)):
            parts = name.split(".")
            names = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
            left += [other for one in names if one not in found and (other := _find(one, module.root))]
    return list(found.values())


def _find(name: str, root: Path) -> Module | None:
    """Return the user's own module of this name: the one that is imported, or else a file in a folder."""
    if name in sys.modules:
        return own_module(sys.modules[name])
    package = sys.modules.get(name.partition(".")[0])
    if getattr(package, "__file__", None) and own_module(package) is None:
        return None
    return next((Module(name, file, root) for file in files_of(name, root) if file.is_file()), None)


def _imports(module: Module) -> Iterator[str]:
    """Yield the names of all that a module imports, which need not be modules."""
    package = module.name if module.file.name == "__init__.py" else module.name.rpartition(".")[0]
    for node in ast.walk(_parse(module.file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (not node.level or package):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _parse(file: Path) -> ast.Module:
    try:
        with _PARSER:
            return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _used(module: Module, name: str) -> str:
    """Return the statements of a module that define a name, and whatever those use, in turn."""
    left, chosen = _parse(module.file).body, list[ast.stmt]()
    wanted = {name}
    while new := [statement for statement in left if _bound(statement) & wanted]:
        left = [statement for statement in left if statement not in new]
        chosen += new
        wanted |= {node.id for statement in new for node in ast.walk(statement) if isinstance(node, ast.Name)}
    lines = module.file.read_text(encoding="utf-8").splitlines()
    return "\n".join(
        line
        for statement in sorted(chosen, key=lambda statement: statement.lineno)
        for line in lines[_first_line(statement) - 1 : statement.end_lineno]
    )


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = set[str]()
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name.partition(".")[0])
    return names
