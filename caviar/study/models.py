"""The models of a study: from its files, or trained again as the trial was, or on all rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from caviar._threads import one_blas_thread
from caviar.data.dataset import Dataset
from caviar.data.validation import Floats, Targets
from caviar.errors import InputError
from caviar.model.shapes import Shape, shape_of
from caviar.model.trained.model import Model
from caviar.model.trained.network import Origin, TrainedNetwork
from caviar.model.trained.schema import Schema
from caviar.model.training import Training
from caviar.records.model_files import ModelFiles
from caviar.records.models import check_network, members_of
from caviar.records.outcome import Outcome
from caviar.records.trial import Result
from caviar.study.evaluation.gain import measure_gain

if TYPE_CHECKING:  # scikit-learn is slow to import
    from caviar.model.trained.estimators import Estimator as Estimator

Rows = Literal["train", "all"]


def model_of(outcome: Outcome, dataset: Dataset | None, trial: int | None, on: Rows, ensemble: bool) -> "Estimator":
    """Return the model of a trial; see `Study.model`."""
    from caviar.model.trained.estimators import estimator_of

    check_network(outcome.settings)
    assert dataset is not None
    if on not in ("train", "all"):
        raise InputError(f"on must be 'train' or 'all', got {on!r}")
    results, epochs = members_of(outcome.trial(trial), outcome.results, ensemble), outcome.settings.epochs
    if on == "all":
        return estimator_of(Model(Schema.of(dataset), train_again(results, on_all_rows(dataset), epochs)))
    files = ModelFiles(outcome.folder)
    kept = {result.trial: network for result in results if (network := files.read(result.trial))}
    missing = [result for result in results if result.trial not in kept]
    kept |= zip((result.trial for result in missing), train_again(missing, dataset, epochs), strict=True)
    model = Model(Schema.of(dataset), tuple(kept[result.trial] for result in results))
    return estimator_of(replace(model, gain=measure_gain(model, dataset, outcome.settings.objective.metric)))


def train_again(results: Sequence[Result], dataset: Dataset, epochs: int) -> tuple[TrainedNetwork, ...]:
    """Train trials again in this process, each for as many epochs as it was trained.

    Args:
        results: of the trials.
        dataset: what to train on.
        epochs: of the study, over which schedules fall.
    """
    stacks: dict[tuple[Shape, int], list[Result]] = {}
    for result in results:
        stacks.setdefault((shape_of(result.config), result.epochs), []).append(result)
    networks: dict[int, TrainedNetwork] = {}
    for (_, done), members in stacks.items():
        with one_blas_thread():
            training = Training([r.config for r in members], [r.seed for r in members], dataset, epochs)
            for _ in range(done):
                reports = training.epoch()
        for index, (result, report) in enumerate(zip(members, reports, strict=True)):
            if not training.alive[index]:
                raise InputError(f"trial {result.trial} diverged when it was trained again; choose another one")
            origin = Origin(result.config, done, result.seed, report or {}, result.trial)
            networks[result.trial] = TrainedNetwork.of(training, index, origin)
    return tuple(networks[result.trial] for result in results)


def on_all_rows(dataset: Dataset) -> Dataset:
    """Return a data set that trains on the rows of all three parts, prepared as they are.

    >>> from caviar.data.loaders import load_digits
    >>> on_all_rows(load_digits())
    <Dataset digits: classification, 1797+0+0 rows, 64 features>
    """
    data = dataset
    parts = [(data.train_y, data.train_weights), (data.val_y, data.val_weights), (data.test_y, data.test_weights)]
    return replace(
        data,
        train_x=np.concatenate([data.train_x, data.val_x, data.test_x]),
        train_y=np.concatenate([y for y, _ in parts]),
        val_x=data.val_x[:0],
        val_y=data.val_y[:0],
        test_x=data.test_x[:0],
        test_y=data.test_y[:0],
        train_weights=_weights(parts),
        val_weights=None,
        test_weights=None,
        folds=(),
    )


def _weights(parts: Sequence[tuple[Targets, Floats | None]]) -> Floats | None:
    """The weights of all rows, 1 on average; None if they are all the same."""
    if all(weights is None for _, weights in parts):
        return None
    together: Floats = np.concatenate([np.ones(len(y)) if weights is None else weights for y, weights in parts])
    scaled: Floats = together / together.mean()
    return scaled
