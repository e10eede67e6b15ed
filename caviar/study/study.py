"""The study: the driver that asks the search for waves, has the fleet train them, and keeps what comes back."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from caviar._checks import check_seconds
from caviar.errors import InputError, PausedError
from caviar.fleet.cluster import Placement
from caviar.fleet.connect import open_pool
from caviar.records import journal as journals
from caviar.records.confirmation import confirm_of
from caviar.records.journal import Journal
from caviar.records.settings import Settings
from caviar.records.tables import history_table, results_table, square_table, waves_table, write_csv
from caviar.records.trial import Result
from caviar.records.versions import versions
from caviar.space.serialization import to_plain
from caviar.space.space import Space
from caviar.study.driver import Driver
from caviar.study.failures import FAILURES, Alarm
from caviar.study.halving import Halving, halving_of
from caviar.study.planner import Ledger, Record
from caviar.study.progress import watcher
from caviar.study.target import Subject, subject_of, subject_of_record
from caviar.study.warm_start import finished_trials
from caviar.study.wave import Deadline

if TYPE_CHECKING:
    from caviar.insight.plots import Plots


class Study:
    """One tuning job: sample configurations, train them all at once, find the best cluster, zoom in, repeat.

    Args:
        data: what to train on: "digits", a data set of `load_csv` or `from_arrays`, or (x, y); the built-in
            network is trained on it. Or a function `train(config, seed)` of your own that returns a dict of
            metrics, or yields one an epoch.
        space: what may vary; of the built-in network, its default space if left out. All that it takes may stand in
            it, with a range or as a constant: `caviar.model.config` has the list.
        trials: how many configurations to train.
        waves: how many waves, or their sizes; "auto" chooses by trials and dimensions, not by workers, so that the
            table does not depend on them: up to eight, fewer and larger ones with early stopping. "continuous" has no
            barrier between waves: each point is chosen as a trainer comes free, from what has ended by then, and
            trained alone; so no trainer waits for the last of a wave, and the same seed gives the same table with
            `workers=1` only.
        seed: from 0 on; the same seed gives the same table, whatever the number of workers.
        metric: what to optimise; "val_accuracy" for classes and "val_rmse" for numbers if left out.
        mode: "min" or "max"; known for the built-in network's metrics.
        epochs: how long the built-in network trains; of a function of your own, how many reports it gives (only
            early stopping looks at it).
        search: "coarse-to-fine", "random", "sobol" or "grid".
        same_shape: how many trials of a wave share one shape of network, so that they train as one stack. More than 1
            trains a few more random trials a second (26 and 27 with 4 and 8 a shape, 23 else) but finds nothing better:
            on the digits, in the time that 64 trials of shapes of their own take, studies with 1, 4 and 8 a shape found
            a validation loss of 0.0495, 0.0473 and 0.0526, with standard errors of 0.0015 to 0.0019 over 30 seeds
            (`python -m tests.benchmarks.trials`), so each trial has its own.
        early_stopping: None trains every trial to its end; "halving" lets only the best third go on at every rung of
            epochs; "asha" decides without waiting, for throughput, and then the same seed no longer gives the same
            table; or a `Halving` with settings of its own.
        confirm: (k, r) trains the k best again at the end, r times each with fresh seeds, so that `best` is not the
            luckiest; "auto": (3, 4) from 48 trials on where results depend on a seed; False: not at all.
        stacking: False trains every network alone, for comparison; the table is the same.
        name: of the study; that of its data if left out.
        out: the study's folder, or a URI (s3://, gs://, ...) where it is mirrored; `runs/NAME-TIME` if left out.
        workers: how many trainers; "auto": as many as the cluster has free CPUs; 0: this process trains, without Ray.
        address: of a Ray cluster; None: the one connected to, or one started here for the while.
        resources: what a trainer takes, such as {"cpu": 2, "gpu": 0.5}; one CPU if left out. A trial that allocates
            more than the bytes of "memory" (most of the machine's if left out) fails.
        trial_timeout: seconds after which a trial is ended as "timed_out"; None: no limit.
        timeout: seconds after which a run of the study ends what trains as "timed_out" and starts nothing more;
            None: no limit. `caviar resume` goes on with what was not begun.

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
        early_stopping: Halving | Mapping[str, Any] | str | None = None,
        confirm: bool | str | tuple[int, int] = "auto",
        stacking: bool = True,
        name: str | None = None,
        out: str | Path | None = None,
        workers: int | str = "auto",
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        timeout: float | None = None,
    ) -> None:
        subject = subject_of(data)
        metric, mode = subject.objective(metric, mode)
        settings = Settings(
            name=name or subject.name,
            data=subject.record,
            space=subject.searched(space),
            metric=metric,
            mode=mode,
            trials=trials,
            waves=waves if isinstance(waves, int | float | str) else tuple(waves),
            seed=seed,
            epochs=epochs,
            search=search,
            same_shape=same_shape,
            confirm=confirm_of(confirm, trials, subject.seeded),
            early_stopping=halving_of(early_stopping),
        )
        folder = _free_folder(settings.name) if out is None else journals.folder_of(out)
        if journals.holds_study(folder):
            raise InputError(f"{folder} already holds a study; choose another folder, or go on with `caviar resume`")
        journals.check_writable(folder)
        placement = Placement.of(workers, address, resources, trial_timeout)
        self._prepare(subject, settings, folder, placement, timeout)
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
        timeout: float | None = None,
    ) -> "Study":
        """The study that a folder holds, finished or not; `run()` goes on with it.

        Args:
            folder: where the study's journal is, or the URI of its mirror.
            data: needed where the study was given arrays, or a function that cannot be imported.
            workers, address, resources, trial_timeout, timeout: where it is to go on, as for a new study.

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
        placement = Placement.of(workers, address, resources, trial_timeout)
        study._prepare(subject, settings, folder, placement, timeout)
        study._take_up(records)
        return study

    @classmethod
    def read(cls, folder: str | Path) -> "Study":
        """The study that a folder holds, to look at: its data are not needed, and it cannot be run.

        Raises:
            InputError: there is no study in the folder.
        """
        folder = journals.folder_of(folder)
        records = list(journals.read(folder))
        settings = Settings.from_record(records[0]["study"])
        study = cls.__new__(cls)
        study._prepare(Subject(settings.name, settings.data), settings, folder, Placement(), None)
        study._take_up(records)
        return study

    def _prepare(
        self, subject: Subject, settings: Settings, folder: Path, placement: Placement, timeout: float | None
    ) -> None:
        check_seconds("timeout", timeout)
        subject.check(settings.space, sent=placement.workers != 0)
        self.settings = settings
        self.folder = folder
        self._subject = subject
        self._placement = placement
        self._timeout = timeout
        self._stacking = True
        self._ledger = Ledger(settings)
        self._news: list[Record] = []  # what was given before the run, to be journalled as it begins
        self.versions = versions()  # that it was started with

    def _take_up(self, records: Sequence[Record]) -> None:
        """Take up what a journal holds."""
        self.versions = records[0].get("versions", {})
        self._ledger.take(records[1:])

    def enqueue(self, config: Mapping[str, Any]) -> None:
        """Have a config of your own trained first; it counts among the trials.

        Args:
            config: a value for every hyperparameter of the space.

        Raises:
            InputError: a name or value that is not in the space, or the study has begun.
        """
        if not isinstance(config, Mapping):
            raise InputError(f"a config is a dict with a value for every hyperparameter; got {config!r:.100}")
        self.settings.space.points([config])
        self._before_the_run({"enqueued": [dict(config)]})

    def warm_start(self, table: "pd.DataFrame | str | Path | Study") -> int:
        """Let the search begin with finished trials, beyond the `trials` of this study; returns how many.

        Args:
            table: a table of trials with the space's columns and the metric's, the path of its CSV file, or a
                study. Rows outside of the space are left out; those that failed or diverged count as bad.

        Raises:
            InputError: a column is missing, no row is in the space, or the study has begun.
        """
        given = table.table if isinstance(table, Study) else table
        points, values = finished_trials(given, self.settings)
        self._before_the_run({"warm_start": points, "values": values})
        return len(points)

    def _before_the_run(self, record: Record) -> None:
        if self._ledger.waves:
            raise InputError(f"the study in {self.folder} has begun; give it that before its first run")
        self._news.append(record)
        self._ledger.take([record])

    def run(self, *, progress: bool = True, failures: float = FAILURES) -> pd.DataFrame:
        """Train what is not trained yet; returns the table of results.

        Args:
            progress: False for no bar and no lines.
            failures: after how many equal failures in a row it pauses, from 1 up; infinity: never.

        Raises:
            StorageError: another driver runs this study.
            ClusterError: there is no Ray at the address, or no room on it.
            PausedError: trial after trial failed for one cause; running again takes them up again.
        """
        deadline = Deadline(self._timeout)
        with contextlib.closing(Journal(self.folder)) as journal:
            journal.append(self.opening if journal.empty else self._news)
            self._news = []
            try:
                if not self._ledger.done:
                    self._drive(journal, deadline, progress, failures)
            except PausedError as pause:
                journal.append([{"paused": pause.cause}])
                self._ledger.take([{"paused": pause.cause}])
                raise
            finally:
                self.write()
        return self.table

    def _drive(self, journal: Journal, deadline: Deadline, progress: bool, failures: float) -> None:
        alarm = Alarm(self._ledger.paused_by, failures)
        with (
            watcher(len(self.results), self._ledger.total, self.settings.metric, not progress) as watch,
            open_pool(
                self._subject.trainable(self.settings.epochs), self.settings.metric, self._placement, watch.say
            ) as pool,
        ):
            Driver(self._ledger, journal, pool, alarm, watch, deadline, self.write, self._stacking).run()

    @property
    def opening(self) -> list[Record]:
        """The first records of a journal: what the study is, and what it was given before its first run."""
        return [{"study": self.settings.as_record(), "versions": self.versions}, *self._news]

    @property
    def results(self) -> list[Result]:
        """The trials that have ended, by number."""
        return [self._ledger.results[number] for number in sorted(self._ledger.results)]

    @property
    def space(self) -> Space:
        """The space that is searched: the one given, or wider where it was let grow."""
        return self._ledger.search.space

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
        return waves_table(self._ledger.waves, self.results, self.settings)

    @property
    def square(self) -> pd.DataFrame:
        """The region that the last wave was sampled from, a row a hyperparameter, next to the whole space."""
        waves = self._ledger.waves or [{"square": None, "space": to_plain(self.settings.space)}]
        return square_table(waves[-1])

    @property
    def edges(self) -> list[str]:
        """A sentence for each bound that the last square lies against, and for each that was let grow."""
        return list(self._ledger.waves[-1]["edges"]) if self._ledger.waves else []

    @property
    def best(self) -> Result:
        """The winner: confirmed with fresh seeds, or else with the best estimate; not the luckiest number.

        Raises:
            InputError: no trial has finished.
        """
        return self.ranking[0]

    @property
    def ranking(self) -> list[Result]:
        """The finished trials: those confirmed, best first, then the others by their estimates."""
        ranking = self._ledger.ranking
        if not ranking:
            raise InputError(f"no trial of {self.folder} has finished; see the errors in its table")
        return ranking

    @property
    def confirmation(self) -> pd.DataFrame:
        """A row a trial that was trained again, the winner first: mean, interval, probability of being the best."""
        return self._ledger.confirmation

    def trial(self, number: int | None = None) -> Result:
        """A trial that has ended, by its number; the best one if left out.

        Raises:
            InputError: no trial of that number has ended.
        """
        if number is None:
            return self.best
        if number not in self._ledger.results:
            raise InputError(f"no trial {number!r} of {self.folder} has ended; those that have are in its table")
        return self._ledger.results[number]

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

    def importance(self) -> pd.DataFrame:
        """How much of the metric's variation each hyperparameter explains; see `caviar.insight.importance`."""
        from caviar.insight.importance import importance

        return importance(self)

    def report(self, path: str | Path | None = None) -> Path:
        """Write a report, `report.html` in the study's folder if not told where; see `caviar.insight.report.report`."""
        from caviar.insight.report.report import report

        return report(self, path)

    @property
    def plot(self) -> "Plots":
        """Pictures as Plotly figures, such as `study.plot.parallel()`; see `caviar.insight.plots`."""
        from caviar.insight.plots import Plots

        return Plots(self)

    def __repr__(self) -> str:
        return f"<Study {self.settings.name}: {len(self.results)} of {self._ledger.total} trials, in {self.folder}>"

    def _repr_html_(self) -> str:
        from caviar.insight.notebook import study_html

        return study_html(self)

    def write(self) -> None:
        """Write results.csv, history.csv, waves.csv and confirmation.csv, each whole or not at all.

        Raises:
            StorageError: the folder cannot be written.
        """
        for name in ("results", "history", "waves", "confirmation"):
            with journals.writing(path := self.folder / f"{name}.csv"):
                write_csv(self.table if name == "results" else getattr(self, name), path)


def _free_folder(name: str) -> Path:
    """A folder for a study without one: its name and the time, made different from those that are there."""
    stem = Path("runs") / f"{_plain(name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    tries = [stem, *(stem.with_name(f"{stem.name}-{i}") for i in range(2, 1000))]
    return next(folder for folder in tries if not folder.exists())


def _plain(name: str) -> str:
    """A name as a part of a path."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name) or "study"
