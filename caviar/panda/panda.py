"""The handle to a Panda: one model that lives in an actor of its own, watched, tweaked and rewound as it trains."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from caviar._checks import check_integer
from caviar.data.loaders import load
from caviar.errors import ClusterError, InputError
from caviar.files import FileStore, open_store
from caviar.model.config import check_config
from caviar.panda.checkpoints import holds_panda, read_card
from caviar.panda.client import Line, refuse_living
from caviar.panda.display import watch
from caviar.panda.local_ray import join, leave_when_empty, living
from caviar.panda.notebook import panda_html
from caviar.panda.rules import Rule, rules_of, to_plain
from caviar.panda.session import begin
from caviar.panda.tables import diary_table, fork_table, history_table
from caviar.space.space import Space

WHERE = Path("runs") / "pandas"
README = b"""A Panda of Caviar lives here.

panda.json   what it was started with
data.npz     the data that it trains on
checkpoints  NumPy arrays and JSON, numbered as they were written; loaded without pickle
diary.json   every intervention, by hand or by rule
"""


class Panda:
    """One model of the built-in network, babysat.

    Args:
        data: "digits", a data set of `load_csv` or `from_arrays`, or (x, y). A copy goes to the Panda's folder.
        config: its hyperparameters to begin with; what is left out takes its default.
        name: what to call it: letters, digits, "-", "_" and "."; that of its data if left out.
        seed: from 0 on: of its initial weights, shuffles and dropout.
        rules: who may tweak it besides people: "careful" for all built-in rules, one or several of "divergence",
            "nothing-helps", "plateau" and "smooth", or `caviar.panda.Rule`s of your own; nobody if left out.
        horizon: the epochs over which a cosine schedule falls.
        checkpoint_epochs: how many epochs apart checkpoints are that can be rewound to.
        checkpoint_seconds: the longest time without a checkpoint.
        folder: where it keeps them: a folder that all nodes of the cluster share, or a URI such as s3://bucket/panda
            (any of fsspec's); `runs/pandas/NAME` if left out.
        address: of the Ray cluster that it is to live on; None: see `home.py`.

    Raises:
        InputError: a Panda of that name lives already, its folder is taken, or an argument that cannot be.
        StorageError: the folder cannot be written.
        ClusterError: no Ray, or no room on it.
    """

    def __init__(
        self,
        data: Any = "digits",
        *,
        config: Mapping[str, Any] | None = None,
        name: str | None = None,
        seed: int = 0,
        rules: str | Rule | Sequence[str | Rule] = (),
        horizon: int = 100,
        checkpoint_epochs: int = 1,
        checkpoint_seconds: float = 60.0,
        folder: str | Path | None = None,
        address: str | None = None,
    ) -> None:
        dataset, followed = load(data), rules_of(rules)
        self.name = _checked_name(dataset.name if name is None else name)
        place = _place(self.name, folder)
        self.folder = str(place)
        if holds_panda(place):
            raise InputError(
                f"{self.folder} already holds a Panda; attach to it, wake it, or choose another name or folder"
            )
        check_config(config or {})
        check_integer("horizon", horizon)
        check_integer("checkpoint_epochs", checkpoint_epochs)
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"seed={seed!r}: a seed is a whole number from 0 on")
        if not checkpoint_seconds > 0:
            raise InputError(f"checkpoint_seconds={checkpoint_seconds!r}: it is a number of seconds above 0")
        place.write("README.txt", README)  # whether it can be written, before anything is started
        join(address, start=True)
        refuse_living(self.name)
        begin(place, dataset, config or {}, seed, followed, horizon, checkpoint_epochs, checkpoint_seconds)
        self._line = Line.summon(self.name, self.folder)

    @classmethod
    def attach(cls, name: str, *, address: str | None = None) -> "Panda":
        """The Panda of a name that lives somewhere already.

        Args:
            name: its name.
            address: of the Ray cluster that it lives on; None: see `home.py`.

        Raises:
            InputError: none of that name lives there.
            ClusterError: no Ray to look on.
        """
        asleep = _place(name, None)
        hint = f"; one sleeps in {asleep}: wake it" if holds_panda(asleep) else ""
        try:
            join(address)
        except ClusterError as error:
            raise type(error)(f"{error}{hint}") from None
        line = Line.find(name)
        if line is None:
            others = ", ".join(living()) or "none"
            raise InputError(f"no Panda named {name!r} lives on this Ray (living: {others}){hint}")
        panda = cls.__new__(cls)
        panda.name, panda._line = name, line
        panda.folder = panda.status["folder"]
        return panda

    @classmethod
    def wake(cls, name: str, *, folder: str | Path | None = None, address: str | None = None) -> "Panda":
        """Bring a Panda that was stopped, or whose whole cluster ended, back to life from its last checkpoint.

        Args:
            name: its name.
            folder: where its checkpoints are, a folder or a URI; `runs/pandas/NAME` if left out.
            address: of the Ray cluster that it is to live on; None: see `home.py`.

        Raises:
            InputError: a Panda of that name lives already.
            StorageError: there is no Panda in the folder, or no checkpoint that can be read.
        """
        panda = cls.__new__(cls)
        place = _place(_checked_name(name), folder)
        panda.name, panda.folder = name, str(place)
        read_card(place)
        join(address, start=True)
        refuse_living(name)
        panda._line = Line.summon(name, panda.folder)
        return panda

    def train(self, epochs: int, *, wait: bool = True) -> pd.DataFrame:
        """Train so many epochs more; returns the history so far.

        Args:
            epochs: from 1 on; epochs that a rewind leaves behind are not made up for.
            wait: False to return at once. Whoever waits and is interrupted leaves it training.
        """
        self._line.tell("train", epochs=epochs)
        if wait:
            self._line.wait()
        return self.history

    def set(self, *, reason: str = "", **hyperparameters: Any) -> None:
        """Change hyperparameters from the next step on.

        Args:
            reason: for the diary.
            hyperparameters: learning_rate, momentum, beta2, epsilon, lr_decay, schedule, warmup, batch_size,
                weight_decay, clip_norm, dropout.

        Raises:
            InputError: one that is fixed once training began, or a value out of range; nothing has changed.
        """
        self._line.tell("set", changes=hyperparameters, reason=reason)

    def pause(self, *, reason: str = "") -> None:
        """Stand still until `resume` or `train`."""
        self._line.tell("pause", reason=reason)

    def resume(self, *, reason: str = "") -> None:
        """Go on after a pause."""
        self._line.tell("resume", reason=reason)

    def rewind(self, epoch: int, *, reason: str = "") -> None:
        """Go back to the checkpoint of an epoch, network and hyperparameters; what came after it is `abandoned`.

        Args:
            epoch: one of `status["checkpoints"]`: 0, the best, the latest 50 (of every `checkpoint_epochs`).
            reason: for the diary.

        Raises:
            InputError: that epoch has no checkpoint.
        """
        self._line.tell("rewind", epoch=epoch, reason=reason)

    def follow(self, rules: str | Rule | Sequence[str | Rule], *, reason: str = "") -> None:
        """Have these rules tweak it from now on, and no others; as `rules` of a new Panda, () for none."""
        self._line.tell("follow", rules=[to_plain(rule) for rule in rules_of(rules)], reason=reason)

    def fork(
        self, n: int, *, around: float | Space = 2.0, epochs: int = 5, wait: bool = True, reason: str = ""
    ) -> pd.DataFrame:
        """Train n varied copies side by side as one stack, then go on as the best of them.

        Args:
            n: how many, from 2 on; the first is not varied.
            around: the factor by which learning rate and momentum's window 1 / (1 - momentum) vary up and down, or
                a `Space` of what else may be set.
            epochs: how long they train before the one with the lowest val_loss is kept.
            wait: False to return at once.
            reason: for the diary.

        Returns:
            A row a copy: which was kept, its hyperparameters and what it reached; empty without waiting.
        """
        self._line.tell("fork", n=n, around=around, epochs=epochs, reason=reason)
        if not wait:
            return pd.DataFrame()
        while self.status["state"] == "forking":
            self._line.ask("settled", 0.2)
        return fork_table(self._line.ask("story")["diary"])

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch that led to where it is: metrics, and the hyperparameters then in force."""
        return history_table(self._line.ask("story")["history"])

    @property
    def abandoned(self) -> pd.DataFrame:
        """A row an epoch that was left behind by a rewind, as `history`; `branch` tells the branches apart."""
        return history_table(self._line.ask("story")["history"], abandoned=True)

    @property
    def diary(self) -> pd.DataFrame:
        """A row an intervention, by hand or by rule: when, what, why, and what came of it."""
        story = self._line.ask("story")
        return diary_table(story["diary"], story["history"])

    @property
    def status(self) -> dict[str, Any]:
        """How it is now: state, epoch, step, epochs left, config, rules, epochs with a checkpoint, folder, process."""
        return self._line.ask("status")

    def watch(self) -> None:
        """Show its curve as it grows until it has nothing left to do; Ctrl-C ends watching, not training."""
        watch(self)

    def stop(self) -> None:
        """Put it to sleep: its actor ends, its folder stays, and `Panda.wake` brings it back.

        A Ray that was started on this machine for Pandas ends with the last of them.
        """
        self._line.tell("stop", reason="")
        self._line.cut()
        leave_when_empty()

    def _repr_html_(self) -> str:
        """How it is, its curve and the latest of its diary, for notebooks."""
        return panda_html(self.name, self.status, self._line.ask("story"))

    def __repr__(self) -> str:
        return f"<Panda {self.name} in {self.folder}>"


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[\w][\w.-]*", name):
        raise InputError(f"name={name!r}: a Panda's name is made of letters, digits, '-', '_' and '.'")
    return name


def _place(name: str, folder: str | Path | None) -> FileStore:
    return open_store(WHERE / name if folder is None else folder)
