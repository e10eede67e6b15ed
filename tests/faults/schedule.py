"""What goes wrong, and when: a pure function of the seed.

A fault is due when a number of trials have begun, rather than at a time, so that it falls into the middle of the study
however fast the machine is.
"""

import math
import random
from dataclasses import dataclass
from enum import StrEnum

NODES = 3  # the first is the head, on which the driver runs


class Kind(StrEnum):
    """Each kind of fault, in the words that are printed."""

    KILL_TRIAL = "a trial's process is killed"
    KILL_TRAINER = "a trainer is killed"
    FREEZE_TRAINER = "a trainer is frozen"
    MEMORY = "a trial takes all memory"
    KILL_NODE = "a node is killed"
    FREEZE_NODE = "a node is frozen"
    CUT_NODE = "a node is cut off"
    SLOW_NODE = "the network of a node is slow"
    KILL_HEAD = "the head is killed, and the cluster with it"
    KILL_DRIVER = "the driver is killed"
    FREEZE_DRIVER = "the driver is frozen"
    INTERRUPT = "the driver gets Ctrl-C"
    TERMINATE = "the driver gets SIGTERM"
    CLOCK = "the driver's clock is stepped"
    DISK = "the disk is full"
    MIRROR = "the mirror is away"


# how many of each in a study of 300 trials, and how many seconds each lasts
COUNTS = {
    Kind.KILL_TRIAL: 3,
    Kind.KILL_TRAINER: 5,
    Kind.FREEZE_TRAINER: 2,
    Kind.MEMORY: 1,
    Kind.KILL_NODE: 2,
    Kind.FREEZE_NODE: 1,
    Kind.CUT_NODE: 2,
    Kind.SLOW_NODE: 2,
    Kind.KILL_HEAD: 1,
    Kind.KILL_DRIVER: 2,
    Kind.FREEZE_DRIVER: 1,
    Kind.INTERRUPT: 1,
    Kind.TERMINATE: 1,
    Kind.CLOCK: 2,
    Kind.DISK: 2,
    Kind.MIRROR: 2,
}
SECONDS = {
    Kind.FREEZE_TRAINER: (1.0, 6.0),
    Kind.FREEZE_NODE: (2.0, 15.0),
    Kind.CUT_NODE: (2.0, 15.0),  # Ray gives up a node after about 8 here
    Kind.SLOW_NODE: (5.0, 15.0),
    Kind.FREEZE_DRIVER: (1.0, 6.0),
    Kind.CLOCK: (5.0, 30.0),
    Kind.DISK: (2.0, 6.0),
    Kind.MIRROR: (3.0, 20.0),
}
OF_THE_HEAD = {Kind.CUT_NODE, Kind.SLOW_NODE}  # what may also happen to the head's node


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        begun: it is due when this many trials have begun.
        kind: what happens.
        node: to which node, from 0, the head; of a trainer: where it is looked for first.
        seconds: how long it lasts; 0: it has no end.
        step: of the clock, in seconds.
    """

    begun: int
    kind: Kind
    node: int
    seconds: float
    step: float = 0.0

    def __str__(self) -> str:
        where = f" (node {self.node})" if "node" in self.kind and self.kind is not Kind.KILL_HEAD else ""
        by = f" by {self.step:+,.0f} s" if self.step else ""
        return f"{self.kind}{where}{by}" + (f", for {self.seconds:.1f} s" if self.seconds else "")


def schedule(seed: int, trials: int, kinds: frozenset[Kind] = frozenset(Kind)) -> list[Fault]:
    """Return the faults of a study, in order; a shorter study has fewer of them, and not every kind.

    >>> schedule(0, 300) == schedule(0, 300)
    True
    """
    draw = random.Random(seed)
    all_kinds = [kind for kind in Kind for _ in range(COUNTS[kind])]
    chosen = draw.sample(all_kinds * math.ceil(trials / 300), math.ceil(len(all_kinds) * trials / 300))
    faults = []
    for position, kind in enumerate(chosen):
        begun = int(trials * (0.03 + 0.94 * (position + draw.random()) / len(chosen)))
        node = draw.randrange(0 if kind in OF_THE_HEAD else 1, NODES)
        seconds = draw.uniform(*SECONDS.get(kind, (0.0, 0.0)))
        step = draw.choice((-1, 1)) * draw.choice((90.0, 3_600.0, 86_400.0)) if kind is Kind.CLOCK else 0.0
        if kind in kinds:
            faults.append(Fault(begun, kind, node, seconds, step))
    return faults
