"""Thin commands for questions about a study: what went wrong, and why its winner is better."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from caviar.cli.jobs import local_copy, study_command
from caviar.cli.output import prints

if TYPE_CHECKING:
    from caviar.insight.diagnosis.finding import Diagnosis
    from caviar.study.explanation import Explanation


@click.command()
@study_command
@click.option("--trial", type=int, metavar="N", help="What went wrong in a trial, instead of the whole study.")
@prints(click.echo, asdict)
def diagnose(name: str, address: str | None, trial: int | None) -> "Diagnosis":
    """Say what went wrong in a study or a trial, and what to do.

    NAME is a study's name, its folder, or the URI of its mirror.
    """
    from caviar.insight import diagnose as diagnose_outcome
    from caviar.records.outcome import Outcome

    return diagnose_outcome(Outcome.read(local_copy(name, address)), trial)


@click.command()
@study_command
@click.option("--trial", type=int, metavar="N", help="The trial to explain. [default: the winner]")
@click.option("--seeds", type=int, default=8, metavar="N", help="How often each config on the path is trained.")
@click.option("--data", "--trainable", "data", metavar="PLACE", help="Where data or a function are now, if moved.")
@prints(click.echo, asdict)
def explain(name: str, address: str | None, trial: int | None, seeds: int, data: str | None) -> "Explanation":
    """Say why the winner is better than the defaults, one change at a time.

    The configs between them are trained here, with the same seeds. NAME is a study's name, its folder, or the URI of
    its mirror.
    """
    from caviar.study.explanation import explain as explain_study

    return explain_study(local_copy(name, address), trial, seeds=seeds, data=data)
