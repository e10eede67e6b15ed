"""Run experiments by name, and write what they found into a folder as tables and pages."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from caviar._checks import check_integer, did_you_mean
from caviar.errors import InputError, MissingError
from caviar.experiments.batch_norm import covariate_shift
from caviar.experiments.finding import Finding
from caviar.experiments.grids import random_against_grid
from caviar.experiments.scales import learning_rate_scale, momentum_scale
from caviar.experiments.waves import coarse_and_fine


class Experiment(NamedTuple):
    """A function, and the argument that sets its size."""

    run: Callable[..., Finding]
    size: str


EXPERIMENTS = {
    "random-against-grid": Experiment(random_against_grid, "trials"),
    "learning-rate-scale": Experiment(learning_rate_scale, "trials"),
    "momentum-scale": Experiment(momentum_scale, "trials"),
    "coarse-and-fine": Experiment(coarse_and_fine, "trials"),
    "covariate-shift": Experiment(covariate_shift, "steps"),
}


class Written(NamedTuple):
    """A finding, the files that it was written to, and why there is no picture, if there is none."""

    finding: Finding
    files: list[Path]
    missing: str = ""

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        missing = [f"no picture: {self.missing}"] if self.missing else []
        details = [*self.finding.conclusions, *missing, ", ".join(map(str, self.files))]
        return [f"{self.finding.name}: {self.finding.claim}", *(f"  {line}" for line in details)]


def run_and_write(
    names: Sequence[str] = (), *, size: int | None = None, seeds: int | None = None, folder: Path
) -> Iterator[Written]:
    """Run experiments, write the tables and the page of each into a folder.

    Args:
        names: names in `EXPERIMENTS`; all by default.
        size: trials of each search (for "covariate-shift": steps of each training run), >= 1; None: each one's default.
        seeds: repetitions, >= 1; None: each one's default.
        folder: where to write.

    Raises:
        InputError: an unknown name, or a size or seeds below 1; raised before any work starts.
    """
    for name in names:
        if name not in EXPERIMENTS:
            raise InputError(f"unknown experiment {name!r}{did_you_mean(name, EXPERIMENTS)}")
    options = {word: value for word, value in (("size", size), ("seeds", seeds)) if value is not None}
    for word, value in options.items():
        check_integer(word, value)
    for name in names or EXPERIMENTS:
        experiment = EXPERIMENTS[name]
        finding = experiment.run(**{experiment.size if w == "size" else w: value for w, value in options.items()})
        paths = finding.write_tables(folder)
        command = " ".join(["caviar experiments", name, *(f"--{word} {value}" for word, value in options.items())])
        try:
            yield Written(finding, [*paths, finding.write_page(folder, command)])
        except MissingError as error:
            yield Written(finding, paths, str(error))
