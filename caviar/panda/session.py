"""A Panda in this process, without Ray: it trains in short slices, writes checkpoints, and wakes from its folder.

A command is in a checkpoint before it is answered. A Panda's numbers depend on its settings, its data, its commands and
the steps at which they came, not on how its training was cut into slices or how often it died and woke again.
"""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from caviar.data.dataset import Dataset
from caviar.errors import InputError
from caviar.model.state import TrainingState
from caviar.model.training import Training
from caviar.panda.checkpoints import PandaFiles, PandaSettings, read_last, training_from
from caviar.panda.fork import ForkTraining, train_until
from caviar.panda.plain import state_to_json
from caviar.panda.rules import Rule
from caviar.panda.state import KEEPER, Activity, DiaryEntry, HistoryRow, PandaState
from caviar.records.trial import Config


def begin(files: PandaFiles, dataset: Dataset, settings: PandaSettings, rules: Sequence[Rule] = ()) -> "Session":
    """Begin a Panda in an empty store, and copy the data to it.

    >>> import tempfile
    >>> from caviar.data.loaders import load_digits
    >>> from caviar.files import open_store
    >>> begin(PandaFiles(open_store(tempfile.mkdtemp())), load_digits(), PandaSettings()).activity
    <Activity.IDLE: 'idle'>
    """
    training = Training([settings.config], [settings.seed], dataset, settings.horizon)
    untrained = {"train_loss": math.nan, **training.evaluate("val")[0]}  # what a person sees before any training
    row = HistoryRow.of(0, 0, untrained, training.configs[0], 0.0)
    session = Session(files, settings, training, PandaState(rules=tuple(rules), history=(row,)))
    files.write_data(dataset)
    session.save(rewindable=True)
    files.write_settings(settings, dataset)  # last: a store with settings holds a complete Panda
    return session


def wake(files: PandaFiles, own_rules: Sequence[Rule] = ()) -> "Session":
    """Continue a Panda from its last readable checkpoint.

    Args:
        files: of the Panda; StorageError is raised if there is none, or none of its checkpoints can be read.
        own_rules: custom rules that it may follow again; a checkpoint only names its rules.
    """
    settings, dataset = files.read_settings(), files.read_data()
    last = read_last(files, dataset, own_rules)
    session = Session(files, settings, last.training, last.state)
    session.note_restart(last.damaged, last.dropped_rules)
    return session


class Session:
    """A Panda's training (a stack of one network), state and files; created by `begin` and `wake`."""

    def __init__(self, files: PandaFiles, settings: PandaSettings, training: Training, state: PandaState) -> None:
        self.files, self.settings, self.training, self.state = files, settings, training, state
        self.trouble = ""  # the error that stopped it
        self._saved_at = time.monotonic()
        self._written_diary: tuple[DiaryEntry, ...] | None = None
        self._fork: ForkTraining | None = None
        self._seconds = 0.0  # of the current epoch

    @property
    def epoch(self) -> int:
        """How many epochs the network has been trained."""
        return self.training.epochs_done

    @property
    def config(self) -> Config:
        """All hyperparameters in force."""
        return self.training.configs[0]

    @property
    def diverged(self) -> bool:
        """True if the network is lost because its loss was not finite."""
        return not self.training.alive[0]

    @property
    def activity(self) -> Activity:
        """What the Panda is doing now."""
        if self.trouble:
            return Activity.IN_TROUBLE
        if self.state.paused:
            return Activity.PAUSED
        if self.state.fork is not None:
            return Activity.FORKING
        if self.diverged:
            return Activity.DIVERGED
        return Activity.TRAINING if self.state.epochs_remaining else Activity.IDLE

    @property
    def busy(self) -> bool:
        """True if there is anything left to do."""
        if self.trouble:
            return False
        return self.state.rules_pending or self.activity in (Activity.TRAINING, Activity.FORKING)

    def update(self, **changes: object) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def unchanged_on_error(self) -> Iterator[None]:
        """Undo what the block has changed if it raises."""
        state, training = self.state, self.training
        try:
            yield
        except Exception:
            self.state, self.training = state, training
            raise

    def note(self, by: str, action: str, details: str = "", reason: str = "", copies: tuple[Config, ...] = ()) -> None:
        """Add an intervention to the diary, to be saved with the next checkpoint."""
        if not isinstance(reason, str):  # no checkpoint with such a diary could be read
            raise InputError(f"reason must be text, got {reason!r:.60}; try 'it wobbles'")
        now, state = datetime.now(UTC).isoformat(timespec="milliseconds"), self.state
        loss = state.lineage[-1].val_loss
        entry = DiaryEntry(now, self.epoch, state.step, by, action, details, reason, state.branch, loss, copies)
        self.update(diary=(*state.diary, entry))

    def train(self, seconds: float) -> None:
        """Train for about `seconds`: at least one step, at most to the end of the epoch."""
        start = time.monotonic()
        if self.activity is Activity.FORKING:
            self._train_fork(start + seconds)
        elif self.activity is Activity.TRAINING:
            steps = train_until(self.training, start + seconds)
            self.update(step=self.state.step + steps)
            self._seconds += time.monotonic() - start
            if not self.training.steps_remaining:
                self._end_epoch()
            elif self._checkpoint_due:
                self.save()

    def save(self, *, rewindable: bool = False) -> None:
        """Write a checkpoint, whole or not at all; `rewindable` if it may be rewound to."""
        with self.unchanged_on_error():
            numbers = self.files.checkpoints()
            number = numbers[0] + 1 if numbers else 0
            if rewindable:
                checkpoints = {**self.state.checkpoints, self.epoch: number}
                latest = sorted(checkpoints)[-self.settings.rewindable_epochs :]
                epochs = sorted({*latest, *{0, self.state.best_epoch} & set(checkpoints)})
                self.update(checkpoints={epoch: checkpoints[epoch] for epoch in epochs})
            if self.state.diary is not self._written_diary:  # a second copy, in case the last checkpoint is damaged
                self.files.write_diary(self.state.diary)
                self._written_diary = self.state.diary
            self.files.write_checkpoint(number, self.training.state(), state_to_json(self.state))
        self._saved_at = time.monotonic()
        for other in {*numbers[1:]} - {*self.state.checkpoints.values()}:  # keep numbers[0] in case this one is damaged
            self.files.remove_checkpoint(other)

    def set_hyperparameters(self, changes: Config) -> str:
        """Change hyperparameters from the next step on; return a description of the changes."""
        words, training = _describe_changes(self.config, changes), self.training
        self.training = Training.restore(training.state(), training.dataset)  # a copy, so that it can be undone
        self.training.set_hyperparameters(0, **changes)
        return words

    def rewind(self, epoch: int, arrays: TrainingState) -> str:
        """Continue from the checkpoint of an epoch; return a description of what is abandoned."""
        start = f"epoch {self.epoch}" + " and some steps" * (self.state.step > 0)
        rows = [row for row in self.state.lineage if row.epoch > epoch]
        self.training, self.state = training_from(arrays, self.training.dataset), self.state.abandon(epoch)
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
            undone = self.files.read_diary()[len(self.state.diary) :]
            self.update(diary=(*self.state.diary, *undone))
            lost = f"; no longer in force: {', '.join(entry.action for entry in undone)}" if undone else ""
            self.note(KEEPER, "fell back", f"to {position}{lost}", "; ".join(damaged))
        stopped = bool(self.state.diary) and self.state.diary[-1].action == "stop"
        for name in dropped_rules:
            reason = "it is custom or has invalid settings; pass it to Panda.wake(rules=...) or Panda.follow"
            self.note(KEEPER, "rule dropped", f"{name} is no longer followed", reason)
        if self.state.restarts > 1:
            reason = "it had been stopped" if stopped else "its process had ended"
            self.note(KEEPER, "came back", f"at {position}", reason)
        self.save()

    @property
    def _checkpoint_due(self) -> bool:
        return time.monotonic() - self._saved_at > self.settings.checkpoint_seconds

    def _end_epoch(self) -> None:
        """Add an epoch to the history, and write a checkpoint if one is due; the rules look at it next."""
        start, state = time.monotonic(), self.state
        (report,) = self.training.epoch()
        assert report is not None  # the network was in training
        seconds, self._seconds = self._seconds + time.monotonic() - start, 0.0
        row = HistoryRow.of(self.epoch, state.branch, report, self.config, seconds)
        remaining = state.epochs_remaining - 1
        # if the process dies before the rules have looked, they look after its restart
        self.update(history=(*state.history, row), epochs_remaining=remaining, step=0, rules_pending=True)
        if self.diverged:
            self.note(KEEPER, str(Activity.DIVERGED), reason="the loss is not finite")
        rewindable = not self.diverged and self.epoch % self.settings.checkpoint_epochs == 0
        if rewindable or self.diverged or not remaining or self._checkpoint_due:
            self.save(rewindable=rewindable)

    def _train_fork(self, deadline: float) -> None:
        """Train the copies; after their epochs, continue as the best of them.

        An interrupted fork begins again from the Panda's own checkpoint, and ends the same.
        """
        plan = self.state.fork
        assert plan is not None
        if self._fork is None:
            self._fork = ForkTraining(self.training, plan, self.state.branch)
        fork = self._fork
        if not fork.train(deadline):
            return
        self._fork, best, copies = None, fork.best, fork.table()
        self.update(fork=None, paused=plan.was_paused)
        if best is None:
            self.note(KEEPER, "fork ended", "continued as before", "all copies diverged", copies)
        else:
            words = _describe_changes(self.config, plan.changes[best]) or "unchanged"
            self.training = fork.extract(best)
            self.update(step=0)
            losses = f"val_loss of the copies: {', '.join(f'{loss:.4g}' for loss in fork.losses)}"
            self.note(KEEPER, "fork ended", f"copy {best} continues, {words}", losses, copies)
            self.update(history=(*self.state.history, *fork.rows[best]))
        self.save(rewindable=best is not None)


def _describe_changes(config: Config, changes: Config) -> str:
    return ", ".join(f"{name} {_short(config[name])} -> {_short(value)}" for name, value in changes.items())


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
