"""The study: one tuning job, from its settings to its results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from caviar import _other_names, insight, panda
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.records.early_stopping import Halving, confirm_from, halving_from
from caviar.records.outcome import Outcome
from caviar.records.record import StudyRecord
from caviar.records.settings import Settings
from caviar.records.stopping import Worth, stopping_from
from caviar.records.trial import Result
from caviar.search import Budget
from caviar.study import cost, loading, models, warm_start
from caviar.study.run import Callbacks, run_study


@_other_names.knows_other_names(_other_names.ARGUMENTS, _other_names.ATTRIBUTES)
class Study:
    """One tuning job: sample configs, train them all at once, find the best cluster, zoom in, repeat.

    Args:
        data: "digits", a data set of `load_table` or (x, y) for the built-in network; a function `train(config, seed)`
            that returns the metric or a dict, or yields or reports one an epoch (`caviar.report`); a `caviar.program`.
        space: what may vary, a `Space` or a dict for one (see `caviar.model.config`); the network's own if left out.
        trials: how many configs to train, >= 1.
        waves: how many waves, or their sizes; "auto": up to eight, by trials and dimensions. "continuous": no barriers,
            a config is chosen as a trainer becomes free, and the same seed gives the same table with one worker only.
        seed: an integer >= 0; the same seed gives the same table, whatever the number of workers (not with "asha").
        metric: what to optimise: "val_accuracy" (classes), "val_rmse" (numbers), "val_loss", a scorer like "f1_macro".
        metrics: other scorers of scikit-learn that the built-in network reports, such as ["roc_auc"].
        mode: "min" or "max"; known for the built-in network's metrics.
        epochs: how long a network trains (20, or more with few rows, if left out); how many reports a function gives.
        search: "coarse-to-fine", "random", "sobol" or "grid".
        grow: True lets the search extend a bound of the space that the best values lie against.
        early_stopping: "halving": the better half continues past each rung of epochs; "asha": a third; or a `Halving`.
        stop: ends a study whose next wave is not "worth" it (or a `Worth`), on a "plateau", at {"val_accuracy": 0.98}.
        confirm: (k, r) trains the k best again at the end, r times each with fresh seeds, so that `best` is not the
            luckiest; "auto": (3, 4) from 48 trials on where results depend on a seed; False: no trial.
        keep: of how many of the best trials weights, or a function's files, are kept; None: confirmed, or all files.
        name: of the study; that of its data if left out.
        out: the study's folder, or a URI (s3://, gs://, ...) where it is mirrored; `runs/NAME-TIME` if left out.
        workers: how many trainers; "auto": one for each free CPU of the cluster; 0: this process, without Ray.
        address: of a Ray cluster; None: the connected one, that in RAY_ADDRESS or "local", a temporary one here.
        resources: what a trainer takes, such as {"cpu": 2, "gpu": 0.5, "memory": 2e9} (bytes); one CPU if left out.
        trial_timeout: seconds after which a trial ends as "timed_out"; None: no limit.
        timeout: seconds after which a run ends what trains as "timed_out" and begins nothing more; None: no limit.
        isolation: "process" runs each trial of a function in a process of its own; "none" calls it in the trainer.

    >>> import tempfile
    >>> study = Study("digits", trials=4, epochs=1, seed=0, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> len(study.run(progress=False)), study.best.state
    (4, <State.FINISHED: 'finished'>)
    """

    def __init__(
        self,
        data: Any = "digits",
        *,
        space: Mapping[str, Any] | None = None,
        trials: int = 64,
        waves: int | Sequence[int] | Literal["auto", "continuous"] = "auto",
        seed: int = 0,
        metric: str | None = None,
        metrics: Sequence[str] = (),
        mode: Literal["min", "max"] | None = None,
        epochs: int | None = None,
        search: str = "coarse-to-fine",
        grow: bool = False,
        early_stopping: Halving | str | None = None,
        stop: Worth | str | Mapping[str, float] | None = None,
        confirm: bool | str | tuple[int, int] = "auto",
        keep: int | None = None,
        name: str | None = None,
        out: str | Path | None = None,
        workers: int | str = "auto",
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        timeout: float | None = None,
        isolation: Literal["process", "none"] = "process",
    ) -> None:
        self.target = loading.target_from(data)
        objective, scorers = self.target.objective(metric, mode, metrics)
        settings = Settings(
            name=self.target.name if name is None else name,
            source=self.target.source,
            objective=objective, metrics=scorers,
            space=self.target.space(space),
            budget=Budget(trials, waves, seed),
            epochs=self.target.epochs if epochs is None else epochs,
            confirm=confirm_from(confirm, trials, self.target.seeded),
            early_stopping=halving_from(early_stopping),
            stop=stopping_from(stop, objective),
            search=search, grow=grow, keep=keep,
        )  # fmt: skip
        self.placement = Placement.of(workers, address, resources, trial_timeout, timeout, isolation)
        self.target.check(settings.space, self.placement)
        self.record = StudyRecord.begin(out, settings, self.target.notes)

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
        isolation: Literal["process", "none"] = "process",
    ) -> "Study":
        """Open the study in a folder, finished or not; `run()` continues it. To only read it, use `Outcome.read`.

        Args:
            folder: where its journal is, or the URI of its mirror.
            data: needed for arrays, and a function that no module holds; a string says where what was moved is now.
            workers, address, resources, trial_timeout, timeout, isolation: where it continues, as for a new study.
        """
        study = cls.__new__(cls)
        study.record = StudyRecord.open(folder)
        study.target = loading.same_target(data, study.settings.source, study.folder)
        study.placement = Placement.of(workers, address, resources, trial_timeout, timeout, isolation)
        study.target.check(study.settings.space, study.placement)
        return study

    def enqueue(self, config: "Mapping[str, Any] | pd.Series[Any]") -> None:
        """Train your own config, or a table's row, first; constants may be left out. It counts as one of the trials."""
        self.record.give(warm_start.check_enqueued(config, self.settings))

    def warm_start(self, trials: "pd.DataFrame | str | Path | Study | Outcome") -> int:
        """Let the search begin with the finished trials of a table, CSV file, study or outcome; return how many."""
        finished = trials.outcome if isinstance(trials, Study) else trials
        self.record.give(event := warm_start.read_warm_start(finished, self.settings))
        return len(event.points)

    def forecast(self, price: float | str | Path | None = None) -> "cost.CostForecast":
        """Measure a moment; return what it will cost, at a price of a trainer's hour or with a file of instances."""
        return cost.forecast_study(self.record, self.target, self.placement, price)

    def run(
        self,
        *,
        progress: bool = True,
        callbacks: Callbacks = (),
        failures: float = 10,
        trainers: Trainers | None = None,
    ) -> pd.DataFrame:
        """Train the trials that have not ended; return the table of results.

        Args:
            progress: False shows no bar and prints nothing.
            callbacks: told what happens, each a `caviar.Callback`; pass them again to a run that resumes the study.
            failures: after how many equal failures in a row the study pauses, >= 1; infinity: never.
            trainers: used instead of trainers on Ray.

        Raises StorageError if another driver runs it, ClusterError without a Ray, PausedError after equal failures.
        """
        run_study(self.record, self.target, self.placement, progress, callbacks, failures, trainers)
        return self.table

    def extend(self, trials: int) -> None:
        """Let a study that has ended go on: `run()` then trains so many more, in new waves, whatever `stop` says."""
        self.record.extend(trials)

    @property
    def settings(self) -> Settings:
        """How it was set up, and extended."""
        return self.record.state.settings

    @property
    def folder(self) -> Path:
        """Where the study keeps its files."""
        return self.record.folder

    @property
    def outcome(self) -> Outcome:
        """Everything that can be read from the study as it is now, such as the properties below."""
        return self.record.outcome

    @property
    def table(self) -> pd.DataFrame:
        """A row for each trial, by number."""
        return self.outcome.table

    @property
    def history(self) -> pd.DataFrame:
        """A row for each report of every trial: its epoch, seconds and metrics."""
        return self.outcome.history

    @property
    def waves(self) -> pd.DataFrame:
        """A row for each wave: what it reached, and the square, where the best trials were expected."""
        return self.outcome.waves

    @property
    def square(self) -> pd.DataFrame:
        """The region where the best trials are expected, a row for each hyperparameter, beside the whole space."""
        return self.outcome.square

    @property
    def best(self) -> Result:
        """The winner: confirmed with fresh seeds, or else with the best estimate; InputError if none finished."""
        return self.outcome.best

    @property
    def confirmation(self) -> pd.DataFrame:
        """A row for each confirmed trial, the winner first: mean, interval, probability of being the best."""
        return self.outcome.confirmation

    def model(
        self, trial: int | None = None, *, on: models.Rows = "train", ensemble: bool = False
    ) -> "models.Estimator":
        """Return a trial's model, a scikit-learn estimator of raw rows, exactly as it was; trained again if not kept.

        Args:
            trial: its number; the winner if left out.
            on: "all" trains it anew, on the rows of the validation and test parts too.
            ensemble: average the networks that confirmed it, instead; `model.gain` says what that gains.
        """
        return models.model_of(self.outcome, self.target.dataset, trial, on, ensemble)

    def babysit(self, trial: int | None = None, **settings: Any) -> "panda.Panda":
        """Make a `caviar.Panda` of a trial, the best one if left out; see `Panda.from_trial` for the settings."""
        return panda.Panda.from_trial(self.outcome, trial, data=self.target.dataset, **settings)

    def importance(self) -> pd.DataFrame:
        """Measure how much of the metric's variation each hyperparameter explains; see `caviar.insight.importance`."""
        return insight.measure_importance(self.outcome)

    def report(self, path: str | Path | None = None) -> Path:
        """Write a report, by default `report.html` in the study's folder; return its path."""
        return insight.write_report(self.outcome, path)

    @property
    def plot(self) -> "insight.Plots":
        """Pictures as Plotly figures, such as `study.plot.parallel()`; see `caviar.insight.plots`."""
        return insight.Plots(self.outcome)

    def __repr__(self) -> str:
        return f"<Study {self.settings.name}: {len(self.record.state.results)} trials, in {self.folder}>"

    def _repr_html_(self) -> str:
        return insight.outcome_html(self.outcome)
