"""Writes the outputs on the pages anew, where the blocks before them print something else.

python -m tests.docs.outputs [docs/how-to/compare.md ...]

An output with "..." is left to people, who are shown what is printed. Figures in the text around it are theirs, too.
"""

import os
import sys
import tempfile
import textwrap
from contextlib import chdir
from pathlib import Path

from caviar.fleet.placement import Placement
from tests.docs.pages import ROOT, Block
from tests.docs.test_snippets import BLOCKS, LOGGERS, ON_A_CLUSTER, SLOW, compare, run_page

WIDTH = 120  # characters: longer lines are broken at spaces, which tests do not mind


def stale(page: str) -> list[tuple[Block, str]]:
    """Return the outputs of a page that are not what is printed, with what is."""
    found: list[tuple[Block, str]] = []

    def check(block: Block, expected: str, printed: str) -> None:
        try:
            compare(block, expected, printed)
        except AssertionError:
            found.append((block, printed))

    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        sys.path.insert(0, folder)
        try:
            run_page(page, Path(folder), check=check)
        finally:
            sys.path.remove(folder)
    return found


def written(text: str, block: Block, printed: str) -> str:
    """Return the text of a page with what is printed in place of an output."""
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    broken = [part for line in lines for part in textwrap.wrap(line, WIDTH, drop_whitespace=True) or [""]]
    head = f'```text title="{block.title}"\n'
    return text.replace(f"{head}{block.text}```", head + "\n".join(broken) + "\n```", 1)


def main(pages: list[str]) -> None:
    """Write the outputs of these pages, or of all that run without Ray."""
    os.environ["COLUMNS"] = "80"
    of = Placement.of
    Placement.of = lambda workers="auto", *others, **settings: of(0, *others, **settings)  # type: ignore[method-assign]
    for page in pages or [page for page in BLOCKS if page not in {*SLOW, *LOGGERS, ON_A_CLUSTER}]:
        path = ROOT / page
        for block, printed in stale(page):
            if "..." in block.text:
                print(f"{block} is for you; the block before it prints\n{printed}")
            else:
                path.write_text(written(path.read_text(encoding="utf-8"), block, printed), encoding="utf-8")
                print(f"{block} is written")


if __name__ == "__main__":
    main(sys.argv[1:])
