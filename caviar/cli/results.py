"""Thin commands for the results of a study: tables, winner, report."""

import io
import shutil
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caviar.cli.completion import complete_study
from caviar.cli.jobs import backend, local_copy, study_command
from caviar.cli.options import jobs_address_option
from caviar.cli.output import prints, records
from caviar.csv import escape_cells
from caviar.errors import InputError

if TYPE_CHECKING:
    from caviar.insight.comparison import StudyComparison
    from caviar.records.outcome import Outcome
    from caviar.study.verification import Verification

_TEXT_WIDTH = 100


def outcome_data(outcome: "Outcome") -> dict[str, object]:
    """Return what `print_summary` shows, as plain data."""
    objective = outcome.settings.objective
    return {
        "name": outcome.settings.name,
        "folder": str(outcome.folder),
        "metric": objective.metric,
        "mode": objective.mode,
        "states": outcome.table["state"].value_counts().to_dict(),
        "best": _best_data(outcome) if outcome.has_finished else None,
        "square": records(outcome.square),
        "waves": records(outcome.waves),
    }


def _best_data(outcome: "Outcome") -> dict[str, object]:
    best, confirmation = outcome.best, records(outcome.confirmation)
    return {
        "trial": best.trial,
        "config": best.config,
        "metrics": best.metrics,
        "confirmation": confirmation[0] if confirmation else None,
        "test": _test_data(outcome),
    }


def _test_data(outcome: "Outcome") -> dict[str, object] | None:
    """Return the winner's evaluation without the sample of its predictions, which is long."""
    plain = outcome.test.to_plain() if outcome.test else None
    return plain and {name: value for name, value in plain.items() if name != "sample"}


def _print_best(outcome: "Outcome") -> None:
    from caviar.insight.formatting import config_as_code
    from caviar.insight.report.tables import winner_sentence
    from caviar.insight.report.unseen import unseen_sentence

    width = min(shutil.get_terminal_size().columns, _TEXT_WIDTH)
    sentences = [winner_sentence(outcome), *([unseen_sentence(outcome.test)] if outcome.test else [])]
    click.echo("\n\n".join(click.wrap_text(sentence, width) for sentence in sentences) + "\n")
    click.echo(config_as_code(outcome.best.config))


def _print_table(content: bytes) -> None:
    sys.stdout.buffer.write(escape_cells(content))


def _table_data(content: bytes) -> object:
    from caviar.csv import read_csv

    options = {"keep_default_na": False, "na_values": [""], "dtype_backend": "numpy_nullable"}
    try:
        return records(read_csv(io.BytesIO(content), **options))
    except ValueError as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"the table is damaged ({reason}); `caviar resume` of the study writes it again") from None


@click.command()
@study_command
@click.option("--history", "file", flag_value="history.csv", help="Print the table of epochs instead.")
@click.option("--waves", "file", flag_value="waves.csv", help="Print the table of waves instead.")
@prints(_print_table, _table_data)
def results(name: str, address: str | None, file: str | None) -> bytes:
    """Print a study's table of results so far, as CSV."""
    return backend(address, name).file(name, file or "results.csv")


@click.command()
@study_command
@prints(_print_best, _best_data)
def best(name: str, address: str | None) -> "Outcome":
    """Print the best config of a study, and how certain it is.

    NAME is a study's name, its folder, or the URI of its mirror. The config is a Python dict, ready to copy.
    """
    from caviar.records.outcome import Outcome

    return Outcome.read(local_copy(name, address))


def _verification_data(verification: "Verification") -> dict[str, object]:
    return {"equal": verification.equal, **asdict(verification)}


@click.command()
@study_command
@click.option("--trials", type=int, default=5, metavar="N", help="How many trials to train again.")
@click.option("--data", "--trainable", "data", metavar="PLACE", help="Where data or a function are now, if moved.")
@prints(
    lambda verification: click.echo("\n".join(verification.sentences)),
    _verification_data,
    lambda verification: not verification.equal,
)
def verify(name: str, address: str | None, trials: int, data: str | None) -> "Verification":
    """Train some trials again here, and compare every number that they reported, to the bit.

    The winner comes first, then others, evenly from first to last. What is found is also written to certificate.json
    in the study's folder. The exit code is 1 if a number differs.
    """
    from caviar.study.verification import verify as verify_study

    return verify_study(local_copy(name, address), trials, data=data)


def _print_comparison(found: "StudyComparison") -> None:
    from caviar.insight.formatting import format_value

    click.echo(click.wrap_text(str(found), min(shutil.get_terminal_size().columns, _TEXT_WIDTH)))
    for title, table in found.tables().items():
        text = table.to_string(index=False, float_format=format_value, na_rep="", justify="left", max_colwidth=40)
        click.echo(f"\n{title}\n{text}")


def _comparison_data(found: "StudyComparison") -> dict[str, object]:
    return {"sentences": str(found), **asdict(found), "progress": records(found.table())}


@click.command()
@click.argument("a", shell_complete=complete_study)
@click.argument("b", shell_complete=complete_study)
@jobs_address_option
@prints(_print_comparison, _comparison_data)
def compare(a: str, b: str, address: str | None) -> "StudyComparison":
    """Compare studies: is B better than A, at what cost, what differs.

    A and B are studies, or folders that each hold several of them; those with the same seed are then compared in pairs.
    """
    from caviar.insight.comparison import compare as compare_studies
    from caviar.insight.studies import holds_studies

    places = [Path(name) if holds_studies(name) else local_copy(name, address) for name in (a, b)]
    return compare_studies(*places)


@click.command()
@study_command
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file. [default: report.html in the folder]")
def report(name: str, address: str | None, out: Path | None) -> None:
    """Write an HTML report of a study.

    What mattered, where it zoomed in, whether to trust the winner, what failed: one file that opens offline.
    """
    from caviar.insight.report.report import report as write_report
    from caviar.records.outcome import Outcome

    click.echo(write_report(Outcome.read(local_copy(name, address)), out))


@click.command()
@study_command
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine; 0: a free one.")
def watch(name: str, address: str | None, port: int) -> None:
    """Show a study's report in a browser, up to date while the study runs.

    Prints the address to open, which works on this machine only and holds a token. Ctrl-C ends it; the study goes on.
    """
    from caviar.jobs.watch import look, serving

    jobs = backend(address, name)
    jobs.status(name)  # a study that does not exist is an error now
    with serving(partial(look, lambda: jobs.status(name), lambda: local_copy(name, address)), port) as server:
        click.echo(f"Open {server.url} in a browser on this machine; Ctrl-C ends this command, not the study.")
        while True:
            time.sleep(3600)
