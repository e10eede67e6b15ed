"""The cost of a search: `python -m tests.benchmarks.search.cost`, in seconds of CPU on one thread.

A wave means telling the finished trials and asking for the next ones. The trials are random points of the built-in
network's space (d = 6) or of a cube (d = 20).
"""

import time

import numpy as np

from caviar.search import Budget, CoarseToFine
from caviar.space import Space, cube, default_space

WAVES = ((200, 50), (1000, 125), (1000, 1000), (100_000, 64), (100_000, 1000))  # finished trials, size of the next wave
CONTINUOUS = (100, 300, 1000)
RUNNING = 16


def tell_random(search: CoarseToFine, trials: int) -> None:
    """Tell the search random trials of a noisy bowl."""
    generator = np.random.default_rng(0)
    points = search.space.snap(generator.random((trials, search.space.dimension)))
    search.tell(points, ((points - 0.3) ** 2).sum(axis=1) + 0.1 * generator.standard_normal(trials))


def time_wave(space: Space, trials: int, count: int) -> tuple[float, float]:
    """Return the seconds for a wave, and for the estimates of all trials and the winner."""
    search = CoarseToFine(space, Budget(trials + count, waves=[trials, count]))
    start = time.process_time()
    tell_random(search, trials)
    search.ask()
    middle = time.process_time()
    search.estimates(), search.recommend()
    return middle - start, time.process_time() - middle


def time_continuous(trials: int, rounds: int = 50) -> float:
    """Return the mean seconds to tell one trial and ask for the next while others run."""
    search = CoarseToFine(default_space(), Budget(trials + 2 * rounds, waves="continuous"))
    tell_random(search, trials)
    running = [search.ask(1) for _ in range(RUNNING)]
    start = time.process_time()
    for _ in range(rounds):
        point = running.pop(0)
        search.tell(point, ((point - 0.3) ** 2).sum(axis=1))
        running.append(search.ask(1))
    return (time.process_time() - start) / rounds


def main() -> None:
    """Print the table."""
    print("finished  wave size   d  wave, s  estimates, s")
    for trials, count in WAVES:
        for space in (default_space(), cube(20)):
            wave, estimates = time_wave(space, trials, count)
            print(f"{trials:8}  {count:9}  {space.dimension:2}  {wave:7.2f}  {estimates:12.2f}", flush=True)
    for trials in CONTINUOUS:
        seconds = time_continuous(trials)
        print(f"continuous, {trials} finished, {RUNNING} running: {1000 * seconds:.1f} ms per trial", flush=True)


if __name__ == "__main__":
    main()
