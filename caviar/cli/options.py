"""The options that several commands share, and how their values are parsed."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypedDict

import click

from caviar.errors import InputError
from caviar.records.objective import Mode


class StudyOptions(TypedDict):
    """The options of `caviar run` and `caviar submit` that `Study` takes unchanged."""

    trials: int
    waves: Literal["auto", "continuous"] | int | tuple[int, ...]
    seed: int
    metric: str | None
    mode: Mode | None
    epochs: int
    search: str
    early_stopping: str | None
    confirm: bool | str | tuple[int, int]
    timeout: float | None
    name: str | None
    out: str | None
    workers: int | str
    address: str | None
    trial_timeout: float | None


def _parse_workers(context: click.Context, option: click.Parameter, value: str) -> int | str:
    try:
        return value if value == "auto" else int(value)
    except ValueError:
        raise InputError(f"--workers must be 'auto' or an integer >= 0, got {value!r}") from None


def _parse_waves(context: click.Context, option: click.Parameter, value: str) -> int | str | tuple[int, ...]:
    if value in ("auto", "continuous"):
        return value
    try:
        sizes = tuple(map(int, value.split(",")))
    except ValueError:
        kinds = "'auto', 'continuous', a number (3) or sizes (64,32,32)"
        raise InputError(f"--waves must be {kinds}, got {value!r}") from None
    return sizes if len(sizes) > 1 else sizes[0]


def _parse_confirm(context: click.Context, option: click.Parameter, value: str) -> bool | str | tuple[int, int]:
    if value in ("auto", "no"):
        return value == "auto" and value
    try:
        top, replicates = map(int, value.split(","))
    except ValueError:
        raise InputError(f"--confirm must be 'auto', 'no' or TOP,REPLICATES (3,4), got {value!r}") from None
    return top, replicates


_WORKERS = "Number of trainers; auto: one per free CPU; 0: train in this process."
_RAY = "Ray cluster: auto, host:6379 or ray://host:10001. [default: a temporary local Ray]"
_JOBS = "Address of a cluster's Jobs API, such as http://127.0.0.1:8265. [default: this machine]"
_WAVES = "Number of waves, their sizes (64,32,32), auto or continuous."
_CONFIRM = "Train the best trials again: TOP,REPLICATES (3,4), auto or no."

workers_option = click.option("--workers", default="auto", metavar="N|auto", callback=_parse_workers, help=_WORKERS)
trial_timeout_option = click.option("--trial-timeout", type=float, help="Seconds after which a trial is stopped.")
ray_address_option = click.option("--address", help=_RAY)
jobs_address_option = click.option("--address", envvar="RAY_API_SERVER_ADDRESS", help=_JOBS)

_STUDY_OPTIONS = (
    click.argument("file", required=False, type=click.Path(path_type=Path)),
    click.option("--data", default="digits", help="A CSV file, or the name of a built-in data set."),
    click.option("--target", help="The column of the CSV file to predict."),
    click.option("--trials", default=64, help="Number of configurations to train."),
    click.option("--waves", default="auto", callback=_parse_waves, help=_WAVES),
    click.option("--seed", default=0, help="Random seed; the same seed gives the same table."),
    click.option("--metric", help="Metric to optimise. [default: val_accuracy or val_rmse]"),
    click.option("--mode", type=click.Choice(["min", "max"]), help="Which values are better. [default: by metric]"),
    click.option("--epochs", default=20, help="Number of epochs to train each network."),
    click.option("--search", default="coarse-to-fine", help="coarse-to-fine, random, sobol or grid."),
    click.option("--early-stopping", help="halving or asha. [default: train every trial to its end]"),
    click.option("--confirm", default="auto", callback=_parse_confirm, help=_CONFIRM),
    click.option("--timeout", type=float, help="Seconds after which the study stops."),
    click.option("--name", help="Study name. [default: the data set's name]"),
    workers_option,
    trial_timeout_option,
)


def study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument FILE and the options that define a study to a command."""
    for option in reversed(_STUDY_OPTIONS):
        command = option(command)
    return command
