"""Experiments by their names: run, and written into a folder as tables and pages."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from caviar.errors import InputError
from caviar.experiments.batch_norm import covariate_shift
from caviar.experiments.finding import Finding
from caviar.experiments.grids import random_against_grid
from caviar.experiments.rates import learning_rate_scale
from caviar.experiments.waves import coarse_and_fine
from caviar.experiments.windows import momentum_scale


class Experiment(NamedTuple):
    """A function, and the name of the argument that says how large it is."""

    run: Callable[..., Finding]
    size: str


EXPERIMENTS = {
    "random-against-grid": Experiment(random_against_grid, "trials"),
    "learning-rate-scale": Experiment(learning_rate_scale, "trials"),
    "momentum-scale": Experiment(momentum_scale, "trials"),
    "coarse-and-fine": Experiment(coarse_and_fine, "trials"),
    "covariate-shift": Experiment(covariate_shift, "steps"),
}


def run_and_write(
    names: Sequence[str] = (), *, size: int | None = None, seeds: int | None = None, folder: Path
) -> Iterator[str]:
    """Run experiments, and write NAME.csv, tables beside it and NAME.html of each.

    Args:
        names: of `EXPERIMENTS`; all if left out.
        size: trials of each search (of "covariate-shift": steps of each training); each its own if left out.
        seeds: repetitions; each its own if left out.
        folder: where to.

    Yields:
        Lines for a person: the claim, what was found, the files; a sentence where Plotly is missing.

    Raises:
        InputError: an unknown name, or a size or seeds below 1; before anything runs.
        StorageError: the folder cannot be written.
    """
    _check(names, size, seeds)
    for name in names or EXPERIMENTS:
        known = EXPERIMENTS[name]
        given = {word: number for word, number in ((known.size, size), ("seeds", seeds)) if number is not None}
        finding = known.run(**given)
        yield f"{name}: {finding.claim}"
        yield from (f"  {sentence}" for sentence in finding.found)
        paths = finding.write_tables(folder)
        try:
            paths.append(finding.write_page(folder, _command(name, size, seeds)))
        except InputError as error:
            yield f"  no picture: {error}"
        yield f"  {', '.join(map(str, paths))}"


def _check(names: Sequence[str], size: int | None, seeds: int | None) -> None:
    for name in names:
        if name not in EXPERIMENTS:
            near = difflib.get_close_matches(name, EXPERIMENTS, n=1, cutoff=0)
            raise InputError(f"there is no experiment {name!r}; did you mean {near[0]!r}?")
    for word, number in (("size", size), ("seeds", seeds)):
        if number is not None and number < 1:
            raise InputError(f"{word}={number}: it is a whole number of at least 1")


def _command(name: str, size: int | None, seeds: int | None) -> str:
    options = [f"--{word} {number}" for word, number in (("size", size), ("seeds", seeds)) if number is not None]
    return " ".join(["caviar experiments", name, *options])
