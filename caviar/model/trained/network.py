"""A network after its training: plain dense layers, with batch norm folded in, and how they came to be.

Its numbers are those of the network that trained, to the last bit: the layers keep their padding, and the same code
multiplies them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from caviar.data.source import Task
from caviar.errors import InputError
from caviar.model.arrays import Array
from caviar.model.config import Config
from caviar.model.evaluation import outputs_of_layers, predictions_of
from caviar.model.layers.activations import ACTIVATIONS
from caviar.model.numpy_settings import numpy_settings
from caviar.model.training import Training


@dataclass(frozen=True)
class Origin:
    """How a network was trained.

    Args:
        config: its hyperparameters.
        epochs: for how many epochs.
        seed: of its initial weights, shuffles and dropout.
        metrics: of its last report; {} if there was none.
        trial: the number of its trial in its study; None: it is of no trial.
    """

    config: Config
    epochs: int
    seed: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    trial: int | None = None


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """One network, read-only.

    Args:
        layers: weight, (inputs, units), and shift, (units,), of each layer, the output layer last.
        activation: of the hidden layers.
        task: what its outputs are.
        target_mean, target_scale: a predicted number is output * scale + mean.
        origin: how it was trained.

    >>> from caviar.data.loaders import load_digits
    >>> digits = load_digits()
    >>> training = Training([{}], [7], digits, epochs=1)
    >>> network = TrainedNetwork.of(training, 0, Origin({}, epochs=0, seed=7))
    >>> network.predict(digits.val_x).shape
    (270, 10)
    """

    layers: tuple[tuple[Array, Array], ...]
    activation: str
    task: Task
    target_mean: float
    target_scale: float
    origin: Origin

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS or not self.layers:
            raise ValueError(f"there is no network of {len(self.layers)} layers with {self.activation!r}")
        dtypes = {str(array.dtype) for layer in self.layers for array in layer}
        if len(dtypes) > 1 or not dtypes <= {"float32", "float64"}:
            raise ValueError(f"the layers of a network must be all float32 or all float64, got {sorted(dtypes)}")
        for weight, shift in self.layers:
            if weight.ndim != 2 or shift.shape != weight.shape[1:]:
                raise ValueError(f"the shapes {weight.shape} and {shift.shape} do not form a layer")
        if any(first[0].shape[1] != second[0].shape[0] for first, second in pairwise(self.layers)):
            raise ValueError("the layers of the network do not fit together")

    @classmethod
    def of(cls, training: Training, index: int, origin: Origin) -> "TrainedNetwork":
        """Return one model of a training, as it is now; raise InputError if it has diverged or was stopped."""
        if index not in training.members:
            raise InputError(f"model {index} is not in training; try one of {training.members}")
        network, data = training.network.select([training.members.index(index)]), training.dataset
        layers = tuple((weight[0], shift[0, 0]) for weight, shift in network.inference_layers())
        return cls(layers, training.shape.activation, data.task, data.target_mean, data.target_scale, origin)

    @property
    def features(self) -> int:
        """The number of features that it takes."""
        return int(self.layers[0][0].shape[0])

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return int(self.layers[-1][0].shape[1])

    def logits(self, x: Array) -> Array:
        """Return the outputs, (n, outputs), for prepared rows x, (n, features): logits, or standardised targets."""
        outputs: Array = np.ascontiguousarray(self._outputs(x)[:, 0].T)
        return outputs

    def predict(self, x: Array) -> Array:
        """Return (n, outputs) for prepared rows x, (n, features): probabilities, or targets in their own unit."""
        predicted: Array = predictions_of(self._outputs(x), self.task, self.target_mean, self.target_scale)[0]
        return predicted

    def _outputs(self, x: Array) -> Array:
        with numpy_settings():
            stack = [(weight[None], shift[None, None]) for weight, shift in self.layers]
            return outputs_of_layers(stack, self.activation, x)
