"""The entry point of the command line."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator, Sequence

import click

from caviar._interface import Interface, using
from caviar._version import VERSION
from caviar.cli.answers import diagnose, explain
from caviar.cli.completion import completion
from caviar.cli.experiments import experiments
from caviar.cli.groups import InOrder
from caviar.cli.jobs import list_studies, logs, status, stop
from caviar.cli.output import standard_streams
from caviar.cli.panda import panda
from caviar.cli.predict import predict
from caviar.cli.results import best, compare, report, results, verify, watch
from caviar.cli.start import init, resume, run, submit
from caviar.errors import CaviarError, HeadLostError, OwnCodeError
from caviar.files import check_current_folder
from caviar.fleet.worker.errors import own_traceback


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(VERSION, prog_name="caviar")
def cli() -> None:
    """Tune many networks at once; `caviar run` tunes one on handwritten digits."""
    check_current_folder()


READING = (watch, report, best, diagnose, explain, compare, predict, verify)
ELSEWHERE = (submit, status, list_studies, logs, stop, results)
for command in (init, run, resume, *READING, *ELSEWHERE, panda, experiments, completion):
    cli.add_command(command)


class _Lines(logging.Handler):
    """Print each message as a line, warnings to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=record.levelno >= logging.WARNING)


@contextlib.contextmanager
def _show_messages() -> Iterator[None]:
    """Print what Caviar logs: with rich on a terminal, else as plain lines."""
    handler: logging.Handler = _Lines()
    if sys.stdout.isatty():
        from rich.highlighter import NullHighlighter
        from rich.logging import RichHandler

        plain = NullHighlighter()
        handler = RichHandler(show_time=False, show_level=False, show_path=False, highlighter=plain, keywords=[])
    logger = logging.getLogger("caviar")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments` (default: this process's); a mistake prints one sentence and exits with 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # some consoles cannot show every character
    try:
        with standard_streams(), _show_messages(), using(Interface.COMMAND_LINE):
            cli(arguments, prog_name="caviar", standalone_mode=False)
    except CaviarError as error:
        if isinstance(error, OwnCodeError) and error.__cause__:
            click.echo(own_traceback(error.__cause__), err=True, nl=False)
        click.echo(f"caviar: {error}", err=True)
        if isinstance(error, HeadLostError):
            sys.stdout.flush()
            os._exit(2)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("caviar: stopped", err=True)
        sys.exit(130)
