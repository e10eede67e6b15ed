"""A model: one network, or several whose predictions are averaged, and what they take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caviar._typed import typed
from caviar._version import VERSION
from caviar.model.arrays import Array
from caviar.model.trained.network import TrainedNetwork
from caviar.model.trained.schema import Schema


def _versions() -> dict[str, str]:
    return {"caviar": VERSION, "numpy": np.__version__}


@dataclass(frozen=True)
class Gain:
    """What averaging networks gains over one of them, on the validation rows, with a 95% bootstrap interval.

    >>> print(Gain("val_accuracy", single=0.9, averaged=0.92, gain=0.02, low=-0.01, high=0.05))
    averaging gains 0.02 of val_accuracy (95% interval -0.01 to 0.05), from 0.9 to 0.92
    """

    metric: str
    single: float  # the mean of the networks
    averaged: float
    gain: float  # positive is better
    low: float
    high: float

    def __str__(self) -> str:
        interval = f"95% interval {self.low:.3g} to {self.high:.3g}"
        values = f"from {self.single:.4g} to {self.averaged:.4g}"
        return f"averaging gains {self.gain:.3g} of {self.metric} ({interval}), {values}"


@dataclass(frozen=True, eq=False)
class Model:
    """One or more networks on the same data.

    Args:
        schema: what they take and give.
        networks: their predictions are averaged.
        gain: what averaging gains; None: not measured.
        versions: of the packages that trained them.
    """

    schema: Schema
    networks: tuple[TrainedNetwork, ...]
    gain: Gain | None = None
    versions: Mapping[str, str] = field(default_factory=_versions)

    def __post_init__(self) -> None:
        schema = self.schema
        if not self.networks:
            raise ValueError("a model must have a network")
        for network in self.networks:
            if (network.task, network.features) != (schema.task, schema.features):
                raise ValueError(f"a network for {network.task} of {network.features} features does not fit the data")
            if network.outputs != (len(schema.classes) or 1):
                raise ValueError(f"a network of {network.outputs} outputs does not fit the data")

    @property
    def labels(self) -> Array:
        """The labels of the networks' outputs, (classes,)."""
        return np.array(self.schema.classes)

    @property
    def sorting(self) -> Array | slice:
        """Which outputs are those of the sorted labels; all in order, unless the data have an order of their own."""
        order: Array = np.argsort(self.labels)
        return order if (np.diff(order) < 0).any() else slice(None)

    def predict(self, x: Array) -> Array:
        """Return (n, outputs) for prepared rows: the mean of the probabilities, or of the predicted numbers."""
        predicted = [network.predict(x) for network in self.networks]
        if len(predicted) == 1:
            return predicted[0]
        mean: Array = np.mean(predicted, axis=0)
        return mean

    def classify(self, x: Array) -> Array:
        """Return the number of the most probable class, (n,), for prepared rows."""
        # as a trial's accuracy, which rounded probabilities could change
        scores = self.networks[0].logits(x) if len(self.networks) == 1 else self.predict(x)
        numbers: Array = np.argmax(scores, axis=1)
        return numbers

    def facts(self) -> dict[str, Any]:
        """Return all but the networks as plain data."""
        return {
            "schema": self.schema.to_plain(),
            "gain": self.gain and vars(self.gain),
            "versions": dict(self.versions),
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any], networks: tuple[TrainedNetwork, ...]) -> "Model":
        """Return the model of networks and `facts`."""
        gain = facts["gain"] and typed(Gain, facts["gain"])
        return cls(Schema.from_plain(facts["schema"]), networks, gain, dict(facts["versions"]))
