"""What the winner gets on the test part, computed once, when the study has ended."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.data.dataset import Dataset
from caviar.fleet.interrupts import hold_interrupts
from caviar.model.arrays import Array
from caviar.records.evaluation import Evaluation
from caviar.records.events import WinnerEvaluated
from caviar.records.model_files import ModelFiles
from caviar.records.objective import Objective
from caviar.records.record import StudyRecord
from caviar.study.evaluation.importance import Predict, column_importance
from caviar.study.evaluation.predictions import calibration, confusion_matrix, residual_quantiles, sample_of
from caviar.study.evaluation.scores import LOWER_IS_BETTER, baseline, interval, scorer, scores
from caviar.study.models import train_again


def evaluate_once(record: StudyRecord, dataset: Dataset | None) -> None:
    """Add what the winner gets on the test part to the journal, unless it is there or there are no such rows."""
    outcome = record.outcome
    if dataset is None or not len(dataset.test_y) or not outcome.has_finished:
        return
    winner, settings = outcome.best, outcome.settings
    if outcome.test is None or outcome.test.trial != winner.trial:
        network = ModelFiles(outcome.folder).read(winner.trial)
        if network is None:
            (network,) = train_again([winner], dataset, settings.epochs)
        scorers, objective = settings.metrics, settings.objective
        evaluation = evaluate_winner(network.predict, dataset, trial=winner.trial, objective=objective, scorers=scorers)
        with hold_interrupts():  # Ctrl-C must not separate what is on disk from the state
            record.append([WinnerEvaluated(evaluation)])


def evaluate_winner(
    predict: Predict, dataset: Dataset, *, trial: int, objective: Objective, scorers: Sequence[str] = ()
) -> Evaluation:
    """Evaluate a network on the test part, which has rows; the same for the same arguments.

    Args:
        predict: prepared rows, (n, features), to probabilities of the classes, (n, classes), or numbers, (n,) or
            (n, 1), in the target's unit.
        dataset: whose test part to use.
        trial: the winner's number.
        objective: of the study; its metric on the test part is the main one, if there is that.
        scorers: names of scikit-learn's scorers, for more metrics.
    """
    y, weights = dataset.test_y, dataset.test_weights
    metrics = {**scores(dataset), **{f"test_{name}": scorer(name, dataset) for name in scorers}}
    main = objective.held_out if objective.held_out in metrics else next(iter(metrics))
    assert main is not None
    score, sign = metrics[main], 1 if main in LOWER_IS_BETTER else -1

    def loss(*rows: Any) -> float:
        return sign * score(*rows)

    def checked(x: NDArray[np.float32]) -> Array:
        predicted = np.asarray(predict(x), np.float64)
        return predicted if dataset.classes else predicted.reshape(len(x))

    predicted, ignorant = checked(dataset.test_x), baseline(dataset, len(y))
    low, high = interval(score, y, predicted, weights)
    if dataset.preparation is None:
        columns = {str(index): slice(index, index + 1) for index in range(dataset.features)}
    else:
        columns = dataset.preparation.slices
    evaluation = Evaluation(
        trial=trial,
        rows=len(y),
        metric=main,
        metrics={name: metric(y, predicted, weights) for name, metric in metrics.items()},
        low=low,
        high=high,
        baseline={name: metric(y, ignorant, weights) for name, metric in metrics.items()},
        columns=column_importance(checked, loss, dataset.test_x, y, weights, columns),
    )
    if not dataset.classes:
        return replace(evaluation, residuals=residual_quantiles(y, predicted), sample=sample_of(y, predicted))
    labels, confusion = confusion_matrix(y, predicted, dataset.classes)
    bins, error = calibration(y, predicted)
    return replace(evaluation, labels=labels, confusion=confusion, calibration=bins, calibration_error=error)
