"""What each trial reached, or would have reached: the end that early stopping predicts for those it stopped."""

import numpy as np

from caviar.records.outcome import Outcome
from caviar.records.search_log import by_trial
from caviar.records.trial import State
from caviar.space.scales import Array


def ends(outcome: Outcome) -> Array:
    """Return the metric of each trial of `outcome.table`, shape (n,), in its own unit; NaN: it has none.

    A trial that was stopped early has its predicted end, or its last value if early stopping predicts none.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> ends(study.outcome).shape
    (4,)
    """
    table, objective, stopping = outcome.table, outcome.settings.objective, outcome.settings.early_stopping
    if objective.metric not in table:
        return np.full(len(table), np.nan)
    values = table[objective.metric].to_numpy(float)
    if stopping is None or not stopping.predicted:
        return values
    predicted = by_trial(outcome.search_log, (objective.sign * outcome.search.values).tolist())
    stopped = (table["state"] == State.STOPPED).to_numpy(bool)
    return np.array([predicted.get(n, v) if s else v for n, v, s in zip(table["trial"], values, stopped, strict=True)])
