"""What writes the outputs of pages replaces the right block, and what it writes passes."""

from tests.docs.outputs import WIDTH, written
from tests.docs.pages import Block
from tests.docs.test_snippets import compare

PAGE = '```python\nprint(1)\n```\n\n```text title="Output"\n1\n```\n\n```text title="Output, for example"\n1\n```\n'


def test_only_the_output_that_differs_is_replaced():
    text = written(PAGE, Block("page.md", 9, "text", "Output, for example", "1\n"), "2\n")
    assert text == PAGE[: -len("1\n```\n")] + "2\n```\n"


def test_long_lines_are_broken_where_the_test_allows_it():
    printed = "word " * 60 + "\n\nend\n"
    text = written(PAGE, Block("page.md", 5, "text", "Output", "1\n"), printed)
    shown = text.split('title="Output"\n')[1].split("```")[0]
    assert max(map(len, shown.splitlines())) <= WIDTH
    compare(Block("page.md", 5, "text", "Output", shown), shown, printed)
