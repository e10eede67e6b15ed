"""Studies on disk without the hours of training: the search is real, a function says what each trial reached."""

import math
import time

from caviar.study.journal import Journal
from caviar.study.result import Result
from caviar.study.settings import Settings
from caviar.study.study import Study
from caviar.study.tuning import new_search, told
from caviar.study.wave import trial_seed


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
    asked, results, records, first = new_search(settings), {}, [{"study": settings.as_record()}], 0
    while not asked.done:
        points, square, wave = asked.ask(), asked.square, asked.wave + 1
        where = square.as_dict() if square is not None else None
        records.append({"wave": wave, "first": first, "points": points.tolist(), "square": where})
        for number, config in enumerate(space.configs(points), start=first):
            results[number] = _result(number, wave, config, value(config, number), epochs, seed)
            records.append(results[number].as_record())
        numbers = range(first, first + len(points))
        asked.tell(points, told(results, numbers, settings))
        first += len(points)
    journal = Journal(folder)
    journal.append(records)
    journal.close()
    return Study.open(folder)


def _result(number, wave, config, value, epochs, seed):
    failed = isinstance(value, str)
    state = "failed" if failed else "diverged" if math.isnan(value) else "finished"
    reached = [] if failed else [(e, 0.1 * e, {"score": value * e / epochs}) for e in range(1, epochs + 1)]
    return Result(
        trial=number,
        wave=wave,
        state=state,
        config=config,
        metrics=reached[-1][2] if reached else {},
        epochs=len(reached),
        seconds=0.1 * epochs,
        seed=trial_seed(seed, wave, number),
        worker=f"made-{time.strftime('%Y')}",
        error=value if failed else "",
        curve=reached,
    )
