"""How a budget of trials is split into waves."""

from collections.abc import Sequence
from typing import Literal

from caviar.errors import InputError

Waves = int | Sequence[int] | Literal["auto", "continuous"]

LEAST = 8  # trials a wave
WIDE_WAVES, MOST_WAVES = 4, 8


def wave_sizes(trials: int, waves: Waves, dimension: int, workers: int | None = None) -> tuple[int, ...]:
    """The sizes of the waves, in order.

    Args:
        trials: their sum.
        waves: a number (equal waves, the earlier ones larger by one where it doesn't divide), the sizes
            themselves, "auto", or "continuous" (waves of one).
        dimension: how many coordinates the space has.
        workers: how many trials run at the same time.

    Raises:
        InputError: 0 trials, more waves than trials, or sizes that don't sum to `trials`.

    >>> wave_sizes(10, 3, dimension=6)
    (4, 3, 3)
    >>> wave_sizes(10, [6, 4], dimension=6)
    (6, 4)
    """
    if trials < 1:
        raise InputError(f"trials={trials}: a search needs 1 trial or more")
    if waves == "continuous":
        return (1,) * trials
    if waves == "auto":
        return _automatic(trials, dimension, workers)
    if isinstance(waves, str):
        raise InputError(f"waves={waves!r}: give a number, a list of sizes, 'auto' or 'continuous'")
    if isinstance(waves, int):
        if not 1 <= waves <= trials:
            raise InputError(
                f"waves={waves} with trials={trials}: every wave has 1 trial or more; give 1 to {trials} waves"
            )
        return tuple(trials // waves + (i < trials % waves) for i in range(waves))
    try:
        sizes = tuple(int(size) for size in waves)
    except (TypeError, ValueError):
        raise InputError(f"waves={waves!r}: give a number, a list of sizes, 'auto' or 'continuous'") from None
    if not sizes or min(sizes) < 1 or sum(sizes) != trials:
        raise InputError(f"waves={list(waves)} sum to {sum(sizes)}, not to trials={trials}; change one of them")
    return sizes


def _automatic(trials: int, dimension: int, workers: int | None) -> tuple[int, ...]:
    """Several small waves: each keeps all workers busy, and has at least 8 trials and one a coordinate.

    Measured for 128 trials, 3 seeds (normalised regret on 34 functions; points lost on LCBench with noise
    of 2): 2 waves .46 and 2.8, 4 waves .28 and .3, 8 waves .23 and .1, 16 waves .29 and -.4. So eight where
    workers stay busy, and four where they don't (`python -m tests.benchmarks.search --lcbench FOLDER
    --families ab --methods Caviar,random --budgets 128x64 128x32 128x16 128x8 --seeds 3`).
    """
    number = min(trials // max(LEAST, dimension, workers or 1), MOST_WAVES)
    return wave_sizes(trials, max(number, min(WIDE_WAVES, trials // LEAST), 1), dimension)
