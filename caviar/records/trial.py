"""The record of a trial that has ended, as the journal holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Curve = list[tuple[int, float, dict[str, float]]]  # (epoch, seconds, metrics) of each report
RECORDED = ("trial", "wave", "state", "seconds", "seed", "worker", "error", "confirms")


@dataclass(frozen=True)
class Result:
    """One trial and how it ended; `metrics` are those of its last report."""

    trial: int
    wave: int
    state: str  # "finished", "stopped" (early, at a rung), "diverged", "failed" or "timed_out"
    config: dict[str, Any]
    metrics: dict[str, float]
    epochs: int
    seconds: float
    seed: int
    worker: str
    error: str = ""
    curve: Curve = field(default_factory=list, repr=False)  # in the journal only: a study in memory has none
    confirms: int | None = None  # the trial that this one trains again with a fresh seed
    output: str = field(default="", repr=False, compare=False)  # what it printed: a file of its own, not the journal

    def as_record(self) -> dict[str, Any]:
        """The record as plain data, for a line of the journal; `metrics` and `epochs` stand in its curve."""
        return {
            "trial": self.trial,
            "wave": self.wave,
            "state": self.state,
            "config": self.config,
            "seconds": self.seconds,
            "seed": self.seed,
            "worker": self.worker,
            "error": self.error,
            "confirms": self.confirms,
            "curve": self.curve,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Result":
        """The result that a line of the journal describes."""
        curve = [(epoch, seconds, metrics) for epoch, seconds, metrics in record["curve"]]
        rest = {name: record[name] for name in RECORDED}
        return cls(
            config=dict(record["config"]),
            metrics=curve[-1][2] if curve else {},
            epochs=len(curve),
            curve=curve,
            **rest,
        )
