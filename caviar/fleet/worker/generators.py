"""The global random generators, seeded for each trial: those of `random` and NumPy, and PyTorch's if it is imported.

Where trials share a process, each has its own state of them, also when early stopping lets it wait for others.
"""

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

State = tuple[Any, Any, Any]


class Generators:
    """The global generators as a trial sees them; reading and setting their state takes longer than a short trial.

    Args:
        seed: of the trial.
    """

    _current: "Generators | None" = None  # whose state they have

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._state: State | None = None

    def resume(self) -> None:
        """Set their state to that of this trial, after keeping that of the one before, if it goes on later."""
        if Generators._current is not self:
            _keep_current()
            Generators._current = self
            if self._state is None:
                seed_generators(self._seed)
            else:
                _set_state(self._state)

    def end(self) -> None:
        """Forget the state, which nobody needs any more."""
        if Generators._current is self:
            Generators._current = None


@contextlib.contextmanager
def own_state() -> Iterator[None]:
    """Let trials in the block change nothing outside of it: the user's own program, or a trial that runs a study."""
    outside, current = _state(), Generators._current
    Generators._current = None
    try:
        yield
    finally:
        Generators._current = current
        _set_state(outside)


def seed_generators(seed: int) -> None:
    """Seed the global generators, so that a function that draws from them is repeatable."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the user's code may use it
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _keep_current() -> None:
    current = Generators._current  # which a study in another thread may change meanwhile
    if current is not None:
        current._state = _state()


def _state() -> State:
    torch = sys.modules.get("torch")
    return random.getstate(), np.random.get_state(), torch and torch.get_rng_state()  # noqa: NPY002


def _set_state(state: State) -> None:
    ours, numpys, torchs = state
    random.setstate(ours)
    np.random.set_state(numpys)  # noqa: NPY002
    if torchs is not None:
        sys.modules["torch"].set_rng_state(torchs)
