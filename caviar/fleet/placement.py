"""Where trials run: how many trainers, on which cluster, with which resources.

Settings are checked here, before any work starts and without Ray.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Literal, get_args

from caviar._checks import check_seconds, check_string, plain_number
from caviar.errors import InputError
from caviar.fleet.address import RayAddress

Isolation = Literal["process", "none"]
ISOLATIONS = get_args(Isolation)
_NAMES_IN_RAY = {"CPU": "cpu", "num_cpus": "cpu", "GPU": "gpu", "num_gpus": "gpu"}


@dataclass(frozen=True)
class Placement:
    """Where trials run, what each trainer needs, and how long they may take."""

    workers: int | None = None  # trainers; None: as many as the cluster has room for; 0: train in this process
    address: str | None = None  # of a Ray cluster; None: the connected Ray, else that of RAY_ADDRESS, else a local one
    resources: Mapping[str, float] = field(default_factory=lambda: {"cpu": 1.0})  # of a trainer; memory in bytes
    trial_timeout: float | None = None  # seconds after which a trial is ended; None: no limit
    timeout: float | None = None  # seconds after which a run of a study stops training; None: no limit
    isolation: Isolation = "process"  # of a user's function: each trial has a process of its own, or none has

    @property
    def threads(self) -> int:
        """How many threads a trial may use: as many as its trainer has CPUs."""
        return max(1, int(self.resources.get("cpu", 1)))

    @classmethod
    def of(
        cls,
        workers: int | str = "auto",
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        timeout: float | None = None,
        isolation: Isolation = "process",
    ) -> "Placement":
        """Check a user's settings, including whether the address answers, and return them as a placement.

        >>> Placement.of("auto", trial_timeout=60.0).trial_timeout
        60.0
        >>> Placement.of(resources={"CPU": 2, "num_gpus": 0.5}).resources
        {'cpu': 2, 'gpu': 0.5}
        """
        if workers == "auto":
            trainers = None
        elif isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 0:
            raise InputError(f"workers must be 'auto' or an integer >= 0, got {workers!r}")
        else:
            trainers = int(workers)
        if not isinstance(resources, Mapping | None):
            raise InputError(f'resources must be a dict, got {resources!r}; try {{"cpu": 2, "gpu": 0.5}}')
        checked = {"cpu": 1.0, **_checked_resources(resources or {})}
        if not any(checked.values()):
            raise InputError(f'resources must contain an amount > 0, got {resources!r}; try {{"cpu": 0.1}}')
        trial_timeout = check_seconds("trial_timeout", trial_timeout)
        timeout = check_seconds("timeout", timeout)
        if isolation not in ISOLATIONS:
            raise InputError(f"isolation must be 'process' or 'none', got {isolation!r}")
        if address is not None:
            RayAddress(address).check()
        return cls(trainers, address, checked, trial_timeout, timeout, isolation)


def _checked_resources(resources: Mapping[str, float]) -> dict[str, float]:
    """Return resources under our names, custom ones as they are; Ray's names are accepted too."""
    checked: dict[str, float] = {}
    for name, amount in resources.items():
        number = plain_number(amount)
        if number is None or not 0 <= number < math.inf:
            raise InputError(f"resources[{name!r}] must be a number >= 0, got {amount!r}")
        check_string("the name of a resource", name)
        ours = _NAMES_IN_RAY.get(name, name)
        if ours in checked:
            raise InputError(f"resources must name each thing once, got {dict(resources)!r}; keep {ours!r}")
        checked[ours] = number
    return checked
