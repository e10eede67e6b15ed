"""The options that several commands share, and how their values are parsed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypedDict

import click

from caviar.cli.completion import complete_words
from caviar.errors import InputError
from caviar.fleet.address import VARIABLE, is_jobs_api
from caviar.records.objective import Mode


class StudyOptions(TypedDict):
    """The options of `caviar run` and `caviar submit` that `Study` takes unchanged."""

    trials: int
    waves: Literal["auto", "continuous"] | int | tuple[int, ...]
    seed: int
    metric: str | None
    metrics: tuple[str, ...]
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
        raise InputError(f"--workers must be 'auto' or an integer >= 0, got {value!r}; try --workers 4") from None


def _parse_waves(context: click.Context, option: click.Parameter, value: str) -> int | str | tuple[int, ...]:
    if value in ("auto", "continuous"):
        return value
    try:
        sizes = tuple(map(int, value.split(",")))
    except ValueError:
        kinds = "'auto', 'continuous', a number or the sizes of the waves"
        raise InputError(f"--waves must be {kinds}, got {value!r}; try --waves 3 or --waves 64,32,32") from None
    return sizes if len(sizes) > 1 else sizes[0]


def _parse_confirm(context: click.Context, option: click.Parameter, value: str) -> bool | str | tuple[int, int]:
    if value in ("auto", "no"):
        return value == "auto" and value
    try:
        top, replicates = map(int, value.split(","))
    except ValueError:
        raise InputError(
            f"--confirm must be 'auto', 'no' or TOP,REPLICATES, got {value!r}; try --confirm 3,4"
        ) from None
    return top, replicates


def _parse_names(context: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _jobs_address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the address of the cluster to ask; None for this machine."""
    if value is None:
        ray_address = os.environ.get(VARIABLE)
        value = os.environ.get(JOBS_VARIABLE) or (ray_address if is_jobs_api(ray_address) else None)
    return None if value == "local" else value


JOBS_VARIABLE = "RAY_API_SERVER_ADDRESS"  # which Ray's job client reads

# as in the modules that check them, which are slow to import
SEARCHES = ("coarse-to-fine", "random", "sobol", "grid")
EARLY_STOPPING = ("halving", "asha")

_ADDRESS = "Ray cluster: http://HOST:8265, ray://HOST:10001, HOST:6379 or auto; local: this machine."
_WORKERS = "Number of trainers; auto: one per free CPU; 0: train in this process."
_DATA = "A CSV file, or the name of a built-in data set."
_METRICS = "Other scorers of scikit-learn to report, such as f1_macro,roc_auc."
_WAVES = "Number of waves, their sizes (64,32,32), auto or continuous."
_SEARCH = "coarse-to-fine, random, sobol or grid."
_EARLY_STOPPING = "halving or asha. [default: train every trial to its end]"
_CONFIRM = "Train the best trials again: TOP,REPLICATES (3,4), auto or no."

_complete_data = complete_words("digits", type="file")
_complete_search = complete_words(*SEARCHES)
_complete_stopping = complete_words(*EARLY_STOPPING)
_complete_address = complete_words("auto", "local")

workers_option = click.option("--workers", default="auto", metavar="N|auto", callback=_parse_workers, help=_WORKERS)
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

_STUDY_OPTIONS = (
    click.argument("file", required=False, type=click.Path(path_type=Path)),
    click.option("--data", default="digits", help=_DATA, shell_complete=_complete_data),
    click.option("--target", help="The column of the CSV file to predict."),
    click.option("--trials", default=64, help="Number of configurations to train."),
    click.option("--waves", default="auto", callback=_parse_waves, help=_WAVES),
    click.option("--seed", default=0, help="Random seed; the same seed gives the same table."),
    click.option("--metric", help="Metric or scorer to optimise. [default: val_accuracy or val_rmse]"),
    click.option("--metrics", default="", metavar="NAME,...", callback=_parse_names, help=_METRICS),
    click.option("--mode", type=click.Choice(["min", "max"]), help="Which values are better. [default: by metric]"),
    click.option("--epochs", default=20, help="Number of epochs to train each network."),
    click.option("--search", default="coarse-to-fine", help=_SEARCH, shell_complete=_complete_search),
    click.option("--early-stopping", help=_EARLY_STOPPING, shell_complete=_complete_stopping),
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
