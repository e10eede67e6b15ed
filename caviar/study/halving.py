"""Early stopping of a wave: at rungs of epochs only the best go on, from where they were.

Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification") waits at each rung
for the whole wave, so who goes on depends on the seed alone. The asynchronous form (Li et al. 2020, "A system
for massively parallel hyperparameter tuning", in the variant that stops and never takes up again, as Ray Tune's)
decides about a trial when it comes to a rung, among those that came before: no trainer waits, and the table
depends on who was faster.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from caviar._checks import did_you_mean
from caviar.errors import InputError
from caviar.fleet.messages import Stack
from caviar.records.trial import Result
from caviar.search.schedule import MOST_WAVES
from caviar.study.wave import Deadline, Fleet, Gathering, More

Keep = Callable[[list[Result]], None]


@dataclass(frozen=True)
class Halving:
    """When trials are stopped early.

    Args:
        factor: one in so many goes on at every rung, 2 or more.
        first: the epochs before the first rung, at least; 1 or more.
        asynchronous: True decides about each trial as it comes, for throughput; the same seed then no longer
            gives the same table.
    """

    factor: int = 3
    first: int = 2
    asynchronous: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or self.factor < 2:
            raise InputError(f"factor={self.factor!r}: one in so many trials goes on, a whole number from 2 up")
        if not isinstance(self.first, int) or self.first < 1:
            raise InputError(f"first={self.first!r}: the epochs before the first rung, a whole number from 1 up")

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs after which trials are stopped, in order.

        >>> Halving().rungs(20), Halving(factor=2, first=5).rungs(20)
        ((2, 7), (5, 10))
        """
        down = [round(epochs / self.factor**k) for k in range(1, 64) if epochs / self.factor**k >= 0.5]
        return tuple(sorted({rung for rung in down if self.first <= rung < epochs}))

    def waves(self, trials: int, epochs: int) -> int | str:
        """How many waves are best: of each `factor` trials outlive the last rung, so that the search sees enough.

        Two at least from 16 trials on; "auto" where there is no rung.

        >>> Halving().waves(64, epochs=20), Halving().waves(200, epochs=20)
        (2, 7)
        """
        rungs = self.rungs(epochs)
        size = self.factor ** (len(rungs) + 1)
        return max(min(trials // size, MOST_WAVES), min(2, trials // 8), 1) if rungs else "auto"

    def as_record(self) -> dict[str, Any]:
        """Its arguments as plain data."""
        return asdict(self)


def halving_of(asked: Halving | Mapping[str, Any] | str | None) -> Halving | None:
    """What a user asks for: "halving", "asha", a `Halving`, its arguments, or None for no early stopping."""
    if asked is None or isinstance(asked, Halving):
        return asked
    if isinstance(asked, str):
        kinds = {"halving": Halving(), "asha": Halving(asynchronous=True), "none": None}
        if asked not in kinds:
            raise InputError(f"early_stopping={asked!r} is unknown{did_you_mean(asked, tuple(kinds))}")
        return kinds[asked]
    if not isinstance(asked, Mapping):
        raise InputError(f"early_stopping={asked!r}: it is 'halving', 'asha', 'none' or a Halving(...)")
    known = tuple(Halving.__dataclass_fields__)
    for name in asked:
        if name not in known:
            raise InputError(f"early_stopping has no {name!r}{did_you_mean(name, known)}")
    return Halving(**asked)


def run_halving(
    fleet: Fleet,
    stacks: Sequence[Stack],
    keep: Keep,
    deadline: Deadline,
    *,
    halving: Halving,
    epochs: int,
    value: Callable[[Mapping[str, float]], float],
    known: Sequence[Result] = (),
    more: More | None = None,
) -> None:
    """Train the stacks of a wave from rung to rung.

    Args:
        fleet, stacks, keep, deadline, more: as `run_wave`; there is no more for who waits for whole waves.
        halving: who goes on.
        epochs: of a trial that is not stopped.
        value: what is to be minimised, of a report's metrics.
        known: the results of the wave's trials that had ended before an interruption.
    """
    rungs, stacks = halving.rungs(epochs), list(stacks)

    def more_stacks() -> list[Stack]:
        new = more() if more is not None else []
        stacks.extend(new)
        return _up_to(new, rungs[0] if rungs else None)

    gathering = Gathering(fleet, (trial for stack in stacks for trial in stack), deadline, more_stacks)
    run = _asynchronous if halving.asynchronous else _synchronous
    run(gathering, stacks, keep, rungs, halving.factor, value, known)


def _synchronous(
    gathering: Gathering,
    stacks: Sequence[Stack],
    keep: Keep,
    rungs: Sequence[int],
    factor: int,
    value: Callable[[Mapping[str, float]], float],
    known: Sequence[Result],
) -> None:
    in_running = {result.trial for result in known} | {trial.number for stack in stacks for trial in stack}
    for rung in rungs:
        waiting = _paused(gathering, _up_to(stacks, rung), keep)
        if gathering.deadline.over:
            keep([replace(r, state="timed_out", error=gathering.deadline.reason) for r in waiting.values()])
            return
        reached = [(value(report), r.trial) for r in known if r.trial in in_running and (report := _at(r, rung))]
        reached += [(value(result.metrics), number) for number, result in waiting.items()]
        room = math.ceil(len(in_running) / factor)
        going_on = {number for _, number in sorted(reached)[:room]}
        _stop(gathering, [r for r in waiting.values() if r.trial not in going_on], rung, room, len(in_running), keep)
        in_running = going_on
        stacks = _only(stacks, going_on)
    for results in gathering.train(_up_to(stacks, None)):
        keep(results)


def _asynchronous(
    gathering: Gathering,
    stacks: Sequence[Stack],
    keep: Keep,
    rungs: Sequence[int],
    factor: int,
    value: Callable[[Mapping[str, float]], float],
    known: Sequence[Result],
) -> None:
    seen: dict[int, list[float]] = defaultdict(list)  # the values at each rung, in order of arrival
    for result in known:
        for rung in rungs:
            if report := _at(result, rung):
                seen[rung].append(value(report))
    following = dict(zip(rungs, (*rungs[1:], None), strict=True))
    for results in gathering.train(_up_to(stacks, rungs[0] if rungs else None)):
        keep([result for result in results if result.state != "paused"])
        paused = [result for result in results if result.state == "paused"]
        if gathering.deadline.over:
            keep([replace(r, state="timed_out", error=gathering.deadline.reason) for r in paused])
            continue
        for rung in sorted({result.epochs for result in paused}):
            going_on = set()
            for result in sorted((r for r in paused if r.epochs == rung), key=lambda result: result.trial):
                seen[rung].append(value(result.metrics))
                room = math.ceil(len(seen[rung]) / factor)
                if sorted(seen[rung]).index(seen[rung][-1]) < room:
                    going_on.add(result.trial)
                else:
                    _stop(gathering, [result], rung, room, len(seen[rung]), keep)
            gathering.fleet.submit(_up_to(_only(stacks, going_on), following[rung]))


def _paused(gathering: Gathering, stacks: Iterable[Stack], keep: Keep) -> dict[int, Result]:
    """Train up to a rung; keeps the results of the trials that end, and gives those of the trials that wait."""
    waiting: dict[int, Result] = {}
    for results in gathering.train(stacks):
        waiting |= {result.trial: result for result in results if result.state == "paused"}
        keep([result for result in results if result.state != "paused"])
    return waiting


def _stop(gathering: Gathering, paused: Sequence[Result], rung: int, room: int, count: int, keep: Keep) -> None:
    """End paused trials, for good."""
    why = f"not among the best {room} of {count} after {rung} epochs"
    gathering.fleet.discard([result.trial for result in paused])
    keep([replace(result, state="stopped", error=why) for result in paused])


def _at(result: Result, rung: int) -> Mapping[str, float] | None:
    """The metrics of a result that came to a rung alive."""
    if result.epochs > rung or (result.epochs == rung and result.state != "diverged"):
        return result.curve[rung - 1][2]
    return None


def _only(stacks: Iterable[Stack], numbers: set[int]) -> list[Stack]:
    """What is left of stacks; trials that were trained together stay together, so that they go on as they are."""
    left = (tuple(trial for trial in stack if trial.number in numbers) for stack in stacks)
    return [stack for stack in left if stack]


def _up_to(stacks: Iterable[Stack], rung: int | None) -> list[Stack]:
    return [tuple(replace(trial, until=rung) for trial in stack) for stack in stacks]
