"""How each kind of fault is made, and undone."""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.faults.driver import Driver
from tests.faults.nodes import Cluster
from tests.faults.processes import command_of, freeze, send, thaw
from tests.faults.schedule import NODES, Fault, Kind

_BLOCK = b"\0" * 65_536


@dataclass(frozen=True)
class World:
    """All that faults happen to: the cluster, the driver, the folder that trials use, the mirror's, the disk's."""

    cluster: Cluster
    driver: Driver
    work: Path
    mirror: Path
    disk: Path


class Injection(NamedTuple):
    """What was hit, and what ends it."""

    detail: str
    undo: Callable[[], object] | None = None


def starts(work: Path) -> list[tuple[int, int]]:
    """Return what trials have noted as they began: their seeds and processes."""
    path = work / "starts"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(int(seed), int(process)) for seed, process in map(str.split, lines)]


def inject(world: World, fault: Fault) -> Injection | None:
    """Make a fault; None if what it should hit is not there now."""
    return INJECTIONS[fault.kind](world, fault)


def _kill_trial(world, fault):
    for _, process in reversed(starts(world.work)):
        if "caviar" in command_of(process):
            send(signal.SIGKILL, [process])
            return Injection(f"process {process}")
    return None


def _kill_trainer(world, fault):
    for trainer in _trainers(world, fault.node)[:1]:
        send(signal.SIGKILL, [trainer])
        return Injection(f"process {trainer}")
    return None


def _freeze_trainer(world, fault):
    for trainer in _trainers(world, fault.node)[:1]:
        frozen = freeze(trainer)
        return Injection(f"process {trainer}", partial(thaw, frozen))
    return None


def _trainers(world, node):
    """Return the trainers of all nodes, those of this one first."""
    return [trainer for step in range(NODES) for trainer in world.cluster.trainers((node + step) % NODES)]


def _take_memory(world, fault):
    (world.work / "greedy").write_text(str(int(1.2 * world.cluster.room)), encoding="utf-8")
    return Injection("the next one that begins")


def _kill_node(world, fault):
    raylet = world.cluster.raylet(fault.node)
    if raylet is None:
        return None
    send(signal.SIGKILL, [raylet])
    return Injection(f"process {raylet}")


def _freeze_node(world, fault):
    raylet = world.cluster.raylet(fault.node)
    if raylet is None:
        return None
    frozen = freeze(raylet)
    return Injection(f"{len(frozen)} processes", partial(thaw, frozen))


def _cut_node(world, fault):
    network = world.cluster.network
    network.cut(fault.node)
    return Injection(network.address(fault.node), partial(network.mend, fault.node))


def _slow_node(world, fault):
    network = world.cluster.network
    network.slow(fault.node)
    return Injection(network.address(fault.node), partial(network.hasten, fault.node))


def _kill_head(world, fault):
    store = world.cluster.control_store()
    if store is None or world.driver.process is None:
        return None
    raylets = [world.cluster.raylet(node) for node in range(1, NODES)]
    send(signal.SIGKILL, [store, *filter(None, raylets)])
    return Injection(f"process {store}")


def _signal_driver(number, world, fault):
    process = world.driver.process
    if process is None or not world.cluster.trainers(0):
        return None  # what is meant is a driver that is at work
    send(number, [process])
    return Injection(f"process {process}")


def _freeze_driver(world, fault):
    if (process := world.driver.process) is None:
        return None
    frozen = freeze(process)
    return Injection(f"process {process}", partial(thaw, frozen))


def _step_clock(world, fault):
    world.driver.step_clock(fault.step)
    return Injection("", partial(world.driver.step_clock, 0.0))


def _fill_disk(world, fault):
    filler = world.disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(_BLOCK):
            pass
    return Injection(f"{filler.stat().st_size / 1e6:.0f} MB", partial(filler.unlink, missing_ok=True))


def _take_mirror(world, fault):
    away = world.mirror.with_name("away")
    os.rename(world.mirror, away)
    world.mirror.touch()  # so that it cannot be created again

    def bring_back():
        world.mirror.unlink()
        os.rename(away, world.mirror)

    return Injection("", bring_back)


INJECTIONS = {
    Kind.KILL_TRIAL: _kill_trial,
    Kind.KILL_TRAINER: _kill_trainer,
    Kind.FREEZE_TRAINER: _freeze_trainer,
    Kind.MEMORY: _take_memory,
    Kind.KILL_NODE: _kill_node,
    Kind.FREEZE_NODE: _freeze_node,
    Kind.CUT_NODE: _cut_node,
    Kind.SLOW_NODE: _slow_node,
    Kind.KILL_HEAD: _kill_head,
    Kind.KILL_DRIVER: partial(_signal_driver, signal.SIGKILL),
    Kind.FREEZE_DRIVER: _freeze_driver,
    Kind.INTERRUPT: partial(_signal_driver, signal.SIGINT),
    Kind.TERMINATE: partial(_signal_driver, signal.SIGTERM),
    Kind.CLOCK: _step_clock,
    Kind.DISK: _fill_disk,
    Kind.MIRROR: _take_mirror,
}
