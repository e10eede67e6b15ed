"""Writes docs/reference/command-line.md: what each command prints with --help, in order of use.

python -m tests.docs.command_line
"""

from collections.abc import Iterator

import click

from caviar.cli.main import cli
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "command-line.md"
INTRODUCTION = """\
# The command line

What each command prints with `--help`. A mistake prints one sentence and exits with the status 2, a study without a
finished trial with 1; Ctrl-C exits with 130, and what has finished is kept. Commands that take a study's name
accept the name of a folder in `runs/`, the path of a folder, or a URI; with `--address`, the name of a study on
that cluster. Each prints JSON with `--json`, for programs. `caviar completion bash` (or zsh, fish) prints the
script that completes commands, options and names.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *(_section(*section) for section in _commands(cli, "caviar"))])


def _commands(command: click.Command, path: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Yield the path and the help of a command and of those in its group."""
    context = click.Context(command, parent, path.split()[-1], terminal_width=78, **command.context_settings)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child
            yield from _commands(child, f"{path} {name}", context)


def _section(path: str, help_text: str) -> str:
    heading = "#" * max(2, len(path.split()))
    return f'{heading} {path}\n\n```text title="{path} --help"\n{help_text}\n```\n'


if __name__ == "__main__":
    PAGE.write_text(page())
