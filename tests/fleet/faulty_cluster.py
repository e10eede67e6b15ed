"""Studies on a cluster of several nodes, under every disturbance; prints what was seen as JSON.

First one whose trainers are killed or hang and whose nodes go and come, then one in which a whole node falls silent,
then one of 64 trainers that sleep. A process of its own: a test session has one Ray already. By hand:
`python -m tests.fleet.faulty_cluster`.
"""

import contextlib
import json
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
from caviar.fleet import pool
from caviar.records import journal

TRIALS = 300
FROZEN_TRIALS = 60
SLEEPERS, NAPS = 64, 256  # trainers and trials
SPACE = caviar.Space(x=caviar.uniform(0, 1))


def trainable(folder, seconds, held):
    """A function that takes its time and leaves a note of each start: when, which process, which trial's seed.

    Trials after the first `held` wait for a file `go`.
    """

    def train(config, seed):
        with open(folder / "starts", "a") as notes:
            notes.write(f"{time.time()} {os.getpid()} {seed}\n")
        while len(starts(folder)) > held and not (folder / "go").exists():
            time.sleep(0.05)
        time.sleep(seconds)
        return {"loss": (config["x"] - 0.3) ** 2}

    return train


def starts(folder):
    """The notes: (when, process, seed)."""
    lines = (folder / "starts").read_text().splitlines() if (folder / "starts").exists() else []
    return [(float(when), int(process), int(seed)) for when, process, seed in map(str.split, lines)]


def added(cluster, cpus, tries=3):
    """A new node; Ray waits half a minute for one, and a busy machine takes longer."""
    try:
        return cluster.add_node(num_cpus=cpus)
    except Exception:
        if tries == 1:
            raise
        return added(cluster, cpus, tries - 1)


def disturb(cluster, nodes, folder, ended, kills):
    """Every second a trainer that works is killed; a third through a node goes, two thirds through one comes.

    The first trainer is stopped instead: it hangs without a word, as one behind a cut network would.
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
            nodes.append(added(cluster, 2))
            steps.pop(0)


def study(folder, seconds, trials=TRIALS, held=float("inf")):
    """The study of every run."""
    train = trainable(folder, seconds, held)
    objective = {"metric": "loss", "mode": "min", "confirm": False}
    return caviar.Study(train, space=SPACE, trials=trials, waves=2, out=folder / "study", **objective)


def resumed_after(kills, begun):
    """For each kill that hit a trial: the seconds until that trial began again elsewhere."""
    gaps = []
    for when, process in kills:
        hit = [seed for start, owner, seed in begun if owner == process and start < when][-1:]
        again = [start for start, owner, seed in begun if hit == [seed] and owner != process and start > when]
        gaps += [min(again) - when] if again else []
    return gaps


def processes_of(process):
    """A process and all that it started."""
    found = [process]
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            for child in children.read_text().split():
                found += processes_of(int(child))
    return found


def freeze(process):
    """Stop a process and all that it started; returns them all."""
    os.kill(process, signal.SIGSTOP)  # first of all: what is stopped starts no more
    frozen = processes_of(process)
    for child in frozen[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGSTOP)
    return frozen


def freeze_a_node(cluster, node, folder):
    """A study in which a node with all its processes stops, as behind a cut network; returns what was seen."""
    tables, held = [], FROZEN_TRIALS // 6  # each trainer holds two trials: some are left for that node
    halting = study(folder, 0.2, FROZEN_TRIALS, held)
    running = threading.Thread(target=lambda: tables.append(halting.run(progress=False)))
    folder.mkdir()
    running.start()
    raylet = node.all_processes["raylet"][0].process.pid
    while running.is_alive():  # unless the study fails, a trainer of that node comes to hold a trial
        owners = [owner for _, owner, _ in starts(folder)]
        if len(owners) > held and set(owners) & set(processes_of(raylet)):
            break
        time.sleep(0.1)
    frozen = freeze(raylet)
    (folder / "go").touch()
    running.join()
    for process in frozen:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
    cluster.remove_node(node, allow_graceful=False)
    begun, (table,) = starts(folder), tables
    hit = {seed for _, process, seed in begun if process in frozen}
    elsewhere = {seed for _, process, seed in begun if process not in frozen}
    finished = table.loc[table["state"] == "finished"]
    return {
        "frozen_rows": len(table),
        "frozen_finished": len(finished),
        "frozen_trainers": len({process for _, process, _ in begun if process in frozen}),
        "frozen_again_elsewhere": len(hit & elsewhere),
    }


def sleep_on_many(cluster, folder):
    """A study of many trainers, whose first trials sleep until all of them are here; returns what was seen."""
    for _ in range(2):
        added(cluster, SLEEPERS // 2)

    awake = folder / "awake"
    awake.mkdir(parents=True)

    def nap(config, seed):
        (awake / str(os.getpid())).touch()
        while len(list(awake.iterdir())) < SLEEPERS:
            time.sleep(0.1)
        time.sleep(0.5)
        return {"loss": config["x"]}

    objective = {"metric": "loss", "mode": "min", "confirm": False, "waves": 1}
    many = caviar.Study(nap, space=SPACE, trials=NAPS, workers=SLEEPERS, out=folder / "study", **objective)
    begun = time.monotonic()
    table = many.run(progress=False)
    seconds = time.monotonic() - begun
    return {"sleepers": table["worker"].nunique(), "naps": len(table), "naps_seconds": seconds}


def main():
    pool.SILENT_SECONDS = 4.0  # a minute would be a long test
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [added(cluster, 2) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            calm, faulty = Path(temporary, "calm"), Path(temporary, "faulty")
            calm.mkdir()
            faulty.mkdir()
            undisturbed = study(calm, 0.0).run(progress=False)
            ended, kills, tables = threading.Event(), [], []

            def run():
                try:
                    tables.append(study(faulty, 0.08).run(progress=False))
                finally:
                    ended.set()

            threading.Thread(target=run, daemon=True).start()
            disturb(cluster, nodes, faulty, ended, kills)  # in the main thread: only there can a node be added
            (table,) = tables
            columns = ["trial", "wave", "state", "x", "loss", "seed"]
            ends = Counter(r["trial"] for r in journal.read(faulty / "study") if "state" in r)
            seen = {
                "rows": len(table),
                "rows_in_journal": sum(ends.values()),
                "kills": len(kills),
                "nodes": len([node for node in ray.nodes() if node["Alive"]]),
                "starts": len(starts(faulty)),
                "hung": kills[0][1] not in {process for when, process, _ in starts(faulty) if when > kills[0][0]},
                "equal": bool(table[columns].equals(undisturbed[columns])),
                "states": table["state"].value_counts().to_dict(),
                "resumed_after_seconds": sorted(resumed_after(kills, starts(faulty))),
            }
            seen |= freeze_a_node(cluster, nodes.pop(), Path(temporary, "frozen"))
            print(json.dumps(seen | sleep_on_many(cluster, Path(temporary, "many"))))
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
