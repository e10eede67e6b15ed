"""The Markdown pages of the documentation and the README, cut into blocks.

A block is a fenced block, or code in a table of two columns whose second header is "Caviar" (what one writes there, and
here). A fence's title says what to do with it:

- `title="Output"`: what the block before it prints; "..." stands for anything.
- `title="Output, for example"`: the same, but numbers may differ, as they do between machines and runs.
- `title="Output, on one machine"`: something is printed, whose words differ too: other processors find other trials.
- `title="Needs ..."`: cannot run on the machine of the tests, so it is only parsed. Readers see the title too.
- `title="Needs xgboost"` of Python: runs where the module is installed; several are separated by commas. Elsewhere, the
  page is skipped.
- `title="NAME.py"`, `title="NAME.sh"`, `title="NAME.toml"`: a file of that name, for the blocks after it.
- `title="Optuna"` or another tool's name: what one writes there.

In a table, "*needs ...*" in a cell does what such a title does, and an assignment to an argument of `Study` a setting.
"""

import inspect
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import caviar

ROOT = Path(__file__).parents[2]
PRICES = "prices.toml"  # the title of a block that is no study
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r'^```(\w+)(?: title="([^"\n]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_PAIRS = re.compile(r"^\| ([^|\n]+) \| Caviar \|\n\| --- \| --- \|\n((?:\|.*\n)+)", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_MODULES = re.compile(r"Needs ([a-z_]+(?:, [a-z_]+)*)")
_COMMAND = re.compile(r"^(?:.*&& )?(?:\.venv/bin/)?(caviar .*)")


@dataclass(frozen=True)
class Block:
    """Code or output on a page."""

    page: str  # its path in the repository
    line: int  # where it begins
    language: str
    title: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def modules(self):
        """The modules that its title says it needs."""
        match = _MODULES.fullmatch(self.title) if self.language == "python" else None
        return match[1].split(", ") if match else []


def name_of(path):
    """Return a page's path in the repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(path):
    """Return the blocks of a page, in order."""
    text = path.read_text()
    found = [_block(path, text, match.start(), *match.groups("")) for match in _FENCE.finditer(text)]
    for table in _PAIRS.finditer(text):
        tool, rows = table.groups()
        start = table.start(2)
        for row in rows.splitlines(keepends=True):
            there, here = row.strip("| \n").split(" | ")
            for cell, title in ((there, tool.strip()), (here, "Needs" if "*needs " in here else "")):
                for code in _CODE.findall(cell):
                    found.append(_block(path, text, start, _language(code, title), title, f"{code}\n"))
            start += len(row)
    return sorted(found, key=lambda block: block.line)


def missing_modules(page):
    """Return which modules that the blocks of a page need are not installed, as text."""
    needed = dict.fromkeys(module for block in page for module in block.modules)
    return ", ".join(module for module in needed if find_spec(module) is None)


def commands(path):
    """Return every command of Caviar on a page with its line: in blocks, indented, and in the text."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        indented = _COMMAND.match(line[4:]) if line.startswith("    ") else None
        inline = [code for code in _CODE.findall(line) if re.match(r"caviar [a-z]", code)]
        found += [(f"{name_of(path)}:{number}", code) for code in ([indented[1]] if indented else inline)]
    for block in blocks(path):
        if block.language == "sh":
            found += [(str(block), match[1]) for line in block.text.splitlines() if (match := _COMMAND.match(line))]
    return found


def _language(code, title):
    """Return the language of code in a table; nothing of Weights & Biases is known here, so its column is text."""
    if title == "Weights & Biases":
        return "text"
    setting = re.match(r"(\w+) ?= ?", code)
    if setting and setting[1] in inspect.signature(caviar.Study).parameters and not title:
        return "setting"
    return "sh" if code.startswith("caviar ") else "python"


def _block(path, text, start, language, title, code):
    return Block(name_of(path), text.count("\n", 0, start) + 1, language, title, code)
