"""Are forecasts of a study's time right? `python -m tests.benchmarks.answers.forecast [--only NAME] [--json FILE]`.

Each of 54 studies is forecast before it runs, and asked how long it still takes at every result. The truth is its time
on trainers with cores of their own, which are imitated in one process: a clock counts the seconds of this process on
its processor, and each stack begins on the trainer that is free first. So other work on the machine hardly moves them.

The error is that of the median, as a share of the truth; the coverage how often the 80% interval holds the truth.
"""

import argparse
import contextlib
import functools
import json
import math
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import caviar
from caviar.fleet.messages import Done, Event, Stack
from caviar.fleet.worker.stacks import StackRunner
from caviar.fleet.worker.trainables import Trainable
from caviar.records.span import Span
from caviar.study import run as running
from caviar.study.cost import forecast as before_launch
from caviar.study.cost import measurement

LEAST_LEFT = 0.2  # seconds; of less, nobody asks how much is left
WORKERS = (1, 2, 4)
TRIALS = (24, 40, 64)


class Clock:
    """Seconds of imitated time: this process's own, except while trainers train."""

    def __init__(self) -> None:
        self._at, self._mark = 0.0, time.process_time()

    def now(self) -> float:
        """Return the time."""
        return self._at + time.process_time() - self._mark

    def set(self, at: float) -> None:
        """Go on from a time."""
        self._at, self._mark = at, time.process_time()


class ImitatedTrainers:
    """Trainers with cores of their own, with the methods of `Trainers`."""

    def __init__(self, trainable: Trainable, metric: str, workers: int, clock: Clock) -> None:
        self.trainable, self.workers = trainable, workers
        self._runner, self._clock = StackRunner(trainable, metric), clock
        self._queue: deque[tuple[float, Stack]] = deque()
        self._events: list[deque[tuple[float, Event]]] = [deque() for _ in range(workers)]
        self._free = [0.0] * workers
        self._unfinished: set[int] = set()

    @property
    def pending(self) -> int:
        return len(self._unfinished)

    def start(self, trials: int) -> None:
        pass

    def submit(self, stacks: Iterable[Stack]) -> None:
        for stack in stacks:
            self._queue.append((self._clock.now(), stack))
            self._unfinished.update(trial.number for trial in stack)

    def poll(self, timeout: float = 1.0) -> list[Event]:
        now = self._clock.now()
        while self._queue and not all(self._events):
            idle = min((i for i, events in enumerate(self._events) if not events), key=lambda i: self._free[i])
            self._train(idle)
        self._clock.set(now)
        busy = [i for i, events in enumerate(self._events) if events]
        if not busy:
            return []
        first = min(busy, key=lambda i: self._events[i][0][0])
        at, event = self._events[first].popleft()
        self._clock.set(max(now, at))
        if isinstance(event, Done):
            self._unfinished.discard(event.trial)
        return [event]

    def _train(self, trainer: int) -> None:
        """Train the next stack on a trainer, and keep its events for their times."""
        submitted, stack = self._queue.popleft()
        begin, mark = max(self._free[trainer], submitted), time.process_time()
        for event in self._runner.train(stack):
            self._events[trainer].append((begin + time.process_time() - mark, event))
        self._free[trainer] = begin + time.process_time() - mark

    def discard(self, trials: Iterable[int]) -> None:
        self._runner.discard(trials)

    def stop(self, reason: str) -> list[Event]:
        raise NotImplementedError

    def close(self) -> None:
        self._runner.close()


@dataclass(frozen=True)
class Case:
    """A study to forecast."""

    target: str
    workers: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What was forecast, and the truth, in seconds."""

    case: Case
    forecast: Span
    seconds: float
    took: float  # to forecast
    live: list[tuple[float, Span]] = field(default_factory=list)  # the time since the launch, and what was left

    @property
    def moments(self) -> Iterator[tuple[float, Span]]:
        """The true time left and what was said, at a tenth, a quarter, half and three quarters of the study."""
        for share in (0.1, 0.25, 0.5, 0.75):
            said = [(at, left) for at, left in self.live if at >= share * self.seconds]
            if said and self.seconds - said[0][0] >= LEAST_LEFT:
                yield self.seconds - said[0][0], said[0][1]


@functools.cache
def trained(target: str) -> Any:
    """Return what a study of a name trains."""
    from sklearn import datasets

    match target:
        case "digits":
            return "digits"
        case "breast cancer":
            return caviar.from_arrays(*datasets.load_breast_cancer(return_X_y=True), name=target)
        case "diabetes":
            return caviar.from_arrays(*datasets.load_diabetes(return_X_y=True), task="regression", name=target)
        case "generated":
            return caviar.from_arrays(*datasets.make_classification(3000, 20, random_state=0), name=target)
    function = forest if target == "forest" else boosting
    config = SPACES[target].configs(np.zeros((1, SPACES[target].dimension)))[0]
    function(config, 0)  # imports what it needs, which a process does once
    return function


def forest(config: Mapping[str, Any], seed: int) -> dict[str, float]:
    """Train a random forest on digits."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    x, y = load_digits(return_X_y=True)
    model = RandomForestClassifier(**config, random_state=seed).fit(x[:600], y[:600])
    return {"score": float(model.score(x[600:1200], y[600:1200]))}


def boosting(config: Mapping[str, Any], seed: int) -> dict[str, float]:
    """Boost trees on diabetes."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor

    x, y = load_diabetes(return_X_y=True)
    model = GradientBoostingRegressor(**config, random_state=seed).fit(x[:300], y[:300])
    return {"score": float(model.score(x[300:], y[300:]))}


SPACES = {
    "forest": caviar.Space(
        n_estimators=caviar.lograndint(10, 100), max_depth=caviar.randint(2, 16), max_features=caviar.uniform(0.05, 1)
    ),
    "boosting": caviar.Space(
        n_estimators=caviar.lograndint(20, 400),
        max_depth=caviar.randint(1, 6),
        learning_rate=caviar.loguniform(0.01, 0.5),
        subsample=caviar.uniform(0.3, 1.0),
    ),
}
NETWORKS = ("digits", "breast cancer", "diabetes", "generated")


def cases(first_seed: int = 0) -> Iterator[Case]:
    """Yield nine studies of each target: three sizes, and trainers and seeds that change with them."""
    for position, target in enumerate((*NETWORKS, *SPACES)):
        for number in range(9):
            settings: dict[str, Any] = {"trials": TRIALS[number % 3], "seed": first_seed + 10 * position + number}
            if target in SPACES:
                settings |= {"space": SPACES[target], "metric": "score", "mode": "max", "isolation": "none"}
            elif number >= 6:
                settings |= {"early_stopping": "halving"}
            yield Case(target, WORKERS[number // 3], settings)


def measure(case: Case) -> Outcome:
    """Forecast a study, and run it."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, imitated_time(clock):
        study = caviar.Study(trained(case.target), **case.settings, workers=0, out=Path(folder) / "study")
        begun = clock.now()
        with as_many_trainers(case.workers):
            forecast = before_launch.forecast_study(study.record, study.target, study.placement)
        took = clock.now() - begun
        settings = study.settings
        metric = settings.objective.metric
        trainable = study.target.trainable(settings.epochs, metric, study.placement, None, settings.metrics)
        trainers = ImitatedTrainers(trainable, metric, case.workers, clock)
        clock.set(0.0)
        with recorded(clock) as live:
            study.run(trainers=trainers)
        return Outcome(case, forecast.minutes.times(60), clock.now(), took, live)


@contextlib.contextmanager
def imitated_time(clock: Clock) -> Iterator[None]:
    """Let everything tell the time by a clock, and measure durations by this process's own."""
    kept = time.monotonic, time.perf_counter
    time.monotonic, time.perf_counter = clock.now, time.process_time
    try:
        yield
    finally:
        time.monotonic, time.perf_counter = kept


@contextlib.contextmanager
def as_many_trainers(workers: int) -> Iterator[None]:
    """Forecast for a number of trainers, whatever measures."""
    kept = before_launch._measure

    def measure_for(*arguments: Any) -> measurement.Measurement:
        return replace(kept(*arguments), workers=workers)

    before_launch._measure = measure_for
    try:
        yield
    finally:
        before_launch._measure = kept


@contextlib.contextmanager
def recorded(clock: Clock) -> Iterator[list[tuple[float, Span]]]:
    """Record what a run says about the time that is left."""
    live: list[tuple[float, Span]] = []

    @contextlib.contextmanager
    def show_progress(*_: object, **__: object) -> Iterator[Callable[[int, object, Span | None], None]]:
        yield lambda done, best, left: live.append((clock.now(), left)) if left is not None else None

    kept = running.show_progress
    running.show_progress = show_progress
    try:
        yield live
    finally:
        running.show_progress = kept


def row(name: str, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return the errors and coverages of some studies."""
    errors = [abs(o.forecast.median / o.seconds - 1) for o in outcomes]
    held = [o.forecast.holds(o.seconds) for o in outcomes]
    moments = [moment for o in outcomes for moment in o.moments] or [(1.0, Span(math.nan, math.nan, math.nan))]
    return {
        "target": name,
        "studies": len(outcomes),
        "error": f"{np.median(errors):.0%}",
        "bias": f"{np.exp(np.median([np.log(o.forecast.median / o.seconds) for o in outcomes])) - 1:+.0%}",
        "coverage": f"{np.mean(held):.0%}",
        "width": f"{np.median([o.forecast.high / o.forecast.low for o in outcomes]):.2f}",
        "moments": len(moments),
        "error left": f"{np.median([abs(said.median / left - 1) for left, said in moments]):.0%}",
        "coverage left": f"{np.mean([said.holds(left) for left, said in moments]):.0%}",
        "width left": f"{np.median([said.high / max(said.low, 1e-9) for _, said in moments]):.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="a target; may be repeated")
    parser.add_argument("--first-seed", type=int, default=0, help="the constants of the time left were set on 1000")
    parser.add_argument("--json", type=Path, help="a file to which each study adds a line")
    parser.add_argument("--read", type=Path, nargs="+", help="files of earlier runs to print, instead of running")
    options = parser.parse_args()
    if options.read:
        outcomes = [outcome_from(line) for file in options.read for line in file.read_text("utf-8").splitlines()]
    else:
        outcomes = []
        for case in cases(options.first_seed):
            if not options.only or case.target in options.only:
                outcomes.append(outcome := measure(case))
                if options.json:
                    with options.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(outcome), default=repr) + "\n")
    targets = dict.fromkeys(outcome.case.target for outcome in outcomes)
    groups = {target: [o for o in outcomes if o.case.target == target] for target in targets}
    for workers in WORKERS:
        groups[f"{workers} trainer{'s' * (workers > 1)}"] = [o for o in outcomes if o.case.workers == workers]
    groups["all"] = outcomes
    print(pd.DataFrame([row(name, group) for name, group in groups.items() if group]).to_string(index=False))


def outcome_from(line: str) -> Outcome:
    """Return the outcome of a line that an earlier run has written."""
    plain = json.loads(line)
    live = [(at, Span(*left)) for at, left in plain["live"]]
    return Outcome(Case(**plain["case"]), Span(*plain["forecast"]), plain["seconds"], plain["took"], live)


if __name__ == "__main__":
    main()
