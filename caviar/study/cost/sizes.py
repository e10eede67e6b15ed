"""What a study takes besides time: memory of a trainer and of the driver, and bytes on disk."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.csv import to_csv
from caviar.data.dataset import Dataset
from caviar.model.config import check_config
from caviar.model.shapes import parameter_count
from caviar.records.event_lines import encode
from caviar.records.events import TrialEnded
from caviar.records.settings import Settings
from caviar.records.tables import history_table, results_table
from caviar.records.trial import CurvePoint, Metrics, Result, State
from caviar.search.gaussian_process import SUBSET_SIZE
from caviar.study.cost.peak import peak_bytes

_ARRAYS = 8  # of the size of a network's parameters: parameters, gradients, two moments, and copies
_IN_MEMORY = 6  # bytes of a driver's objects and tables for each byte of the journal
_CANDIDATES = 4000  # points that the search predicts at once
_ONCE = 7000  # bytes of the journal, for the settings and the evaluation
_MODEL_BYTES = 2500  # of a model's file beside its numbers


def text_bytes(
    settings: Settings,
    configs: Sequence[Mapping[str, Any]],
    metrics: Metrics,
    reports: int,
    trials: int,
) -> int:
    """Return how many bytes the journal and the tables will take.

    Args:
        settings: of the study.
        configs: of some trials, which stand for all.
        metrics: of a report.
        reports: how many a trial makes.
        trials: how many there will be.
    """
    curve = tuple(CurvePoint(epoch, 1.2345678901234567, metrics) for epoch in range(1, reports + 1))
    sample = [
        Result(1000 + i, 1, State.FINISHED, config, metrics, reports, 1.234567890123456, 2**31, "machine:12345")
        for i, config in enumerate(configs)
    ]
    with_curves = [Result(**{**vars(result), "curve": curve}) for result in sample]
    journal = sum(len(encode(TrialEnded(result))) + 1 + 20 * settings.space.dimension for result in with_curves)
    tables = len(to_csv(results_table(sample, settings.space.names))) + len(to_csv(history_table(with_curves)))
    return _ONCE + (journal + tables) * trials // len(sample)


def model_bytes(settings: Settings, configs: Sequence[Mapping[str, Any]], dataset: Dataset | None) -> int:
    """Return how many bytes the kept networks take, if they are like those of some configs; none of a function's."""
    if dataset is None or not (settings.confirm or settings.keep):
        return 0
    confirm = settings.confirm
    models = (confirm.top * (confirm.replicates + 1) if confirm else 0) + (settings.keep or 0)
    sizes = [parameter_count(config, dataset) * np.dtype(check_config(config)["dtype"]).itemsize for config in configs]
    return int(models * (_MODEL_BYTES + np.mean(sizes)))


def driver_bytes(settings: Settings, trials: int, disk: int) -> int:
    """Return the most memory that the driver, this process, is likely to take; 0 where the system does not say."""
    here = peak_bytes()
    conditioned = min(trials, SUBSET_SIZE)
    return here and here + 3 * 8 * conditioned * max(_CANDIDATES, conditioned) + _IN_MEMORY * disk


def network_bytes(config: Mapping[str, Any], dataset: Dataset) -> int:
    """Return approximately how many bytes the arrays of one network in training take."""
    full = check_config(config)
    rows = min(full["batch_size"], len(dataset.train_x))
    activations = 4 * rows * (dataset.features + 3 * full["hidden_units"] * full["hidden_layers"] + dataset.outputs)
    return int(np.dtype(full["dtype"]).itemsize * (_ARRAYS * parameter_count(full, dataset) + activations))
