"""The options that several commands share."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypedDict, get_args

import click

from caviar.cli.completion import complete_words
from caviar.cli.parsing import (
    EARLY_STOPPING,
    SEARCHES,
    STOP,
    parse_class_weight,
    parse_columns,
    parse_confirm,
    parse_names,
    parse_separator,
    parse_stop,
    parse_validation,
    parse_waves,
    parse_workers,
)
from caviar.data.source import Task
from caviar.fleet.address import JOBS_VARIABLE, VARIABLE, is_jobs_api
from caviar.records.objective import Mode


class FormatOptions(TypedDict):
    """What is known about a file; the fields of `Format`."""

    separator: str | None
    decimal: str | None
    encoding: str | None
    header: bool | None


class TableOptions(FormatOptions):
    """The options of `caviar run` and `caviar submit` that `load_table` takes unchanged."""

    task: Task | None
    validation: float | str | dict[str, object] | None
    columns: dict[str, str | list[str]] | None
    sample_weight: str | None
    class_weight: str | dict[str, float] | None


class StudyOptions(TableOptions):
    """The same, and those that `Study` takes unchanged."""

    trials: int
    waves: Literal["auto", "continuous"] | int | tuple[int, ...]
    seed: int
    metric: str | None
    metrics: tuple[str, ...]
    mode: Mode | None
    epochs: int | None
    search: str
    early_stopping: str | None
    stop: str | dict[str, float] | None
    confirm: bool | str | tuple[int, int]
    timeout: float | None
    name: str | None
    out: str | None
    workers: int | str
    address: str | None
    trial_timeout: float | None


def _jobs_address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the address of the cluster to ask; None for this machine."""
    if value is None:
        ray_address = os.environ.get(VARIABLE)
        value = os.environ.get(JOBS_VARIABLE) or (ray_address if is_jobs_api(ray_address) else None)
    return None if value == "local" else value


_ADDRESS = "Ray cluster: http://HOST:8265, ray://HOST:10001, HOST:6379 or auto; local: this machine."
_WORKERS = "Number of trainers; auto: one per free CPU; 0: train in this process."
_DATA = "A table (CSV, Parquet, Feather; a file or a URL), or the name of a built-in data set."
_METRICS = "Other scorers of scikit-learn to report, such as f1_macro,roc_auc."
_TASK = "What the target is: classification or regression. [default: guessed, with a message]"
_VALIDATION = "A fraction, a number of folds, a table, or group=COLUMN, time=COLUMN, column=COLUMN. [default: 0.15]"
_COLUMN = "What a column is: number, category, date, drop, keep, or its levels in order (cut=Fair,Good,Ideal)."
_SEPARATOR = "The separator of a CSV file. [default: detected]"
_WAVES = "Number of waves, their sizes (64,32,32), auto or continuous."
_SEARCH = "coarse-to-fine, random, sobol or grid."
_EARLY_STOPPING = "halving or asha. [default: train every trial to its end]"
_STOP = "When to end before the last wave: worth, gain=0.001,minutes=10, plateau, METRIC=VALUE. [default: never]"
_CONFIRM = "Train the best trials again: TOP,REPLICATES (3,4), auto or no."

_complete_data = complete_words("digits", type="file")
_complete_search = complete_words(*SEARCHES)
_complete_stopping = complete_words(*EARLY_STOPPING)
_complete_stop = complete_words(*STOP)
_complete_address = complete_words("auto", "local")

workers_option = click.option("--workers", default="auto", metavar="N|auto", callback=parse_workers, help=_WORKERS)
trial_timeout_option = click.option("--trial-timeout", type=float, help="Seconds after which a trial is stopped.")
ray_address_option = click.option(
    "--address", help=f"{_ADDRESS} [env var: {VARIABLE}; default: local]", shell_complete=_complete_address
)
jobs_address_option = click.option(
    "--address",
    callback=_jobs_address,
    help=f"{_ADDRESS} [env var: {JOBS_VARIABLE}; default: local]",
    shell_complete=_complete_address,
)

_FORMAT_OPTIONS = (
    click.option("--separator", callback=parse_separator, help=_SEPARATOR),
    click.option("--decimal", help="The decimal mark of a CSV file. [default: detected]"),
    click.option("--encoding", help="The encoding of a CSV file. [default: detected]"),
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether a CSV file begins with the names of its columns. [default: detected]",
    ),
)
_STUDY_OPTIONS = (
    click.argument("file", required=False, type=click.Path(path_type=Path)),
    click.option("--data", default="digits", help=_DATA, shell_complete=_complete_data),
    click.option("--target", help="The column of the table to predict."),
    click.option("--task", type=click.Choice(get_args(Task)), metavar="TASK", help=_TASK),
    click.option("--validation", callback=parse_validation, help=_VALIDATION),
    click.option("--column", "columns", multiple=True, metavar="NAME=WORD", callback=parse_columns, help=_COLUMN),
    click.option("--sample-weight", metavar="COLUMN", help="The column that says how much each row counts."),
    click.option("--class-weight", callback=parse_class_weight, help="balanced, or LABEL=WEIGHT,LABEL=WEIGHT,..."),
    *_FORMAT_OPTIONS,
    click.option("--trials", default=64, help="Number of configurations to train."),
    click.option("--waves", default="auto", callback=parse_waves, help=_WAVES),
    click.option("--seed", default=0, help="Random seed; the same seed gives the same table."),
    click.option("--metric", help="Metric or scorer to optimise. [default: val_accuracy or val_rmse]"),
    click.option("--metrics", default="", metavar="NAME,...", callback=parse_names, help=_METRICS),
    click.option("--mode", type=click.Choice(["min", "max"]), help="Which values are better. [default: by metric]"),
    click.option("--epochs", type=int, help="Epochs to train each network. [default: 20, more for few rows]"),
    click.option("--search", default="coarse-to-fine", help=_SEARCH, shell_complete=_complete_search),
    click.option("--early-stopping", help=_EARLY_STOPPING, shell_complete=_complete_stopping),
    click.option("--stop", callback=parse_stop, help=_STOP, shell_complete=_complete_stop),
    click.option("--confirm", default="auto", callback=parse_confirm, help=_CONFIRM),
    click.option("--timeout", type=float, help="Seconds after which the study stops."),
    click.option("--name", help="Study name. [default: the data set's name]"),
    workers_option,
    trial_timeout_option,
)


def study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument FILE and the options that define a study to a command."""
    return _with(_STUDY_OPTIONS, command)


def format_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how a CSV file is written to a command."""
    return _with(_FORMAT_OPTIONS, command)


def _with(options: Sequence[Callable[..., Callable[..., None]]], command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command
