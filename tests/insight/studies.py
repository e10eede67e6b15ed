"""Studies on disk without the hours of training: the search is real, a function says what each trial reached."""

import math
import time

from caviar.records.journal import Journal
from caviar.records.settings import Settings
from caviar.records.trial import Result
from caviar.study.planner import Ledger
from caviar.study.study import Study


def reported(value):
    """The name of the function that the settings speak of."""


def written(folder, space, value, *, trials=32, waves=1, search="random", name="made", mode="max", epochs=3, seed=0):
    """A study whose trials ended as `value(config, number)` says: a number, NaN (diverged) or an error's text."""
    settings = Settings(
        name=name,
        data={"function": f"{__name__}:reported"},
        space=space,
        metric="score",
        mode=mode,
        trials=trials,
        waves=waves,
        seed=seed,
        epochs=epochs,
        search=search,
        same_shape=1,
    )
    ledger, records = Ledger(settings), [{"study": settings.as_record()}]
    while (wave := ledger.plan(1)) is not None:
        ledger.take([wave])
        ended = [_result(trial, value(trial.config, trial.number), epochs) for trial in ledger.trials(wave)]
        ledger.keep(ended)
        records += [wave, *(result.as_record() for result in ended)]
    journal = Journal(folder)
    journal.append(records)
    journal.close()
    return Study.open(folder)


def _result(trial, value, epochs):
    failed = isinstance(value, str)
    state = "failed" if failed else "diverged" if math.isnan(value) else "finished"
    reached = [] if failed else [(e, 0.1 * e, {"score": value * e / epochs}) for e in range(1, epochs + 1)]
    return Result(
        trial=trial.number,
        wave=trial.wave,
        state=state,
        config=trial.config,
        metrics=reached[-1][2] if reached else {},
        epochs=len(reached),
        seconds=0.1 * epochs,
        seed=trial.seed,
        worker=f"made-{time.strftime('%Y')}",
        error=value if failed else "",
        curve=reached,
    )
