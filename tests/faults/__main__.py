"""A day of faults in minutes: a study on three nodes under everything at once, and the proof that nothing was lost.

    python -m tests.faults --seed 0

prints each fault with its time, and exits with 1 if the table is not that of the undisturbed study, or if a driver
ended in another way than with a sentence. It needs Linux. Where the machine allows namespaces (as root, or for any
user), the nodes have networks of their own and nothing is left behind; elsewhere they are processes, and what needs a
network or a disk of its own is left out.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import sandbox
from tests.faults.day import Day
from tests.faults.driver import FILE, Driver, run_undisturbed
from tests.faults.injections import World
from tests.faults.network import Bridge, Loopback
from tests.faults.nodes import Cluster
from tests.faults.proof import prove
from tests.faults.schedule import Kind, schedule
from tests.faults.trial import EPOCHS

NEEDS_SANDBOX = {Kind.CUT_NODE, Kind.SLOW_NODE, Kind.DISK}
_DISK = "48m"


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="of the schedule and of the study [default: 0]")
    parser.add_argument("--trials", type=int, default=300, help="of the study [default: 300]")
    parser.add_argument("--minutes", type=float, default=10.0, help="after which it has failed [default: 10]")
    parser.add_argument("--keep", type=Path, help="copy the study and the logs into this folder")
    options = parser.parse_args()
    if not sandbox.is_inside():
        status = sandbox.enter(sys.argv[1:])
        if status is not None:
            sys.exit(status)
        print("this machine allows no namespaces: networks and disks stay whole", flush=True)
        with tempfile.TemporaryDirectory(prefix="f", ignore_cleanup_errors=True) as folder:
            sys.exit(run(options, Path(folder), Loopback(), frozenset(Kind) - NEEDS_SANDBOX))
    sandbox.prepare()
    sys.exit(run(options, sandbox.FOLDER, Bridge(), frozenset(Kind)))


def run(options, folder, network, kinds):
    """Run the study and print what happens; return the status."""
    begun = time.monotonic()
    deadline = begun + 60 * options.minutes
    world = make_world(options, folder, network)

    def say(line):
        print(f"{time.monotonic() - begun:6.1f} s  {day.begun():3} begun  {line}", flush=True)

    day = Day(world, schedule(options.seed, options.trials, kinds), say)
    try:
        calm = run_undisturbed(write_study(options, folder / "calm"), world.cluster.environment)
        say("the undisturbed study has ended")
        world.cluster.start()
        say("three nodes are up")
        day.run(deadline)
        proofs = list(prove(world.driver.study, calm, world.mirror / "study"))
    finally:
        world.driver.kill()
        world.cluster.kill_all()
        if options.keep is not None:
            for name in ("disk", "mirror", "calm", "driver.log", "starts"):
                keep(folder / name, options.keep / name)
    print("\nthe proof")
    for sentence, holds in proofs:
        print(f"  {'yes' if holds else 'NO '}  {sentence}")
    print(f"  {'NO ' if day.problems else 'yes'}  every driver ended as it should")
    for problem in day.problems:
        print(f"       {problem}")
    for fault in day.unmade:
        print(f"       not made: {fault}")
    return 0 if all(holds for _, holds in proofs) and not day.problems else 1


def make_world(options, folder, network):
    """Return a cluster that is not up yet, and the driver of a study."""
    (folder / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = str(folder / "tmp")
    disk, mirror, logs = folder / "disk", folder / "mirror", folder / "ray"
    disk.mkdir()
    mirror.mkdir()
    logs.mkdir()
    if sandbox.is_inside():
        sandbox.mount_memory(disk, _DISK)
    cluster = Cluster(logs, network, folder)
    cluster.environment["TMPDIR"] = tempfile.tempdir
    driver = Driver(
        write_study(options, disk), f"{mirror.as_uri()}/study", network.prefix(0), cluster.environment,
        folder / "driver.log", folder / "clock",
    )  # fmt: skip
    return World(cluster, driver, folder, mirror, disk)


def write_study(options, folder):
    """Write study.toml and its module into a folder, and return it; odd seeds stop trials early."""
    folder.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("trial.py"), folder)
    stopping = 'early_stopping = "halving"' if options.seed % 2 else ""
    text = FILE.format(trials=options.trials, seed=options.seed, epochs=EPOCHS, stopping=stopping)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def keep(source, target):
    """Copy a file or a folder, if it is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy(source, target)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
