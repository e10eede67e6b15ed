"""Count what a reader of Caviar's code encounters, for one or more checkouts side by side.

    python scripts/measure_code.py              # this checkout
    python scripts/measure_code.py ../before .  # a Markdown table with a column for each

Needs only the standard library and does not import the code it measures. The test of the architecture
(tests/test_architecture.py) uses the same functions.
"""

import ast
import re
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATES = {"finished", "stopped", "diverged", "failed", "timed_out", "paused"}
RECORDS = {"record", "wave", "before"}  # variables that hold a record of the journal,
LISTS_OF_RECORDS = {"records", "waves"}  # and those that hold several
FORMER_PACKAGES = {"service": "jobs", "help": "_checks"}  # packages of older checkouts, by today's names

# names replaced by the field's usual terms, as classes, functions, parameters, variables or files
_OLD_NAMES = """
    ABSENT Alarm Bench Crew ELSEWHERE GRAIN Gathering Here KEEPER Keeper Known Ledger Life Line Memory More Place
    RELEARNED Running SHELF Subject View Watcher _look_after_the_silent _mind_those_who_do_not_come _news alarm among
    asked batch_norm_words believing boldness cause charge coming crew crowded cut descend differences dismiss endless
    every facts_of fence fetched filled forget found fresh given hand_out heard here hire home in_process innocent judge
    judging keeper known ladder ledger left life lose lowered milestone obey one_by_one opening optional passed
    picks place place_at put_back ranked relay repeat searched settled shown story subject summon suspects take there
    told tuned tuning turn unjudged wakings watcher
"""
OLD_NAMES = set(_OLD_NAMES.split())


def modules(package: Path) -> list[Path]:
    """Return the Python files of a package, in order."""
    return sorted(package.rglob("*.py"))


def module_names(package: Path) -> dict[str, Path]:
    """Return the files of a package by their dotted names; a package is its __init__.py."""
    names = {}
    for path in modules(package):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a file imports anywhere.

    Imports in functions and under TYPE_CHECKING count, and so do modules named in strings, as in lazy imports.
    `from a import b` yields "a.b", which may be a module or a name of the module a.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or '.' * node.level}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\w+(\.\w+)+", node.value)
        ):
            yield node.value


def import_graph(package: Path) -> dict[Path, set[Path]]:
    """Return for each file of a package the files of the package that it imports, except itself."""
    names = module_names(package)
    graph = {}
    for path in names.values():
        targets = {_file(name, names) for name in imported_names(ast.parse(path.read_text()))}
        graph[path] = {target for target in targets if target is not None} - {path}
    return graph


def _file(name: str, names: dict[str, Path]) -> Path | None:
    """Return the file of the longest prefix of a dotted name that is a module."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return names.get(name)


def circles(graph: dict[Path, set[Path]]) -> list[list[Path]]:
    """Return the sets of files that import each other, directly or through others, the largest first."""
    reachable = {path: _reachable(path, graph) for path in graph}
    groups = {tuple(sorted(o for o in reachable[path] if path in reachable[o])) for path in graph}
    return sorted((list(group) for group in groups if group), key=len, reverse=True)


def _reachable(start: Path, graph: dict[Path, set[Path]]) -> set[Path]:
    """Return the files that a file imports, directly or through others; including itself if it is in a circle."""
    reached: set[Path] = set()
    stack = [start]
    while stack:
        for target in graph[stack.pop()] - reached:
            reached.add(target)
            stack.append(target)
    return reached


def floors(page: str) -> list[set[str]]:
    """Return the floors that a page prints as a table, from the ground up.

    Args:
        page: Markdown in which the rows of the table begin with "| floor number | `name`, `name` ... |".
    """
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", page, flags=re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", names)) for _, names in sorted(rows, key=lambda row: int(row[0]))]


def package_of(path: Path, package: Path) -> str:
    """Return the top-level package or module that a file belongs to."""
    name = path.relative_to(package).parts[0].removesuffix(".py")
    return FORMER_PACKAGES.get(name, name)


def upward_imports(package: Path, order: list[set[str]]) -> list[str]:
    """Return the imports that lead upwards or sideways instead of to a lower floor, as "file imports file"."""
    height = {name: number for number, names in enumerate(order) for name in names}
    wrong = []
    for path, targets in import_graph(package).items():
        for target in sorted(targets):
            source, destination = package_of(path, package), package_of(target, package)
            if source != destination and height[source] <= height[destination]:
                wrong.append(f"{path.relative_to(package)} imports {target.relative_to(package)}")
    return wrong


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """Return the nodes of the docstrings of a file."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, kinds) and node.body)
    return {body[0].value for body in bodies if isinstance(body[0], ast.Expr)}


def state_literals(tree: ast.AST) -> list[str]:
    """Return the states that are written as string literals, outside docstrings and the definitions of enums."""
    left_out = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
            left_out |= set(ast.walk(node))
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in left_out)
    return [node.value for node in constants if isinstance(node.value, str) and node.value in STATES]


def record_subscripts(tree: ast.AST) -> list[str]:
    """Return the subscripts by string of records of the journal, such as record["points"] and waves[-1]["square"]."""
    subscripts = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            indexed = isinstance(node.value, ast.Subscript)
            base = node.value.value if isinstance(node.value, ast.Subscript) else node.value
            name = base.id if isinstance(base, ast.Name) else base.attr if isinstance(base, ast.Attribute) else ""
            if name in RECORDS or (indexed and name in LISTS_OF_RECORDS):
                subscripts.append(ast.unparse(node))
    return subscripts


def mode_rules(tree: ast.AST) -> int:
    """Return how often a file checks whether a mode is "min" or "max"."""
    compared = (node for node in ast.walk(tree) if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq))
    sides = ({ast.unparse(node.left), *map(ast.unparse, node.comparators)} for node in compared)
    return sum(bool({"'min'", "'max'"} & texts) and any("mode" in text for text in texts) for texts in sides)


def defined_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a file gives to classes, functions, parameters, attributes and variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def old_names(package: Path) -> list[str]:
    """Return the old names that are still defined, once for each definition, as "name (file)"."""
    names = []
    for path in modules(package):
        defined = [path.stem, *defined_names(ast.parse(path.read_text()))]
        names += [f"{name} ({path.relative_to(package)})" for name in defined if name in OLD_NAMES]
    return names


def measure(checkout: Path, order: list[set[str]]) -> dict[str, object]:
    """Return the counts of one checkout, by the label of their row."""
    package = checkout.resolve() / "caviar"
    texts = {path: path.read_text() for path in modules(package)}
    trees = [ast.parse(text) for text in texts.values()]
    lines = {path: text.count("\n") for path, text in texts.items()}
    largest = max(lines, key=lambda path: lines[path])
    sizes = [len(circle) for circle in circles(import_graph(package))]
    study = package / "study" / "study.py"
    study_imports = [
        node
        for node in ast.walk(ast.parse(texts[study]))
        if isinstance(node, ast.Import | ast.ImportFrom) and ast.unparse(node).split()[1].startswith("caviar")
    ]
    old = old_names(package)
    return {
        "modules": len(lines),
        "lines": sum(lines.values()),
        "median module, lines": round(statistics.median(lines.values())),
        "largest module, lines": f"{lines[largest]} ({largest.relative_to(package)})",
        "modules over 300 lines": sum(count > 300 for count in lines.values()),
        "import circles, files in each": f"{len(sizes)}: {', '.join(map(str, sizes))}" if sizes else "none",
        "upward or sideways imports": len(upward_imports(package, order)),
        "`Any`": sum(len(re.findall(r"\bAny\b", text)) for text in texts.values()),
        "`dict[str, Any]`": sum(len(re.findall(r"(?:dict|Mapping)\[str, Any\]", text)) for text in texts.values()),
        "records subscripted by strings": sum(len(record_subscripts(tree)) for tree in trees),
        "state literals outside of enums": sum(len(state_literals(tree)) for tree in trees),
        'copies of `mode == "max"`': sum(map(mode_rules, trees)),
        "Study: lines": lines[study],
        "Study: imports of Caviar's modules": len(study_imports),
        "old names: definitions left": len(old),
        "old names: different ones left": len({name.split()[0] for name in old}),
    }


def table(columns: Iterable[tuple[str, dict[str, object]]]) -> str:
    """Return the counts of several checkouts as a Markdown table."""
    names, counts = zip(*columns, strict=True)
    rows = [("", *names), ("---",) * (len(names) + 1)]
    rows += [(label, *(count[label] for count in counts)) for label in counts[0]]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def main(arguments: list[str]) -> None:
    """Print the table of the given checkouts, or of this one if none is given."""
    order = floors((ROOT / "docs" / "architecture.md").read_text())
    checkouts = [Path(argument) for argument in arguments] or [ROOT]
    print(table((str(checkout), measure(checkout, order)) for checkout in checkouts))


if __name__ == "__main__":
    main(sys.argv[1:])
