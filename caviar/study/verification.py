"""Verify a study: train some of its trials again, here, and compare every number that they reported.

What a trial reports depends on its config, its seed, the data and the code. So whoever has these gets the same numbers,
to the bit, on the same kind of processor with the same BLAS; elsewhere the last bits may differ.
"""

import json
import logging
import math
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from caviar._checks import check_integer
from caviar.errors import StorageError
from caviar.files import write_atomically
from caviar.records import journal
from caviar.records.outcome import Outcome
from caviar.records.trial import Result, State
from caviar.records.versions import installed_versions
from caviar.study.outside import opened, train_outside
from caviar.study.planner import Planner
from caviar.study.study import Study

CERTIFICATE = "certificate.json"
logger = logging.getLogger("caviar")


@dataclass(frozen=True)
class Comparison:
    """A trial, and what it reports when it is trained again."""

    trial: int
    equal: bool
    epoch: int | None = None  # the first whose report differs
    metric: str = ""  # the first in it that differs; "" if the trial ends at another epoch, or in another state
    before: float | None = None
    again: float | None = None


@dataclass(frozen=True)
class Machine:
    """What the last bits of a number depend on."""

    processor: str
    blas: tuple[str, ...]  # such as "openblas 0.3.30 SkylakeX"
    versions: dict[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """Return this one."""
        libraries = {
            f"{library['internal_api']} {library['version']} {library.get('architecture', '')}".strip()
            for library in threadpool_info()
            if library["user_api"] == "blas"
        }
        return cls(_processor(), tuple(sorted(libraries)), installed_versions())


@dataclass(frozen=True)
class Verification:
    """What came of training trials of a study again."""

    name: str  # of the study
    trials: tuple[Comparison, ...]
    machine: Machine
    versions: dict[str, str]  # those that the study was started with

    @property
    def equal(self) -> bool:
        """Whether every number is equal, to the bit."""
        return all(trial.equal for trial in self.trials)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What came of it, in words."""
        count, equal = len(self.trials), sum(trial.equal for trial in self.trials)
        numbers = ", ".join(str(trial.trial) for trial in self.trials)
        where = f"on {self.machine.processor} with {', '.join(self.machine.blas) or 'no BLAS'}"
        first = f"{equal} of {count} trials ({numbers}) are equal to the bit, {where}"
        return (first, *map(_difference, (t for t in self.trials if not t.equal)), *self._other_versions())

    def _other_versions(self) -> Iterator[str]:
        if self.equal:
            return
        for package, version in self.versions.items():
            now = self.machine.versions.get(package, "not installed")
            if now != version:
                yield f"the study ran with {package} {version}; here it is {now}"


def verify(study: Study | str | Path, trials: int = 5, *, data: Any = None) -> Verification:
    """Train some trials of a study again, and compare every number that they reported.

    The winner comes first, then others, evenly from first to last. The result is also written to `certificate.json` in
    the study's folder, with the settings, the fingerprint of the data or the code, versions and a hash of the table;
    where that cannot be written, a warning says so.

    Args:
        study: a study, which trains where it runs, or its folder or the URI of its mirror: it then trains here.
        trials: how many, >= 1; fewer if fewer have finished.
        data: as for `Study.open`: arrays, or a function that no module holds.

    Raises:
        InputError: no trial has finished, or the data have changed.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> _ = study.run(progress=False)
    >>> verify(study.folder, trials=2).equal
    True
    """
    study = opened(study, data)
    chosen = _choose(study.outcome, check_integer("trials", trials))
    before, again = journal.read_results(study.folder), _train(study, chosen)
    comparisons = tuple(_compare(before[number], again[number]) for number in chosen)
    verification = Verification(study.settings.name, comparisons, Machine.here(), dict(study.outcome.versions))
    try:
        _write_certificate(study.outcome, verification)
    except StorageError as error:  # such as the folder of somebody else; what was found is not lost
        logger.warning("%s", error)
    return verification


def _choose(outcome: Outcome, count: int) -> list[int]:
    """Return the numbers of the winner and of other finished trials, evenly from first to last."""
    best = outcome.best.trial
    others = [result.trial for result in outcome.results if result.state is State.FINISHED and result.trial != best]
    left = min(count - 1, len(others))
    return [best, *(others[round((i + 0.5) * len(others) / left - 0.5)] for i in range(left))]


def _train(study: Study, numbers: Sequence[int]) -> dict[int, Result]:
    """Train trials with their configs and seeds, outside of the study's folder."""
    planner = Planner(study.record.state)
    waves = study.record.state.waves
    trials = [replace(t, keep=False) for wave in waves for t in planner.trials(wave) if t.number in numbers]
    return train_outside(study, trials)


def _compare(before: Result, again: Result) -> Comparison:
    """Return whether two results have the same reports, or where they first differ."""
    for epoch, (old, new) in enumerate(zip(before.curve, again.curve, strict=False), 1):
        for name in {**old.metrics, **new.metrics}:
            was, now = old.metrics.get(name), new.metrics.get(name)
            if was != now and not (was is not None and now is not None and math.isnan(was) and math.isnan(now)):
                return Comparison(before.trial, False, epoch, name, was, now)
    if len(before.curve) != len(again.curve) or before.state is not again.state:
        return Comparison(before.trial, False, min(len(before.curve), len(again.curve)) + 1)
    return Comparison(before.trial, True)


def _difference(trial: Comparison) -> str:
    if not trial.metric:
        return f"trial {trial.trial} ends differently, before epoch {trial.epoch}"
    numbers = f"{trial.metric} was {trial.before!r} and is {trial.again!r}"
    return f"trial {trial.trial} differs from epoch {trial.epoch} on: {numbers}"


def _write_certificate(outcome: Outcome, verification: Verification) -> None:
    """Write what a reader needs to check the study's numbers."""
    content = {
        "verified": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "settings": outcome.settings.to_plain(),
        "versions": dict(outcome.versions),
        "results_sha256": outcome.fingerprint,
        "equal": verification.equal,
        "trials": [asdict(trial) for trial in verification.trials],
        "machine": asdict(verification.machine),
    }
    write_atomically(outcome.folder / CERTIFICATE, json.dumps(content, indent=1).encode())


def _processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
