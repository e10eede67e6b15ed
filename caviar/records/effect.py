"""Refuses settings of a new study that could never have an effect. A journal that has them still opens."""

import math

from caviar._interface import setting
from caviar.errors import InputError
from caviar.records.settings import Settings
from caviar.records.stopping import Goal, Plateau, Stopping, as_written

_LARGEST_SCORES = {  # of scikit-learn's scorers, by what their names begin with; those of other names are unknown
    0.0: ("neg_",),
    1.0: (
        *("accuracy", "average_precision", "balanced_accuracy", "d2_", "explained_variance", "f1", "jaccard"),
        *("matthews_corrcoef", "precision", "r2", "recall", "roc_auc", "top_k_accuracy"),
    ),
}
_NOT_NEGATIVE = ("val_loss", "train_loss", "val_rmse", "val_accuracy")


def check_effect(settings: Settings) -> None:
    """Raise InputError for early stopping without a rung, and for a rule that cannot end the study.

    >>> from dataclasses import replace
    >>> import caviar
    >>> settings = caviar.Study("digits", workers=0).settings
    >>> check_effect(replace(settings, stop=Goal(98)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    caviar.errors.InputError: val_accuracy is never more than 1, got stop={...}; try stop={"val_accuracy": 0.98}
    """
    _check_rungs(settings)
    if settings.stop is not None:
        _check_waves(settings, settings.stop)
        if isinstance(settings.stop, Goal) and not settings.source.kind.is_code:
            _check_goal(settings, settings.stop.value)


def _check_rungs(settings: Settings) -> None:
    halving, epochs = settings.early_stopping, settings.epochs
    if halving is None or halving.rungs(epochs):
        return
    leave_out = f"leave out {setting('early_stopping').rstrip(' =')}"
    fewest = halving.fewest_epochs
    remedy = leave_out if fewest is None else f"try {setting('epochs', fewest)}, or {leave_out}"
    raise InputError(f"early stopping has no rung in {setting('epochs', epochs)}, got {halving!r}; {remedy}")


def _check_waves(settings: Settings, rule: Stopping) -> None:
    """A rule is asked after each wave but the last, and a plateau needs a wave before those that it looks at."""
    waves = len(settings.budget.sizes(settings.space.dimension))
    least = rule.waves + 2 if isinstance(rule, Plateau) else 2
    if waves >= least:
        return
    written = setting("stop", as_written(rule, settings.objective))
    leave_out = f"leave out {setting('stop').rstrip(' =')}"
    enough = settings.budget.trials >= least
    remedy = f"try {setting('waves', least)}, or {leave_out}" if enough else leave_out
    raise InputError(f"{written} cannot end a study of fewer than {least} waves, got {waves}; {remedy}")


def _check_goal(settings: Settings, value: float) -> None:
    """A goal beyond what the built-in network's metric can be is never met."""
    objective = settings.objective
    metric = objective.metric
    if objective.mode == "min":
        limit, beyond, word = 0.0, metric in _NOT_NEGATIVE and value < 0, "less"
    else:
        name = metric.removeprefix("val_")
        limit = next((most for most, names in _LARGEST_SCORES.items() if name.startswith(names)), math.inf)
        beyond, word = value > limit, "more"
    if not beyond:
        return
    possible = -value if limit == 0 else value / 100
    written = setting("stop", {metric: value})
    hint = f"; try {setting('stop', {metric: possible})}" if limit == 0 or possible <= limit else ""
    raise InputError(f"{metric} is never {word} than {limit:g}, got {written}{hint}")
