"""A study on a Ray that runs short of memory, so that its monitor ends trainers; prints what was observed as JSON.

Some trials allocate without end whenever they run, others only the first time; the rest are their neighbours, which
Ray may end with them. It needs its own process, since the monitor is set up with its Ray. To run it by hand:
`python -m tests.fleet.starved_cluster`.
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import ray
from ray._common.utils import get_system_memory
from ray._private.utils import get_used_memory

import caviar
from caviar.records.trial import State

ROOM = 2 << 30  # bytes that Ray's processes may take in all
TRIALS = 24
GREEDY, GREEDY_ONCE = 0.95, 0.88  # trials with a larger x


def trainable(folder, threshold):
    """Return a function some of whose trials allocate memory until Ray ends them.

    They stop only when all processes together hold `ROOM` bytes more than the monitor's threshold; a limit for each
    would not work, since others that end meanwhile free memory.
    """

    def train(config, seed):
        note = folder / str(seed)
        first = not note.exists()
        note.touch()
        if config["x"] > (GREEDY_ONCE if first else GREEDY):
            hoard = []
            while get_used_memory() < threshold + ROOM:
                hoard.append(np.ones(100_000_000, np.uint8))
                time.sleep(0.02)
        time.sleep(0.1)
        return {"loss": config["x"]}

    return train


def main():
    threshold = get_used_memory() + ROOM
    limits = {"memory_usage_threshold": threshold / get_system_memory(), "memory_monitor_refresh_ms": 50}
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, _system_config=limits)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"trials": TRIALS, "waves": 1, "search": "random", "seed": 1, "workers": 3, "confirm": False}
        study = caviar.Study(
            trainable(Path(folder), threshold),
            space=caviar.Space(x=caviar.uniform(0, 1)),
            metric="loss",
            mode="min",
            out=Path(folder, "study"),
            **settings,
        )
        table = study.run(progress=False)
    failed = table[table["state"] == State.FAILED]
    print(
        json.dumps(
            {
                "rows": len(table),
                "greedy": table.loc[table["x"] > GREEDY, "trial"].tolist(),
                "greedy_once": table.loc[table["x"].between(GREEDY_ONCE, GREEDY), "trial"].tolist(),
                "failed": failed["trial"].tolist(),
                "errors": failed["error"].unique().tolist(),
                "finished": int((table["state"] == State.FINISHED).sum()),
            }
        )
    )
    ray.shutdown()


if __name__ == "__main__":
    main()
