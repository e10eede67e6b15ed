"""How long a search thinks: `python -m tests.benchmarks.search.cost`, in seconds of CPU on one thread.

A wave is telling what finished before and asking for the next; the trials told are random points of the
built-in network's space (d = 6) or of a cube (d = 20).
"""

import time

import numpy as np

from caviar.search import CoarseToFine
from caviar.space import Space, cube, default_space

WAVES = ((200, 50), (1000, 125), (1000, 1000), (100_000, 64), (100_000, 1000))  # trials finished, trials asked for
CONTINUOUS = (100, 300, 1000)
RUNNING = 16


def told(search: CoarseToFine, trials: int) -> CoarseToFine:
    """The search, told so many random trials of a noisy bowl."""
    generator = np.random.default_rng(0)
    points = search.space.snap(generator.random((trials, search.space.dimension)))
    search.tell(points, ((points - 0.3) ** 2).sum(axis=1) + 0.1 * generator.standard_normal(trials))
    return search


def wave(space: Space, trials: int, count: int, group: int = 1) -> tuple[float, float]:
    """Seconds for a wave, and for the estimates of all trials told and the winner."""
    shared = [2, 3, 4] if group > 1 else []
    search = CoarseToFine(space, trials=trials + count, waves=[trials, count], shared=shared, group=group)
    begun = time.process_time()
    told(search, trials).ask()
    asked = time.process_time()
    search.estimates(), search.recommend()
    return asked - begun, time.process_time() - asked


def continuous(trials: int, rounds: int = 50) -> float:
    """Seconds for telling one trial and asking for the next, the average of `rounds`, while others run."""
    search = told(CoarseToFine(default_space(), trials=trials + 2 * rounds, waves="continuous"), trials)
    running = [search.ask(1) for _ in range(RUNNING)]
    begun = time.process_time()
    for _ in range(rounds):
        search.tell(ended := running.pop(0), ((ended - 0.3) ** 2).sum(axis=1))
        running.append(search.ask(1))
    return (time.process_time() - begun) / rounds


def main() -> None:
    """Print the table."""
    print("finished  asked for   d  same shape   wave, s   estimates, s")
    for trials, count in WAVES:
        for space in (default_space(), cube(20)):
            for group in (1, 4) if trials <= 1000 else (1,):
                seconds, named = wave(space, trials, count, group)
                print(
                    f"{trials:8}  {count:9}  {space.dimension:2}  {group:10}  {seconds:7.2f}  {named:12.2f}", flush=True
                )
    for trials in CONTINUOUS:
        print(
            f"continuous, {trials} finished, {RUNNING} running: {1000 * continuous(trials):.1f} ms a trial", flush=True
        )


if __name__ == "__main__":
    main()
