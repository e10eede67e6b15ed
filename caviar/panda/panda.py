"""The handle of a Panda: one model in an actor, which you watch, tweak and rewind as it trains."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import ArrayLike

import caviar.fleet.cluster  # noqa: F401 - before Ray, whose notices it silences
from caviar.data.dataset import Dataset
from caviar.data.loaders import load, load_source
from caviar.errors import ClusterError, InputError
from caviar.files import open_store
from caviar.panda.checkpoints import PandaFiles, PandaSettings, last_model
from caviar.panda.client import PandaClient, refuse_living, refuse_shared
from caviar.panda.commands import Follow, Fork, Pause, Resume, Rewind, SetHyperparameters, Stop, Train
from caviar.panda.display import diary_table, fork_table, history_table, panda_html, watch
from caviar.panda.local_ray import connect, panda_names, shut_down_if_empty
from caviar.panda.rules import Rule, rules_of
from caviar.panda.session import begin
from caviar.panda.state import Activity, PandaStatus
from caviar.records.trial import Config
from caviar.space.space import Space

if TYPE_CHECKING:
    from caviar.model.trained.estimators import Estimator  # loads scikit-learn
    from caviar.records.outcome import Outcome  # loads SciPy, which no Panda command needs

Data = str | Dataset | tuple[ArrayLike, ArrayLike]
Rules = str | Rule | Sequence[str | Rule]


class Panda:
    """One model of the built-in network, for you to babysit.

    Args:
        data: "digits", a data set of `load_csv` or `from_arrays`, or (x, y). A copy goes to the Panda's folder.
        config: its initial hyperparameters; the rest take their defaults.
        name: letters, digits, "-", "_" and "."; default: the name of its data.
        seed: of its initial weights, shuffles and dropout, >= 0.
        rules: which rules may tweak it: "careful" for all built-in ones, one or several of "divergence",
            "nothing-helps", "plateau" and "smooth", or your own `caviar.panda.Rule`s; default: none.
        horizon: the epochs over which a cosine schedule falls, >= 1.
        checkpoint_epochs: the epochs between checkpoints that can be rewound to, >= 1.
        checkpoint_seconds: the longest time between checkpoints, > 0.
        folder: for its checkpoints: a folder that all nodes of the cluster share, or a URI such as s3://bucket/panda
            (any that fsspec supports); default: `runs/pandas/NAME`.
        address: of the Ray cluster that it runs on; None: the connected one, else that of the environment variable
            RAY_ADDRESS, else "local": a Ray on this machine that lasts as long as its Pandas.

    Raises:
        InputError: a Panda with that name is already running, the folder holds one, or an argument is invalid.
        StorageError: the folder cannot be written.
        ClusterError: Ray cannot be reached or started, or has no CPU for it.

    >>> panda = Panda("digits", name="night-shift", rules="careful")  # doctest: +SKIP
    >>> panda.train(epochs=20)  # doctest: +SKIP
    >>> panda.rewind(epoch=12)  # doctest: +SKIP
    >>> panda.stop()  # doctest: +SKIP
    """

    def __init__(
        self,
        data: Data = "digits",
        *,
        config: Config | None = None,
        name: str | None = None,
        seed: int = 0,
        rules: Rules = (),
        horizon: int = 100,
        checkpoint_epochs: int = 1,
        checkpoint_seconds: float = 60.0,
        folder: str | Path | None = None,
        address: str | None = None,
    ) -> None:
        dataset, followed_rules = load(data), rules_of(rules)
        self.name = dataset.name if name is None else name
        files = _files(self.name, folder)
        self.folder = str(files)
        if files.exist:
            raise InputError(f"{files} already holds a Panda; attach to it, wake it, or choose another name or folder")
        settings = PandaSettings(config or {}, seed, horizon, checkpoint_epochs, checkpoint_seconds)
        files.write_readme()  # raises if the folder cannot be written, before anything is started
        connect(address, start=True)
        refuse_living(self.name)
        begin(files, dataset, settings, followed_rules)
        self._client = PandaClient.start(self.name, self.folder, followed_rules)

    @classmethod
    def from_trial(
        cls, outcome: "Outcome", trial: int | None = None, *, data: Data | None = None, **settings: Any
    ) -> "Panda":
        """Start a Panda from a trial of a study: it trains to where the trial ended, bit for bit.

        Args:
            outcome: of the study.
            trial: its number; default: the best one.
            data: those of the study; default: loaded again from their source.
            settings: other arguments of `Panda`; the default name is the study's name and the trial's number.

        >>> import caviar  # doctest: +SKIP
        >>> Panda.from_trial(caviar.Outcome.read("runs/first"), 17, rules="careful")  # doctest: +SKIP
        """
        result, study = outcome.trial(trial), outcome.settings
        if study.source.kind.is_code:
            raise InputError(
                f"trial must be of the built-in network, got {result.trial} of other code; try a study of the network"
            )
        dataset = load_source(study.source) if data is None else load(data)
        if dataset.fingerprint() != study.source.fingerprint:
            raise InputError(f"data must be those of the study, got {dataset!r}; try what the study was started with")
        name = re.sub(r"[^\w.-]", "-", f"{study.name}-{result.trial}")
        arguments = {"name": name, "horizon": study.epochs, **settings}
        panda = cls(dataset, config=result.config, seed=result.seed, **arguments)
        panda.train(result.epochs, wait=False)
        return panda

    @classmethod
    def attach(cls, name: str, *, address: str | None = None) -> "Panda":
        """Return the handle of a running Panda; raise InputError if there is none with that name.

        >>> Panda.attach("night-shift").set(learning_rate=0.003, reason="it wobbles")  # doctest: +SKIP
        """
        stopped = _files(name, None)
        hint = f"; a stopped one is in {stopped}: wake it" if stopped.exist else ""
        try:
            connect(address)
        except ClusterError as error:
            raise type(error)(f"{error}{hint}") from None
        client = PandaClient.find(name)
        if client is None:
            others = ", ".join(panda_names()) or "none"
            raise InputError(f"no Panda named {name!r} is running on this Ray (running: {others}){hint}")
        return cls._of(name, client.status().folder, client)

    @classmethod
    def wake(
        cls, name: str, *, folder: str | Path | None = None, rules: Rules | None = None, address: str | None = None
    ) -> "Panda":
        """Wake a Panda from its last checkpoint, after it was stopped or its cluster ended.

        Args:
            name: of the Panda.
            folder: where its checkpoints are, a folder or a URI; default: `runs/pandas/NAME`.
            rules: which rules may tweak it from now on, as for a new Panda; default: those that it followed, except
                your own: pass these again, since a checkpoint must not choose what code runs.
            address: as for a new Panda.

        >>> Panda.wake("night-shift").train(epochs=5)  # doctest: +SKIP
        """
        followed_rules = () if rules is None else rules_of(rules)
        files = _files(name, folder)
        files.read_settings()  # raises if there is no Panda, before anything is started
        connect(address, start=True)
        refuse_living(name)
        refuse_shared(str(files))
        panda = cls._of(name, str(files), PandaClient.start(name, str(files), followed_rules))
        if rules is not None:
            panda._client.send(Follow(followed_rules, reason="passed to wake"))
        return panda

    @classmethod
    def _of(cls, name: str, folder: str, client: PandaClient) -> "Panda":
        panda = cls.__new__(cls)
        panda.name, panda.folder, panda._client = name, folder, client
        return panda

    def train(self, epochs: int, *, wait: bool = True) -> pd.DataFrame:
        """Train more epochs; return the history so far.

        Args:
            epochs: how many, >= 1; epochs that a rewind abandons are not replaced.
            wait: False to return at once. Interrupting the wait does not stop the training.
        """
        self._client.send(Train(epochs))
        if wait:
            self._client.wait_while(lambda status: status.busy)
        return self.history

    def set(self, *, reason: str = "", **hyperparameters: object) -> None:
        """Change hyperparameters from the next step on, and note the reason in the diary.

        These can change: learning_rate, momentum, beta2, epsilon, lr_decay, schedule, warmup, batch_size, weight_decay,
        clip_norm, dropout. For any other, or a value out of range, an InputError is raised and nothing changes.
        """
        self._client.send(SetHyperparameters(hyperparameters, reason=reason))

    def pause(self, *, reason: str = "") -> None:
        """Stop training until `resume` or `train`."""
        self._client.send(Pause(reason=reason))

    def resume(self, *, reason: str = "") -> None:
        """Continue after a pause."""
        self._client.send(Resume(reason=reason))

    def rewind(self, epoch: int, *, reason: str = "") -> None:
        """Restore network and hyperparameters from the checkpoint of an epoch; the epochs after it are `abandoned`.

        `status.checkpoints` lists the epochs that have one: 0, the best, and the latest 50 checkpoints.
        """
        self._client.send(Rewind(epoch, reason=reason))

    def follow(self, rules: Rules, *, reason: str = "") -> None:
        """Let only these rules tweak it from now on; as `rules` of a new Panda, () for none."""
        self._client.send(Follow(rules_of(rules), reason=reason))

    def fork(
        self, n: int, *, around: float | Space = 2.0, epochs: int = 5, wait: bool = True, reason: str = ""
    ) -> pd.DataFrame:
        """Train n varied copies side by side as one stack, then continue as the best of them.

        Args:
            n: how many, >= 2; the first is not varied.
            around: the factor by which learning rate and momentum's window 1 / (1 - momentum) vary up and down, or
                a `Space` of other hyperparameters that may be set.
            epochs: how long they train before the one with the lowest val_loss is kept.
            wait: False to return an empty table at once.

        Returns:
            One row per copy: whether it was kept, its hyperparameters and its metrics.
        """
        self._client.send(Fork(n, around, epochs, reason=reason))
        if not wait:
            return pd.DataFrame()
        return fork_table(self._client.wait_while(lambda status: status.state is Activity.FORKING).diary)

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch that led to its present state: metrics, and the hyperparameters in force then."""
        return history_table(self.status.history)

    @property
    def abandoned(self) -> pd.DataFrame:
        """One row per epoch that a rewind abandoned, as in `history`; `branch` tells the branches apart."""
        return history_table(self.status.history, abandoned=True)

    @property
    def diary(self) -> pd.DataFrame:
        """One row per intervention, by hand or by rule: when, what, why, and its effect."""
        status = self.status
        return diary_table(status.diary, status.history)

    @property
    def status(self) -> PandaStatus:
        """Its current status: activity, epoch, step, epochs remaining, config, rules, checkpoints and so on."""
        return self._client.status()

    def watch(self) -> None:
        """Show its curve as it grows until it has nothing left to do; Ctrl-C ends watching, not training."""
        watch(self.name, self._client.status)

    def model(self) -> "Estimator":
        """Return the network of its last checkpoint as a model that takes raw rows; see `caviar.Study.model`.

        Raises InputError if it has diverged.
        """
        from caviar.model.trained.estimators import estimator_of

        return estimator_of(last_model(PandaFiles(open_store(self.folder))))

    def stop(self) -> None:
        """Stop it: its actor ends, its checkpoints are kept, and `Panda.wake` brings it back.

        A Ray that was started on this machine for Pandas ends with the last of them.
        """
        self._client.send(Stop())
        self._client.kill()
        shut_down_if_empty()

    def _repr_html_(self) -> str:
        return panda_html(self.name, self.status)

    def __repr__(self) -> str:
        return f"<Panda {self.name} in {self.folder}>"


def _files(name: str, folder: str | Path | None) -> PandaFiles:
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
        raise InputError(f"name must consist of letters, digits, '-', '_' and '.', got {name!r}; try 'night-shift'")
    return PandaFiles(open_store(Path("runs", "pandas", name) if folder is None else folder))
