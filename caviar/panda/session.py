"""The life of a Panda, without Ray: it trains in small slices, obeys between them, and can wake from its folder.

Whatever was answered is in a checkpoint first. What a life comes to depends on its card, its data and the commands
it was given at which step; not on how it was cut into slices, nor how often it died and woke again.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from caviar.data.dataset import Dataset
from caviar.errors import StorageError
from caviar.files import FileStore
from caviar.model.state import State
from caviar.model.training import Training
from caviar.panda.checkpoints import (
    Checkpoints,
    read_card,
    read_data,
    read_diary,
    write_card,
    write_data,
    write_diary,
)
from caviar.panda.fork import Fork, run_until
from caviar.panda.judging import judge
from caviar.panda.rules import Rule, from_plain, to_plain
from caviar.panda.state import KEEPER, Memory, in_words, row_of

KEPT_EPOCHS = 50  # how many of the latest epochs can be rewound to; the first and the best ones always can


def begin(
    place: FileStore,
    dataset: Dataset,
    config: Mapping[str, Any],
    seed: int = 0,
    rules: Sequence[Rule] = (),
    horizon: int = 100,
    checkpoint_epochs: int = 1,
    checkpoint_seconds: float = 60.0,
) -> "Life":
    """Begin a life at an empty place; see `Panda` for what each argument is."""
    training = Training([config], [seed], dataset, horizon)
    card = {
        "data": {"name": dataset.name, "fingerprint": dataset.fingerprint(), "source": dict(dataset.source)},
        "config": training.configs[0],
        "seed": seed,
        "horizon": horizon,
        "checkpoint_epochs": checkpoint_epochs,
        "checkpoint_seconds": checkpoint_seconds,
    }
    memory = Memory(rules=[to_plain(rule) for rule in rules])
    life = Life(place, card, dataset, training, memory, 0)
    untrained = {"train_loss": math.nan, **training.evaluate("val")[0]}
    memory.history.append(row_of(0, 0, untrained, life.config, 0.0))  # what a person sees before anything is trained
    write_data(place, dataset)
    life.save(epoch=True)
    write_card(place, card)  # last: a place with a card holds a whole Panda
    return life


def wake(place: FileStore) -> "Life":
    """Go on with the life at a place from its last whole checkpoint.

    Raises:
        StorageError: it holds no Panda, or no checkpoint of it can be read.
    """
    card, dataset, checkpoints = read_card(place), read_data(place), Checkpoints(place)
    torn: list[str] = []
    numbers = checkpoints.numbers()
    for number in numbers:
        try:
            state, plain = checkpoints.read(number)
        except StorageError as error:
            torn.append(str(error))
            continue
        life = Life(place, card, dataset, Training.restore(state, dataset), Memory(**plain), numbers[0] + 1)
        life.woken(torn, read_diary(place))
        return life
    raise StorageError(f"none of the {len(numbers)} checkpoints in {place} can be read; restore one from a copy")


class Life:
    """A Panda's training, memory and checkpoints; made by `begin` and `wake`."""

    def __init__(
        self,
        place: FileStore,
        card: Mapping[str, Any],
        dataset: Dataset,
        training: Training,
        memory: Memory,
        number: int,
    ) -> None:
        self.place, self.card, self.dataset = place, card, dataset
        self.training, self.memory = training, memory
        self.rules = [from_plain(plain) for plain in memory.rules]
        self._fork: Fork | None = None
        self.checkpoints, self._number = Checkpoints(place), number
        self._saved, self._written = time.monotonic(), -1  # when the last checkpoint was, how much of the diary
        self._seconds = 0.0  # of the present epoch

    @property
    def epoch(self) -> int:
        """How many epochs the network has been trained, as it is now."""
        return self.training.epochs_done

    @property
    def config(self) -> dict[str, Any]:
        """All hyperparameters now in force."""
        return self.training.configs[0]

    @property
    def state(self) -> str:
        """One word: training, forking, paused, diverged or idle."""
        memory = self.memory
        if memory.paused:
            return "paused"
        if memory.fork is not None:
            return "forking"
        if self.diverged:
            return "diverged"
        return "training" if memory.left else "idle"

    @property
    def working(self) -> bool:
        """Whether there is something to do."""
        return self.memory.unjudged or self.state in ("training", "forking")

    @property
    def diverged(self) -> bool:
        """Whether the network is lost: its loss was not finite."""
        return not self.training.alive[0]

    @property
    def forking(self) -> bool:
        """Whether a fork is in training."""
        return self.memory.fork is not None

    def advance(self, seconds: float) -> None:
        """Train for about so many seconds, at least one step, at most to the end of the epoch."""
        begun = time.monotonic()
        if self.memory.unjudged:
            judge(self)
        if self.state == "forking":
            self._advance_fork(begun + seconds)
        elif self.state == "training":
            self._advance_training(begun, begun + seconds)

    def use(self, rules: Sequence[Rule]) -> None:
        """Follow these rules from now on, and no others."""
        self.rules, self.memory.rules = list(rules), [to_plain(rule) for rule in rules]

    def _advance_training(self, begun: float, until: float) -> None:
        self.memory.step += run_until(self.training, until)
        self._seconds += time.monotonic() - begun
        if not self.training.steps_left:
            self._end_epoch()
        elif time.monotonic() - self._saved > self.card["checkpoint_seconds"]:
            self.save()

    def save(self, epoch: bool = False) -> None:
        """Write a checkpoint, whole or not at all; `epoch`: one to rewind to."""
        memory, number = self.memory, self._number
        if epoch:
            memory.epochs[str(self.epoch)] = number
            best = memory.best
            always = {0, best["epoch"] if best else 0}
            kept = sorted(map(int, memory.epochs))
            memory.epochs = {str(e): memory.epochs[str(e)] for e in kept if e in always or e in kept[-KEPT_EPOCHS:]}
        if len(memory.diary) != self._written:
            write_diary(self.place, memory.diary)
            self._written = len(memory.diary)
        self.checkpoints.write(number, self.training.state(), asdict(memory))
        self._number += 1
        self.checkpoints.keep({number, *self.checkpoints.numbers()[:2], *memory.epochs.values()})
        self._saved = time.monotonic()

    def woken(self, torn: Sequence[str], diary: Sequence[dict[str, Any]]) -> None:
        """Write down that the Panda woke up, and what could not be read; `diary`: as it stands beside checkpoints."""
        self.memory.wakings += 1
        if torn:
            lost = diary[len(self.memory.diary) :]
            self.memory.diary += lost
            undone = f"; no longer in force: {', '.join(entry['action'] for entry in lost)}" if lost else ""
            details = f"to epoch {self.epoch}, step {self.memory.step}{undone}"
            self.note(KEEPER, "fell back", details, "; ".join(torn))
        if self.memory.wakings > 1:
            slept = self.memory.diary and self.memory.diary[-1]["action"] == "stop"
            why = "it had been put to sleep" if slept else "its process had ended"
            self.note(KEEPER, "came back", f"at epoch {self.epoch}, step {self.memory.step}", why)
        self.save()

    def _end_epoch(self) -> None:
        """The report of an epoch, a row of the history, a checkpoint, and a look by the rules."""
        begun, memory = time.monotonic(), self.memory
        (report,) = self.training.epoch()
        assert report is not None
        self._seconds += time.monotonic() - begun
        memory.history.append(row_of(self.epoch, memory.branch, report, self.config, self._seconds))
        memory.left, memory.step, self._seconds = memory.left - 1, 0, 0.0
        memory.unjudged = True  # should it die before the rules have looked, they look when it is back
        if self.diverged:
            self.intervene(KEEPER, "diverged", "", "the loss is not finite")
        elif self.epoch % self.card["checkpoint_epochs"] == 0:
            self.save(epoch=True)
        elif memory.left == 0 or time.monotonic() - self._saved > self.card["checkpoint_seconds"]:
            self.save()
        judge(self)

    def go_back(self, epoch: int, state: State) -> str:
        """Take up the state of an epoch; gives what is left behind in words."""
        partly, there = self.memory.step > 0, self.epoch
        self.training = Training.restore(state, self.dataset)
        rows = self.memory.abandon(epoch)
        self.memory.step, self.memory.unjudged, self._seconds = 0, False, 0.0
        if not rows:
            return f"from epoch {there}{' and some steps' * partly} to epoch {epoch}"
        finite = [row["val_loss"] for row in rows if math.isfinite(row["val_loss"])]
        reached = f"{min(finite):.4g} at best" if finite else "not finite"
        epochs = f"{rows[0]['epoch']}..{rows[-1]['epoch']}" if len(rows) > 1 else f"{rows[0]['epoch']}"
        return f"to epoch {epoch}, leaving epochs {epochs} of branch {rows[-1]['branch']} behind (val_loss {reached})"

    def change(self, changes: Mapping[str, Any]) -> str:
        """Set hyperparameters; gives the change in words."""
        words = in_words(self.config, changes)
        self.training.set(0, **changes)
        return words

    def _advance_fork(self, until: float) -> None:
        """Train the copies; after their epochs go on as the best of them.

        A fork that is interrupted begins again from the Panda's own checkpoint, and comes to the same end.
        """
        plan = self.memory.fork
        assert plan is not None
        if self._fork is None:
            self._fork = Fork(self.training.state(), self.dataset, plan["changes"], plan["epochs"], self.memory.branch)
        if not self._fork.advance(until):
            return
        ended, self._fork, self.memory.fork = self._fork, None, None
        self.memory.paused = plan["paused"]
        best = ended.best
        if best is None:
            self.note(KEEPER, "fork ended", "went on as before", "all copies diverged")
        else:
            was = self.config
            self.training, self.memory.step = ended.taken(best), 0
            changed = in_words(was, plan["changes"][best]) or "unchanged"
            losses = ", ".join(f"{loss:.4g}" for loss in ended.losses)
            self.note(KEEPER, "fork ended", f"copy {best} goes on, {changed}", f"val_loss of the copies: {losses}")
            self.memory.history += ended.rows[best]
        self.memory.diary[-1]["copies"] = ended.table
        self.save(epoch=best is not None)

    def intervene(self, by: str, action: str, details: str, reason: str = "") -> None:
        """Write an intervention into the diary, and all of it to disk."""
        self.note(by, action, details, reason)
        self.save()

    def note(self, by: str, action: str, details: str, reason: str = "") -> None:
        """Write an intervention into the diary."""
        self.memory.note(by, action, details, reason, self.epoch)
