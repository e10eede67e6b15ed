"""Studies on a cluster of several nodes, under every disturbance; prints what was observed as JSON.

In the first study, trainers are killed or hang, and nodes leave and join; in the second, a whole node stops answering;
the third has 32 trainers that sleep. It needs its own process, since a test session already has a Ray. To run it
by hand: `python -m tests.fleet.faulty_cluster`.
"""

import contextlib
import json
import math
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

import caviar
from caviar.fleet.connect import open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records import journal
from caviar.records.events import TrialEnded
from caviar.records.trial import State
from tests.faults.processes import freeze, processes_of, thaw

TRIALS = 300
FROZEN_TRIALS = 60
SLEEPERS, NAPS = 32, 128  # trainers and trials
SPACE = caviar.Space(x=caviar.uniform(0, 1))
SETTINGS = PoolSettings(silent_seconds=4.0)  # a minute would make a long test


def noting(folder, seconds, count):
    """Return a function that sleeps and notes each start: the time, the process, and the seed of the trial.

    After `count` starts, trials wait for a file `go`.
    """

    def train(config, seed):
        with open(folder / "starts", "a") as notes:
            notes.write(f"{time.time()} {os.getpid()} {seed}\n")
        while len(starts(folder)) > count and not (folder / "go").exists():
            time.sleep(0.05)
        time.sleep(seconds)
        return {"loss": (config["x"] - 0.3) ** 2}

    return train


def starts(folder):
    """Return the notes: (time, process, seed)."""
    lines = (folder / "starts").read_text().splitlines() if (folder / "starts").exists() else []
    return [(float(when), int(process), int(seed)) for when, process, seed in map(str.split, lines)]


def add_node(cluster, cpus, tries=3):
    """Add a node; Ray waits half a minute for one, and a busy machine takes longer."""
    try:
        return cluster.add_node(num_cpus=cpus)
    except Exception:
        if tries == 1:
            raise
        return add_node(cluster, cpus, tries - 1)


def disturb(cluster, nodes, folder, ended, kills):
    """Kill a busy trainer every second; remove a node after a third of the trials, add one after two thirds.

    The first trainer is stopped instead: it hangs silently, as one behind a cut network would. On a busy machine this
    takes a moment, in which it may start another trial.
    """
    draw, steps = random.Random(0), ["remove", "add"]
    while not ended.wait(1.0):
        begun = starts(folder)
        if begun:
            process = draw.choice(begun[-4:])[1]
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL if kills else signal.SIGSTOP)
                kills.append((time.time(), process))
        done = len(begun)
        if steps[:1] == ["remove"] and done > TRIALS // 3:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            steps.pop(0)
        elif steps[:1] == ["add"] and done > 2 * TRIALS // 3:
            nodes.append(add_node(cluster, 2))
            steps.pop(0)


def run_study(train, folder, trials=TRIALS, waves=2, workers=None):
    """Run a study of a function on trainers of the connected Ray and return its table."""
    objective = {"metric": "loss", "mode": "min", "confirm": False}
    study = caviar.Study(train, space=SPACE, trials=trials, waves=waves, out=folder / "study", **objective)
    with open_pool(FunctionTrainable(train), "loss", Placement(workers), SETTINGS) as trainers:
        return study.run(progress=False, trainers=trainers)


def resumed_after(kills, begun):
    """Return, for each kill that hit a trial, the seconds until that trial started again elsewhere."""
    gaps = []
    for when, process in kills:
        hit = [seed for start, owner, seed in begun if owner == process and start < when][-1:]
        again = [start for start, owner, seed in begun if hit == [seed] and owner != process and start > when]
        gaps += [min(again) - when] if again else []
    return gaps


def freeze_a_node(cluster, node, folder):
    """Run a study in which a node stops with all its processes, as behind a cut network; return what was observed."""
    tables, count = [], FROZEN_TRIALS // 6  # each trainer holds two trials, so that some remain for that node
    train = noting(folder, 0.2, count)
    running = threading.Thread(target=lambda: tables.append(run_study(train, folder, FROZEN_TRIALS)))
    folder.mkdir()
    running.start()
    raylet = node.all_processes["raylet"][0].process.pid
    while running.is_alive():  # unless the study fails, a trainer of that node gets a trial
        owners = [owner for _, owner, _ in starts(folder)]
        if len(owners) > count and set(owners) & set(processes_of(raylet)):
            break
        time.sleep(0.1)
    frozen = freeze(raylet)
    (folder / "go").touch()
    running.join()
    thaw(frozen)
    cluster.remove_node(node, allow_graceful=False)
    begun, (table,) = starts(folder), tables
    hit = {seed for _, process, seed in begun if process in frozen}
    elsewhere = {seed for _, process, seed in begun if process not in frozen}
    finished = table.loc[table["state"] == State.FINISHED]
    return {
        "frozen_rows": len(table),
        "frozen_finished": len(finished),
        "frozen_trainers": len({process for _, process, _ in begun if process in frozen}),
        "frozen_again_elsewhere": len(hit & elsewhere),
    }


def sleep_on_many(cluster, folder):
    """Run a study on many trainers, whose first trials sleep until all are ready; return what was observed."""
    for _ in range(2):
        add_node(cluster, SLEEPERS // 2)

    awake = folder / "awake"
    awake.mkdir(parents=True)

    def nap(config, seed):
        (awake / str(os.getpid())).touch()
        while len(list(awake.iterdir())) < SLEEPERS:
            time.sleep(0.1)
        time.sleep(0.5)
        return {"loss": config["x"]}

    begun = time.monotonic()
    table = run_study(nap, folder, NAPS, waves=1, workers=SLEEPERS)
    seconds = time.monotonic() - begun
    return {"sleepers": table["worker"].nunique(), "naps": len(table), "naps_seconds": seconds}


def main():
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [add_node(cluster, 2) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            calm, faulty = Path(temporary, "calm"), Path(temporary, "faulty")
            calm.mkdir()
            faulty.mkdir()
            undisturbed = run_study(noting(calm, 0.0, math.inf), calm)
            ended, kills, tables = threading.Event(), [], []

            def run():
                try:
                    tables.append(run_study(noting(faulty, 0.08, math.inf), faulty))
                finally:
                    ended.set()

            threading.Thread(target=run, daemon=True).start()
            disturb(cluster, nodes, faulty, ended, kills)  # in the main thread: only there can a node be added
            (table,) = tables
            columns = ["trial", "wave", "state", "x", "loss", "seed"]
            ends = Counter(e.result.trial for e in journal.read(faulty / "study") if isinstance(e, TrialEnded))
            observed = {
                "rows": len(table),
                "rows_in_journal": sum(ends.values()),
                "kills": len(kills),
                "nodes": len([node for node in ray.nodes() if node["Alive"]]),
                "starts": len(starts(faulty)),
                "hung": kills[0][1] not in {process for when, process, _ in starts(faulty) if when > kills[0][0] + 3.0},
                "equal": bool(table[columns].equals(undisturbed[columns])),
                "states": table["state"].value_counts().to_dict(),
                "resumed_after_seconds": sorted(resumed_after(kills, starts(faulty))),
            }
            observed |= freeze_a_node(cluster, nodes.pop(), Path(temporary, "frozen"))
            print(json.dumps(observed | sleep_on_many(cluster, Path(temporary, "many"))))
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
