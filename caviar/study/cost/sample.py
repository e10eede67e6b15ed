"""A trainable that trains a stack of networks for some mini-batches, and reports how long a whole epoch takes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from caviar.data.dataset import Dataset
from caviar.fleet.messages import Stack
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.fleet.worker.output import OutputFile
from caviar.fleet.worker.trainables import Run
from caviar.records.trial import Metrics
from caviar.study.cost.peak import peak_bytes

EPOCH_SECONDS, PEAK_BYTES = "epoch_seconds", "peak_bytes"  # names of its metrics
_STEPS = (4, 16)  # mini-batches of the two short epochs that are compared
_REPEATS = 3  # of each, of which the shortest counts


class Sample:
    """A trainable: two short epochs of a stack, from whose difference the time of a whole one follows."""

    def __init__(self, trainable: NetworkTrainable) -> None:
        self._trainable = trainable

    def load(self) -> "Sample":
        return self

    def start(self, stack: Stack) -> Run:
        return _SampleRun(self._trainable, stack)

    def close(self) -> None:
        pass  # nothing runs between two stacks


class _SampleRun:
    output: OutputFile | None = None
    seconds: float | None = None
    continued_from: int | None = None

    def __init__(self, trainable: NetworkTrainable, stack: Stack) -> None:
        slow = {"learning_rate": 1e-4}  # so that none diverges and leaves; a rate costs nothing
        self._stack = tuple(replace(trial, config={**trial.config, **slow}) for trial in stack)
        self._trainable = trainable
        self.alive = [True] * len(stack)
        self._is_done = False

    def epoch(self, until: int | None = None, seconds: float | None = None) -> Sequence[Metrics]:
        if self._is_done:
            return []
        self._is_done = True
        few, more = (self._shortest(steps) for steps in _STEPS)
        whole = sum(map(self._steps, self._trainable.dataset.folds or (self._trainable.dataset,)))
        taken = [min(steps * max(1, len(self._trainable.dataset.folds)), whole) for steps in _STEPS]
        step = max(0.0, more.seconds - few.seconds) / max(1, taken[1] - taken[0])
        report = {EPOCH_SECONDS: more.seconds + step * (whole - taken[1]), PEAK_BYTES: float(peak_bytes())}
        return [{**more.metrics, **report}] * len(self._stack)

    def stop(self, member: int) -> None:
        self.alive[member] = False

    def _steps(self, dataset: Dataset) -> int:
        return max(1, len(dataset.train_x) // self._batch)

    @property
    def _batch(self) -> int:
        return int(self._stack[0].config.get("batch_size", 64))

    def _shortest(self, steps: int) -> "_Epoch":
        """Return the shortest of a few epochs on the first rows, in so many mini-batches."""
        rows, dataset = steps * self._batch, self._trainable.dataset
        short = replace(_first(dataset, rows), folds=tuple(_first(fold, rows) for fold in dataset.folds))
        run = replace(self._trainable, dataset=short, epochs=_REPEATS + 1).start(self._stack)
        run.epoch(None, None)
        epochs = [_Epoch.of(run) for _ in range(_REPEATS)]
        return min(epochs, key=lambda epoch: epoch.seconds)


@dataclass(frozen=True)
class _Epoch:
    seconds: float
    metrics: Metrics

    @classmethod
    def of(cls, run: Run) -> "_Epoch":
        begun = time.perf_counter()
        reports = run.epoch(None, None)
        seconds = time.perf_counter() - begun
        return cls(seconds, next((report for report in reports if isinstance(report, dict)), {}))


def _first(dataset: Dataset, rows: int) -> Dataset:
    """Return a data set of the first training rows."""
    weights = dataset.train_weights
    return replace(
        dataset,
        train_x=dataset.train_x[:rows],
        train_y=dataset.train_y[:rows],
        train_weights=None if weights is None else weights[:rows],
    )
