"""A Panda in this process, without Ray: it trains in short slices, writes checkpoints, and wakes from its folder.

What was answered is in a checkpoint first. A Panda's numbers depend on its settings, its data and the commands given at
which step; not on how its training was cut into slices, nor how often it died and woke again. Commands and rules are
executed by `interpreter.py`; a session only trains, rewinds and saves.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from caviar.data.dataset import Dataset
from caviar.errors import StorageError
from caviar.files import FileStore
from caviar.model.state import TrainingState
from caviar.model.training import Training
from caviar.panda.checkpoints import (
    Checkpoints,
    PandaSettings,
    read_data,
    read_diary,
    read_settings,
    write_data,
    write_diary,
    write_settings,
)
from caviar.panda.fork import ForkTraining, train_until
from caviar.panda.rules import Rule
from caviar.panda.serialization import state_from_json, state_to_json
from caviar.panda.state import KEEPER, Activity, HistoryRow, PandaState, describe_changes
from caviar.records.trial import Config


def begin(
    store: FileStore, dataset: Dataset, settings: PandaSettings | None = None, rules: Sequence[Rule] = ()
) -> "Session":
    """Begin a Panda in an empty store.

    Args:
        store: for its files.
        dataset: what it trains on; a copy goes to the store.
        settings: what it is started with; None: the defaults.
        rules: who may tweak it besides people.

    >>> import tempfile
    >>> from caviar.data.loaders import load_digits
    >>> from caviar.files import open_store
    >>> begin(open_store(tempfile.mkdtemp()), load_digits()).activity
    <Activity.IDLE: 'idle'>
    """
    settings = settings or PandaSettings()
    training = Training([settings.config], [settings.seed], dataset, settings.horizon)
    untrained = {"train_loss": math.nan, **training.evaluate("val")[0]}  # what a person sees before any training
    row = HistoryRow.of(0, 0, untrained, training.configs[0], 0.0)
    session = Session(store, settings, dataset, training, PandaState(rules=tuple(rules), history=(row,)), 0)
    write_data(store, dataset)
    session.save(rewindable=True)
    write_settings(store, settings, dataset)  # last: a store with settings holds a whole Panda
    return session


def wake(store: FileStore, own_rules: Sequence[Rule] = ()) -> "Session":
    """Continue the Panda of a store from its last readable checkpoint.

    Args:
        store: of its files.
        own_rules: the user's own rules that it may follow again; a checkpoint only names rules.

    Raises:
        StorageError: there is no Panda, or no checkpoint of it can be read.
    """
    settings, dataset, checkpoints = read_settings(store), read_data(store), Checkpoints(store)
    numbers, damaged = checkpoints.numbers(), list[str]()
    for number in numbers:
        try:
            arrays, text = checkpoints.read(number)
            state, dropped_rules = state_from_json(text, own_rules)
        except StorageError as error:
            damaged.append(str(error))
            continue
        session = Session(store, settings, dataset, Training.restore(arrays, dataset), state, numbers[0] + 1)
        session.note_restart(damaged, dropped_rules)
        return session
    raise StorageError(
        f"none of the {len(numbers)} checkpoints in {store} can be read{': ' * bool(damaged)}{'; '.join(damaged[:1])}; "
        "restore one from a copy"
    )


class Session:
    """A Panda's training, state and checkpoints; made by `begin` and `wake`.

    Args:
        store: for its files.
        settings: what it was started with.
        dataset: what it trains on.
        training: its network, alone in a stack.
        state: all else.
        number: of the next checkpoint.
    """

    def __init__(
        self,
        store: FileStore,
        settings: PandaSettings,
        dataset: Dataset,
        training: Training,
        state: PandaState,
        number: int,
    ) -> None:
        self.store, self.settings, self.dataset = store, settings, dataset
        self.training, self.state, self.checkpoints = training, state, Checkpoints(store)
        self._number, self._saved_at, self._diary_length = number, time.monotonic(), -1  # of the diary last written
        self._fork: ForkTraining | None = None
        self._seconds = 0.0  # of the present epoch

    @property
    def epoch(self) -> int:
        """How many epochs the network is trained."""
        return self.training.epochs_done

    @property
    def config(self) -> Config:
        """All hyperparameters in force."""
        return self.training.configs[0]

    @property
    def diverged(self) -> bool:
        """Whether the network is lost because its loss was not finite."""
        return not self.training.alive[0]

    @property
    def activity(self) -> Activity:
        """What the Panda does now."""
        if self.state.paused:
            return Activity.PAUSED
        if self.state.fork is not None:
            return Activity.FORKING
        if self.diverged:
            return Activity.DIVERGED
        return Activity.TRAINING if self.state.epochs_remaining else Activity.IDLE

    @property
    def busy(self) -> bool:
        """Whether there is anything left to do."""
        return self.state.rules_pending or self.activity in (Activity.TRAINING, Activity.FORKING)

    def update(self, **changes: object) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def note(self, by: str, action: str, details: str = "", reason: str = "", copies: tuple[Config, ...] = ()) -> None:
        """Add an intervention to the diary, to be saved with the next checkpoint."""
        self.state = self.state.note(self.epoch, by, action, details, reason, copies)

    def train(self, seconds: float) -> None:
        """Train for about so long: one step at least, to the end of the epoch at most."""
        start = time.monotonic()
        if self.activity is Activity.FORKING:
            self._train_fork(start + seconds)
        elif self.activity is Activity.TRAINING:
            steps = train_until(self.training, start + seconds)
            self.update(step=self.state.step + steps)
            if not self.training.steps_remaining:
                self._end_epoch(start)
                return
            self._seconds += time.monotonic() - start
            if self._checkpoint_due:
                self.save()

    def save(self, *, rewindable: bool = False) -> None:
        """Write a checkpoint, whole or not at all; `rewindable` if it may be rewound to."""
        number = self._number
        if rewindable:
            checkpoints = {**self.state.checkpoints, self.epoch: number}
            latest = sorted(checkpoints)[-self.settings.rewindable_epochs :]
            epochs = sorted({*latest, *{0, self.state.best_epoch} & set(checkpoints)})
            self.update(checkpoints={epoch: checkpoints[epoch] for epoch in epochs})
        if len(self.state.diary) != self._diary_length:  # beside the checkpoints too, should the last one be damaged
            write_diary(self.store, self.state.diary)
            self._diary_length = len(self.state.diary)
        self.checkpoints.write(number, self.training.state(), state_to_json(self.state))
        self._number += 1
        self.checkpoints.keep_only({number, *self.checkpoints.numbers()[:2], *self.state.checkpoints.values()})
        self._saved_at = time.monotonic()

    def set_hyperparameters(self, changes: Config) -> str:
        """Change hyperparameters from the next step on; return the changes in words."""
        words = describe_changes(self.config, changes)
        self.training.set_hyperparameters(0, **changes)
        return words

    def rewind(self, epoch: int, arrays: TrainingState) -> str:
        """Continue from the checkpoint of an epoch; return in words what is abandoned."""
        start = f"epoch {self.epoch}" + " and some steps" * (self.state.step > 0)
        rows = [row for row in self.state.lineage if row.epoch > epoch]
        self.training = Training.restore(arrays, self.dataset)
        self.state = replace(self.state.abandon(epoch), step=0, rules_pending=False)
        self._seconds = 0.0
        if not rows:
            return f"from {start} to epoch {epoch}"
        losses = [row.val_loss for row in rows if math.isfinite(row.val_loss)]
        best = f"{min(losses):.4g} at best" if losses else "not finite"
        epochs = f"{rows[0].epoch}..{rows[-1].epoch}" if len(rows) > 1 else f"{rows[0].epoch}"
        return f"to epoch {epoch}, leaving epochs {epochs} of branch {rows[-1].branch} behind (val_loss {best})"

    def note_restart(self, damaged: Sequence[str], dropped_rules: Sequence[str]) -> None:
        """Note that the Panda woke, what could not be read, and which rules it no longer follows."""
        position = f"epoch {self.epoch}, step {self.state.step}"
        self.update(restarts=self.state.restarts + 1)
        if damaged:
            undone = read_diary(self.store)[len(self.state.diary) :]
            self.update(diary=(*self.state.diary, *undone))
            lost = f"; no longer in force: {', '.join(entry.action for entry in undone)}" if undone else ""
            self.note(KEEPER, "fell back", f"to {position}{lost}", "; ".join(damaged))
        stopped = bool(self.state.diary) and self.state.diary[-1].action == "stop"
        for name in dropped_rules:
            remedy = "pass it to Panda.wake(rules=...) or Panda.follow"
            reason = f"a checkpoint can only name rules, and this one is not Caviar's or has invalid settings; {remedy}"
            self.note(KEEPER, "rule dropped", f"{name} is not followed any more", reason)
        if self.state.restarts > 1:
            self.note(
                KEEPER, "came back", f"at {position}", "it had been stopped" if stopped else "its process had ended"
            )
        self.save()

    @property
    def _checkpoint_due(self) -> bool:
        return time.monotonic() - self._saved_at > self.settings.checkpoint_seconds

    def _end_epoch(self, start: float) -> None:
        """Report on an epoch: a row of the history, and a checkpoint; the rules look at it next."""
        (report,) = self.training.epoch()
        assert report is not None  # the network was in training
        state, seconds = self.state, self._seconds + time.monotonic() - start
        row = HistoryRow.of(self.epoch, state.branch, report, self.config, seconds)
        remaining, self._seconds = state.epochs_remaining - 1, 0.0
        # should the process die before the rules have looked, they look when it is back
        self.update(history=(*state.history, row), epochs_remaining=remaining, step=0, rules_pending=True)
        if self.diverged:
            self.note(KEEPER, "diverged", reason="the loss is not finite")
            self.save()
        elif self.epoch % self.settings.checkpoint_epochs == 0:
            self.save(rewindable=True)
        elif not remaining or self._checkpoint_due:
            self.save()

    def _train_fork(self, deadline: float) -> None:
        """Train the copies; after their epochs continue as the best of them.

        A fork that is interrupted begins again from the Panda's own checkpoint, and ends the same.
        """
        plan = self.state.fork
        assert plan is not None
        if self._fork is None:
            self._fork = ForkTraining(self.training.state(), self.dataset, plan, self.state.branch)
        fork = self._fork
        if not fork.train(deadline):
            return
        self._fork, best, copies = None, fork.best, fork.table()
        self.update(fork=None, paused=plan.was_paused)
        if best is None:
            self.note(KEEPER, "fork ended", "continued as before", "all copies diverged", copies)
        else:
            words = describe_changes(self.config, plan.changes[best]) or "unchanged"
            self.training = fork.extract(best)
            self.update(step=0)
            losses = ", ".join(f"{loss:.4g}" for loss in fork.losses)
            self.note(
                KEEPER, "fork ended", f"copy {best} goes on, {words}", f"val_loss of the copies: {losses}", copies
            )
            self.update(history=(*self.state.history, *fork.rows[best]))
        self.save(rewindable=best is not None)
