"""The study: the driver that asks the search for waves, has the fleet train them, and keeps what comes back."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from caviar.errors import InputError, PausedError
from caviar.fleet.cluster import Placement
from caviar.fleet.messages import Trial
from caviar.fleet.pool import Pool, open_pool
from caviar.search.square import edges
from caviar.space.defaults import default_space
from caviar.space.plain import to_plain
from caviar.space.space import Space
from caviar.study import journal as journals
from caviar.study.alarm import Alarm
from caviar.study.journal import Journal
from caviar.study.progress import Watcher, watcher
from caviar.study.result import Result
from caviar.study.settings import Settings
from caviar.study.stacking import stacked
from caviar.study.subject import Subject, subject_of, subject_of_record
from caviar.study.table import history_table, results_table, square_table, waves_table, write_csv
from caviar.study.tuning import new_search, ranked, told
from caviar.study.wave import run_wave, trials_of

WRITE_SECONDS = 10.0  # how often the tables are written while a wave runs, if that takes less than a twentieth of it


class Study:
    """One tuning job: sample configurations, train them all at once, find the best cluster, zoom in, repeat.

    Args:
        data: what to train on: "digits", a data set of `load_csv` or `from_arrays`, or (x, y); the built-in
            network is trained on it. Or a function `train(config, seed)` of your own that returns a dict of
            metrics, or yields one an epoch.
        space: what may vary; the built-in network's default space if left out.
        trials: how many configurations to train.
        waves: how many waves, or their sizes; "auto" chooses.
        seed: from 0 on; the same seed gives the same table, whatever the number of workers.
        metric: what to optimise; "val_accuracy" for classes and "val_rmse" for numbers if left out.
        mode: "min" or "max"; known for the built-in network's metrics.
        epochs: how long the built-in network trains.
        search: "coarse-to-fine", "random", "sobol" or "grid".
        same_shape: how many trials of a wave share one shape of network, so that they train as one stack.
        stacking: False trains every network alone, for comparison; the table is the same.
        name: of the study; that of its data if left out.
        out: the study's folder, or a URI (s3://, gs://, ...) where it is mirrored; `runs/NAME-TIME` if left out.
        workers: how many trainers; "auto": as many as the cluster has free CPUs.
        address: of a Ray cluster; None: the one connected to, or one started here for the while.
        resources: what a trainer takes, such as {"cpu": 2, "gpu": 0.5}; one CPU if left out.
        trial_timeout: seconds after which a trial is ended as "timed_out"; None: no limit.

    Raises:
        InputError: a setting that cannot be, before anything is started.
        StorageError: the folder cannot be written.
    """

    def __init__(
        self,
        data: Any = "digits",
        *,
        space: Space | None = None,
        trials: int = 64,
        waves: int | Sequence[int] | str = "auto",
        seed: int = 0,
        metric: str | None = None,
        mode: str | None = None,
        epochs: int = 20,
        search: str = "coarse-to-fine",
        same_shape: int = 1,
        stacking: bool = True,
        name: str | None = None,
        out: str | Path | None = None,
        workers: int | str = "auto",
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
    ) -> None:
        subject = subject_of(data)
        metric, mode = subject.objective(metric, mode)
        settings = Settings(
            name=name or subject.name,
            data=subject.record,
            space=default_space() if space is None else space,
            metric=metric,
            mode=mode,
            trials=trials,
            waves=waves if isinstance(waves, int | str) else tuple(waves),
            seed=seed,
            epochs=epochs,
            search=search,
            same_shape=same_shape,
        )
        folder = _free_folder(settings.name) if out is None else journals.folder_of(out)
        if journals.holds_study(folder):
            raise InputError(f"{folder} already holds a study; choose another folder, or go on with `caviar resume`")
        journals.check_writable(folder)
        self._prepare(subject, settings, folder, Placement.of(workers, address, resources, trial_timeout))
        self._stacking = stacking

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        data: Any = None,
        workers: int | str = "auto",
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
    ) -> "Study":
        """The study that a folder holds, finished or not; `run()` goes on with it.

        Args:
            folder: where the study's journal is, or the URI of its mirror.
            data: needed where the study was given arrays, or a function that cannot be imported.
            workers, address, resources, trial_timeout: where it is to go on, as for a new study.

        Raises:
            InputError: there is no study in the folder, or the data are not those that it was started with.
        """
        folder = journals.folder_of(folder)
        records = list(journals.read(folder))
        settings = Settings.from_record(records[0]["study"])
        subject = subject_of(data) if data is not None else subject_of_record(settings.data)
        if subject.record.get("fingerprint") != settings.data.get("fingerprint"):
            raise InputError(f"{folder} was started with other data than {subject.name!r}; give those of its start")
        study = cls.__new__(cls)
        study._prepare(subject, settings, folder, Placement.of(workers, address, resources, trial_timeout))
        study._replay(records[1:])
        return study

    def _prepare(self, subject: Subject, settings: Settings, folder: Path, placement: Placement) -> None:
        subject.check_space(settings.space)
        self.settings = settings
        self.folder = folder
        self._subject = subject
        self._placement = placement
        self._stacking = True
        self._search = new_search(settings)
        self._results: dict[int, Result] = {}
        self._told: list[int] = []  # the trials that the search knows of, in the order in which it was told
        self._waves: list[dict[str, Any]] = []
        self._best: float | None = None  # the best metric so far
        self._paused_by: list[str] = []  # causes of failure that stopped earlier runs
        self._next_write = 0.0

    def run(self, *, progress: bool = True) -> pd.DataFrame:
        """Train what is not trained yet; returns the table of results.

        Args:
            progress: False for no bar and no lines.

        Raises:
            StorageError: another driver runs this study.
            ClusterError: there is no Ray at the address, or no room on it.
            PausedError: trial after trial failed for one cause; running again takes them up again.
        """
        with contextlib.closing(Journal(self.folder)) as journal:
            if journal.empty:
                journal.append([{"study": self.settings.as_record()}])
            try:
                if not self._search.done:
                    self._run_waves(journal, progress)
            except PausedError as pause:
                journal.append([{"paused": pause.cause}])
                self._paused_by.append(pause.cause)
                raise
            finally:
                self.write()
        return self.table

    @property
    def results(self) -> list[Result]:
        """The trials that have ended, by number."""
        return [self._results[number] for number in sorted(self._results)]

    @property
    def table(self) -> pd.DataFrame:
        """A row a trial, by number."""
        return results_table(self.results, self.settings.space.names)

    @property
    def history(self) -> pd.DataFrame:
        """A row a report of every trial: its epoch, seconds and metrics."""
        records = journals.read(self.folder) if journals.holds_study(self.folder) else ()
        return history_table(Result.from_record(record) for record in records if "state" in record)

    @property
    def waves(self) -> pd.DataFrame:
        """A row a wave: what it reached, and the square it was sampled from."""
        return waves_table(self._waves, self.results, self.settings)

    @property
    def square(self) -> pd.DataFrame:
        """The region that the last wave was sampled from, a row a hyperparameter, next to the whole space."""
        wave = self._waves[-1] if self._waves else {"square": None, "space": to_plain(self.settings.space)}
        return square_table(wave)

    @property
    def edges(self) -> list[str]:
        """A sentence for each bound of the space that the last square lies against: the best may be beyond it."""
        return list(self._waves[-1]["edges"]) if self._waves else []

    @property
    def best(self) -> Result:
        """The winner: the finished trial with the best estimate, not the one with the luckiest number.

        Raises:
            InputError: no trial has finished.
        """
        return self.ranking[0]

    @property
    def ranking(self) -> list[Result]:
        """The finished trials, the best estimate first."""
        ranking = ranked(self._results, self._search, self._told, self.settings)
        if not ranking:
            raise InputError(f"no trial of {self.folder} has finished; see the errors in its table")
        return ranking

    def trial(self, number: int | None = None) -> Result:
        """A trial that has ended, by its number; the best one if left out.

        Raises:
            InputError: no trial of that number has ended.
        """
        if number is None:
            return self.best
        if number not in self._results:
            raise InputError(f"no trial {number!r} of {self.folder} has ended; those that have are in its table")
        return self._results[number]

    def babysit(self, trial: int | None = None, *, name: str | None = None, **settings: Any) -> Any:
        """Make a `caviar.Panda` of a trial: it trains anew to where the trial ended, to the bit, and lives on.

        Args:
            trial: its number; the best one if left out.
            name: of the Panda; the study's name and the trial's number if left out.
            settings: the others of a Panda: rules, folder, address and so on.

        Raises:
            InputError: there is no such trial, or it is none of the built-in network.
        """
        import caviar  # by its public name: Pandas stand above studies

        chosen = self.trial(trial)
        if self._subject.dataset is None:
            raise InputError(f"{self._subject.name} is a function of your own; a Panda trains the built-in network")
        panda = caviar.Panda(
            self._subject.dataset,
            config=chosen.config,
            name=name or f"{_plain(self.settings.name)}-{chosen.trial}",
            seed=chosen.seed,
            **{"horizon": self.settings.epochs, **settings},
        )
        panda.train(chosen.epochs, wait=False)
        return panda

    def write(self) -> None:
        """Write results.csv, history.csv and waves.csv, each whole or not at all."""
        begun = time.monotonic()
        for name, table in (("results", self.table), ("history", self.history), ("waves", self.waves)):
            write_csv(table, self.folder / f"{name}.csv")
        ended = time.monotonic()
        self._next_write = ended + max(WRITE_SECONDS, 20 * (ended - begun))

    def _run_waves(self, journal: Journal, progress: bool) -> None:
        trainable = self._subject.trainable(self.settings.epochs)
        alarm = Alarm(self._paused_by)
        with (
            watcher(self.settings.trials, self.settings.metric, not progress) as watch,
            open_pool(trainable, self.settings.metric, self._placement, watch.say) as pool,
        ):
            while not self._search.done:
                self._run_wave(journal, pool, alarm, watch)

    def _run_wave(self, journal: Journal, pool: Pool, alarm: Alarm, watch: Watcher) -> None:
        """The next wave, or what is left of the one that was interrupted."""
        record = self._next_wave(journal)
        trials = self._trials(record)
        left = [trial for trial in trials if trial.number not in self._results]
        for sentence in (f"wave {record['wave']}: {len(left)} trials on {pool.workers} trainers", *record["edges"]):
            watch.say(sentence)

        def keep(ended: list[Result]) -> None:
            counted: list[Result] = []
            try:
                for result in ended:
                    counted += alarm.passed(result)
            finally:
                self._count(counted, journal, watch)

        run_wave(pool, stacked(left, pool.trainable, pool.workers, self._stacking), keep)
        self._count(alarm.held(), journal, watch)
        self._tell(record)

    def _count(self, ended: Sequence[Result], journal: Journal, watch: Watcher) -> None:
        """Trials have ended: on disk first, then in the table."""
        for result in ended:
            self._keep_output(result)
        journal.append(result.as_record() for result in ended)
        for result in ended:
            self._take(result)
        watch.ended(len(self._results), self._best)
        if time.monotonic() > self._next_write:
            self.write()

    def _take(self, result: Result) -> None:
        """Into memory: all of a trial but its curve and its output."""
        self._results[result.trial] = replace(result, curve=[], output="")
        if result.state == "finished":
            value, choose = result.metrics[self.settings.metric], max if self.settings.mode == "max" else min
            self._best = value if self._best is None else choose(self._best, value)

    def _next_wave(self, journal: Journal) -> dict[str, Any]:
        """The record of the wave to run: the last one if it was interrupted, else a new one, journalled."""
        if self._waves and len(self._told) < sum(len(wave["points"]) for wave in self._waves):
            return self._waves[-1]
        points = self._search.ask()
        square = self._search.square
        record = {
            "wave": len(self._waves) + 1,
            "first": sum(len(wave["points"]) for wave in self._waves),
            "points": points.tolist(),
            "square": square.as_dict() if square is not None else None,
            "edges": edges(square, self._search.space) if square is not None else [],
            "space": to_plain(self._search.space),  # wider than the study's where it grew
        }
        journal.append([record])
        self._waves.append(record)
        return record

    def _trials(self, record: Mapping[str, Any]) -> list[Trial]:
        points = np.array(record["points"])
        return trials_of(self._search.space, points, self.settings.seed, record["wave"], record["first"])

    def _tell(self, record: Mapping[str, Any]) -> None:
        """Tell the search a whole wave, in the order of trial numbers."""
        numbers = range(record["first"], record["first"] + len(record["points"]))
        self._search.tell(np.array(record["points"]), told(self._results, numbers, self.settings))
        self._told += numbers

    def _replay(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Take up what a journal holds."""
        for record in records:
            if "points" in record:
                self._waves.append(dict(record))
            elif "state" in record:
                self._take(Result.from_record(record))
            elif "paused" in record:
                self._paused_by.append(record["paused"])
        for wave in self._waves:
            if all(n in self._results for n in range(wave["first"], wave["first"] + len(wave["points"]))):
                self._tell(wave)

    def _keep_output(self, result: Result) -> None:
        """What a trial printed goes to a file of its own."""
        if result.output:
            folder = self.folder / "output"
            folder.mkdir(exist_ok=True)
            (folder / f"{result.trial:06d}.txt").write_text(result.output)


def _free_folder(name: str) -> Path:
    """A folder for a study without one: its name and the time, made different from those that are there."""
    stem = Path("runs") / f"{_plain(name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    tries = [stem, *(stem.with_name(f"{stem.name}-{i}") for i in range(2, 1000))]
    return next(folder for folder in tries if not folder.exists())


def _plain(name: str) -> str:
    """A name as a part of a path."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name) or "study"
