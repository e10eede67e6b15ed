"""What the driver costs: `python -m tests.benchmarks.driver [--quick] [--json FILE] [--only NAME]`.

Each figure is compared with its peer's in one run on one machine; Ray starts before any clock. The peers are
optional: Ray Tune needs `ray[tune]`, Optuna its package; a missing peer is skipped with a note.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import caviar
from caviar.fleet.cluster import connection
from caviar.fleet.connect import open_pool
from caviar.fleet.messages import Done, Event, Report, Stack, Started
from caviar.fleet.placement import Placement
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.protocol import Trainers
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.events import TrialEnded
from caviar.records.journal import Journal
from caviar.records.trial import Config, Result, State, Trial
from caviar.study.wave import run_wave
from tests.fleet.simulation import SimulatedTrainers

WORKERS = 4
SPACE = caviar.Space(x=caviar.uniform(0, 1), y=caviar.loguniform(1e-3, 1), kind=caviar.choice(["a", "b"]))
OBJECTIVE = {"metric": "score", "mode": "max"}


def nothing(config: Config, seed: int) -> dict[str, float]:
    """Train nothing."""
    return {"score": 1.0}


def sleeping(config: Config, seed: int) -> dict[str, float]:
    """Sleep for x seconds."""
    time.sleep(config["x"])
    return {"score": 1.0}


def stacks(seconds: list[float], first: int = 0) -> list[Stack]:
    """Return a stack of one trial for each duration."""
    return [(Trial(first + i, 1, {"x": x}, i),) for i, x in enumerate(seconds)]


def train_with_journal(trainers: Trainers, work: list[Stack], folder: Path) -> tuple[float, list[Result]]:
    """Train stacks and write the journal; return the seconds and the results."""
    journal, results = Journal(folder), []

    def keep(batch: list[Result]) -> None:
        journal.append(TrialEnded(result) for result in batch)
        results.extend(batch)

    start = time.perf_counter()
    run_wave(trainers, work, keep)
    seconds = time.perf_counter() - start
    journal.close()
    return seconds, results


def processes(quick: bool, folder: Path) -> dict[str, float]:
    """Trials per second that do nothing, each in a process of its own, on one core of this machine."""
    count = 200 if quick else 1000
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # the trainer, the parent of its trials, and their processes
    try:
        with open_pool(IsolatedFunction.of(nothing, "score", Placement(0)), "score", Placement(0)) as pool:
            train_with_journal(pool, stacks([0.0] * 20, 10_000), folder / "warm processes")
            seconds, _ = train_with_journal(pool, stacks([0.0] * count), folder / "processes")
    finally:
        os.sched_setaffinity(0, cores)
    return {"trials per second a core": count / seconds}


def throughput(quick: bool, folder: Path) -> dict[str, float]:
    """Trials per second of a warm pool, in leases and one by one, with isolation="none"."""
    count, figures = (4_000 if quick else 40_000), {}
    for what, number, settings in (
        ("in leases", count, PoolSettings()),
        ("one by one", count // 8, PoolSettings(lease_stacks=1)),
    ):
        with open_pool(FunctionTrainable(nothing), "score", Placement(WORKERS), settings) as pool:
            train_with_journal(pool, stacks([0.0] * 200), folder / f"warm {what}")
            seconds, _ = train_with_journal(pool, stacks([0.0] * number, 1000), folder / what)
        figures[f"trials per second {what}"] = number / seconds
    return figures


def busy(quick: bool, folder: Path) -> dict[str, float]:
    """The share of the trainers' time that trials use: 200 trials of 0.2 to 2 s."""
    draw = random.Random(0)
    durations = [draw.uniform(0.2, 2.0) for _ in range(40 if quick else 200)]
    with open_pool(FunctionTrainable(sleeping), "score", Placement(WORKERS)) as pool:
        train_with_journal(pool, stacks([0.5] * 3 * WORKERS, 1000), folder / "warm")  # until all trainers are ready
        seconds, results = train_with_journal(pool, stacks(durations), folder / "busy")
    return {"trials": len(durations), "busy share": sum(r.seconds for r in results) / (WORKERS * seconds)}


def tune(quick: bool, folder: Path) -> dict[str, float]:
    """A whole study, with and without the start of its trainers, and Ray Tune with `reuse_actors`."""
    if importlib.util.find_spec("tensorboardX") is None or importlib.util.find_spec("pyarrow") is None:
        return {}
    from ray import tune

    figures = {}
    for count in (256,) if quick else (256, 1000):
        start = time.perf_counter()
        tune.Tuner(
            lambda config: {"score": 1.0},
            param_space={"x": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(num_samples=count, reuse_actors=True, max_concurrent_trials=WORKERS),
            run_config=tune.RunConfig(storage_path=str(folder / "tune"), verbose=0),
        ).fit()
        peer_rate = count / (time.perf_counter() - start)
        cold, isolated, shared = ours(count, folder)
        figures |= {
            f"Ray Tune, {count} trials: per second": peer_rate,
            f"Caviar, {count} trials: per second, cold": cold,
            f"Caviar, {count} trials: per second": isolated,
            f"Caviar, {count} trials: per second, isolation='none'": shared,
            f"over Ray Tune, {count} trials": isolated / peer_rate,
            f"isolation='none' over Ray Tune, {count} trials": shared / peer_rate,
        }
    return figures


def optuna(quick: bool, folder: Path) -> dict[str, float]:
    """The same compared with Optuna: 4 processes on one SQLite study."""
    if importlib.util.find_spec("optuna") is None:
        return {}
    import optuna

    count = 256 if quick else 1000
    url = f"sqlite:///{folder / 'optuna.db'}"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(storage=url, study_name="it")
    with multiprocessing.get_context("spawn").Pool(WORKERS, _import_optuna) as pool:
        pool.map(_optimise, [(url, 1)] * WORKERS)
        start = time.perf_counter()
        pool.map(_optimise, [(url, count // WORKERS)] * WORKERS, chunksize=1)
        peer_rate = count / (time.perf_counter() - start)
    cold, isolated, shared = ours(count, folder)
    return {
        "Optuna: trials per second": peer_rate,
        "Caviar: trials per second, cold": cold,
        "Caviar: trials per second": isolated,
        "Caviar: trials per second, isolation='none'": shared,
        "over Optuna": isolated / peer_rate,
        "isolation='none' over Optuna": shared / peer_rate,
    }


def _import_optuna() -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _optimise(work: tuple[str, int]) -> None:
    import optuna

    url, count = work
    study = optuna.load_study(storage=url, study_name="it", sampler=optuna.samplers.RandomSampler())
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=count)


def ours(count: int, folder: Path) -> tuple[float, float, float]:
    """Return trials per second of a study from `run()` to its table, and of pools whose trainers are ready.

    In the first pool each trial has a process of its own; in the second none has.
    """
    out = folder / f"ours-{time.monotonic_ns()}"
    settings = {"space": SPACE, "trials": count, "waves": 1, "search": "random", "workers": WORKERS, "out": out}
    study = caviar.Study(nothing, **settings, **OBJECTIVE)
    start = time.perf_counter()
    study.run(progress=False)
    cold = count / (time.perf_counter() - start)
    placement = Placement(WORKERS)
    rates: list[float] = []
    for trainable in (IsolatedFunction.of(nothing, "score", placement), FunctionTrainable(nothing)):
        with open_pool(trainable, "score", placement) as pool:
            train_with_journal(pool, stacks([0.5] * 2 * WORKERS, 10_000), out / f"warm {len(rates)}")
            seconds, _ = train_with_journal(pool, stacks([0.0] * count), out / f"again {len(rates)}")
        rates.append(count / seconds)
    return cold, rates[0], rates[1]


class InstantTrainers:
    """Trainers whose trials end at once, so that only the driver's own work takes time."""

    workers = WORKERS
    trainable = FunctionTrainable(nothing)

    def __init__(self) -> None:
        self._queue: list[Trial] = []

    @property
    def pending(self) -> int:
        return len(self._queue)

    def start(self, trials: int) -> None: ...

    def submit(self, work: Iterable[Stack]) -> None:
        self._queue = [trial for stack in work for trial in stack][::-1]

    def poll(self, timeout: float = 1.0) -> list[Event]:
        events: list[Event] = []
        for _ in range(min(64, len(self._queue))):
            trial = self._queue.pop()
            events += [Started(trial.number), Report(trial.number, 1, 0.001, {"score": trial.config["x"]})]
            events.append(Done(trial.number, State.FINISHED, "", 0.001, "host:1"))
        return events

    def discard(self, trials: Iterable[int]) -> None: ...

    def stop(self, reason: str) -> list[Event]:
        return []

    def close(self) -> None: ...


def driver(quick: bool, folder: Path) -> dict[str, float]:
    """The driver's own time and memory per trial, in studies of growing size, each in its own process."""
    figures = {}
    for count in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, cpu, memory = pool.apply(_drive, (count, folder / f"driver-{count}"))
        figures |= {f"{count} trials: us each": seconds / count * 1e6, f"{count} trials: bytes each": memory / count}
        figures |= {f"{count} trials: us of CPU each": cpu / count * 1e6}
    return figures


def _drive(count: int, out: Path) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds, and the bytes by which the process grows."""
    settings = {"space": SPACE, "waves": 4, "search": "random", "workers": 0, **OBJECTIVE}
    warm = caviar.Study(nothing, trials=500, out=out / "warm", **settings)
    warm.run(progress=False, trainers=InstantTrainers())  # imports everything
    study = caviar.Study(nothing, trials=count, out=out, **settings)
    before, cpu, start = _resident(), time.process_time(), time.perf_counter()
    study.run(progress=False, trainers=InstantTrainers())
    return time.perf_counter() - start, time.process_time() - cpu, _resident() - before


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def simulated(quick: bool, folder: Path) -> dict[str, float]:
    """The dispatcher with 1,000 workers and a million trials, in virtual time."""
    count = 50_000 if quick else 1_000_000
    draw = random.Random(0)
    times = {"duration": lambda trial: draw.uniform(0.5, 2.0), "loss_seconds": 5.0}
    trainers = SimulatedTrainers(FunctionTrainable(nothing), "score", 1000, trains=False, **times)
    total = 0

    def keep(results: list[Result]) -> None:
        nonlocal total
        total += len(results)

    start = time.perf_counter()
    run_wave(trainers, stacks([0.0] * count), keep)
    seconds = time.perf_counter() - start
    assert total == count
    share = trainers.busy / (1000 * trainers.now)
    return {"trials": count, "us per trial, including the simulation": seconds / count * 1e6, "busy share": share}


SECTIONS: dict[str, Callable[[bool, Path], dict[str, float]]] = {
    "processes": processes,
    "throughput": throughput,
    "busy": busy,
    "tune": tune,
    "optuna": optuna,
    "driver": driver,
    "simulated": simulated,
}


def main() -> None:
    """Print every section's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer trials")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    arguments = parser.parse_args()
    chosen = [arguments.only] if arguments.only else list(SECTIONS)
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, connection(Placement(WORKERS)):
        for name in chosen:
            figures[name] = SECTIONS[name](arguments.quick, Path(folder))
            print(f"{name}: {str(SECTIONS[name].__doc__).splitlines()[0]}")
            for what, value in figures[name].items() or {"left out, as it is not installed": float("nan")}.items():
                print(f"  {what:<45} {value:>14,.6g}")
            sys.stdout.flush()
    if arguments.json:
        arguments.json.write_text(json.dumps({"cores": os.cpu_count(), **figures}, indent=2))


if __name__ == "__main__":
    main()
