"""Values of records for hypothesis."""

import numpy as np
from hypothesis import strategies as st

from caviar.data.source import Source, SourceKind
from caviar.records.early_stopping import Confirm, Halving
from caviar.records.evaluation import CalibrationBin, ColumnImportance, Evaluation, ResidualQuantiles
from caviar.records.events import (
    DataPrepared,
    Enqueued,
    ForecastMade,
    StudyBegan,
    StudyExtended,
    StudyPaused,
    TrialEnded,
    WarmStarted,
    WaveBegan,
    WinnerEvaluated,
)
from caviar.records.objective import Objective
from caviar.records.settings import SEARCHES, Settings
from caviar.records.stopping import Goal, Plateau, Worth
from caviar.records.trial import ENDED, CurvePoint, Result
from caviar.search import Budget, Square
from caviar.space import Space, choice, loguniform, randint, uniform
from tests.space.spaces import values

numbers = st.floats(allow_nan=False)
words = st.text(max_size=9)
configs = st.dictionaries(words, numbers | st.integers() | words | st.booleans() | values, max_size=4)
curves = st.lists(
    st.builds(CurvePoint, st.integers(1, 99), numbers, st.dictionaries(words, numbers | st.integers(), max_size=3)),
    max_size=3,
).map(tuple)
sources = st.builds(
    Source,
    kind=st.sampled_from(SourceKind),
    path=words,
    target=words,
    task=st.sampled_from([None, "classification", "regression"]),
    seed=st.integers(0, 9),
    function=words,
    fingerprint=words,
)
bounds = st.tuples(st.integers(1, 9), st.integers(1, 9)).map(sorted)
hyperparameters = st.one_of(
    bounds.map(lambda pair: uniform(pair[0], pair[1] + 1)),
    bounds.map(lambda pair: loguniform(pair[0], pair[1] + 1, tier=1)),
    bounds.map(lambda pair: randint(pair[0], pair[1] + 1, tier=3)),
    st.lists(st.integers(), min_size=2, max_size=4, unique=True).map(choice),
)
conditional = st.just({"kind": choice({"a": Space(beta=uniform(0, 1)), "b": None})}) | st.just({"fixed": "adam"})
spaces = st.tuples(st.dictionaries(st.sampled_from("uvwxyz"), hyperparameters, min_size=1), conditional).map(
    lambda parts: Space(**parts[0], **parts[1])
)


@st.composite
def settings(draw):
    trials = draw(st.integers(2, 40))
    waves = draw(st.sampled_from(["auto", "continuous", 1, 2, (1, trials - 1)]))
    positive = st.floats(1e-9, 1e9)
    rules = (
        st.builds(Worth, st.none() | positive, positive)
        | st.builds(Plateau, st.integers(1, 9))
        | st.builds(Goal, positive)
    )
    halving = st.builds(Halving, st.integers(2, 4), st.integers(1, 3), st.just(True))
    return Settings(
        name=draw(words.filter(bool)),
        source=draw(sources),
        space=draw(spaces),
        objective=Objective(draw(st.sampled_from(["loss", "val_loss"])), draw(st.sampled_from(["min", "max"]))),
        budget=Budget(trials, waves, draw(st.integers(0, 99))),
        epochs=draw(st.integers(1, 30)),
        search=draw(st.sampled_from(SEARCHES)),
        grow=draw(st.booleans()),
        confirm=draw(st.none() | st.builds(Confirm, st.integers(1, 4), st.integers(2, 5))),
        early_stopping=draw(st.none() | halving),
        metrics=draw(st.lists(words).map(tuple)),
        stop=None if waves == "continuous" else draw(st.none() | rules),
    )


@st.composite
def results(draw):
    curve = draw(curves)
    return Result(
        trial=draw(st.integers(0, 10**6)),
        wave=draw(st.integers(1, 9)),
        state=draw(st.sampled_from(ENDED)),
        config=draw(configs),
        metrics=curve[-1].metrics if curve else {},
        epochs=len(curve),
        seconds=draw(numbers),
        seed=draw(st.integers(0, 2**32 - 1)),
        worker=draw(words),
        error=draw(words),
        confirms=draw(st.none() | st.integers(0, 99)),
        curve=curve,
        dead_units=draw(st.lists(st.floats(0, 1), max_size=3).map(tuple)),
    )


units = st.floats(0, 1)
points = st.lists(st.lists(units, min_size=2, max_size=2), min_size=1, max_size=4).map(np.array)
squares = st.builds(
    Square,
    low=st.tuples(units, units),
    high=st.tuples(units, units),
    centre=st.tuples(units, units),
    weights=st.just(((), (0.25, 0.75))),
    reason=words,
)
waves = st.builds(
    WaveBegan,
    wave=st.integers(1, 9),
    first=st.integers(0, 99),
    points=points,
    configs=st.lists(configs, max_size=2).map(tuple),
    square=st.none() | squares,
    edges=st.lists(words, max_size=2).map(tuple),
    space=st.none() | spaces,
    confirms=st.lists(st.integers(0, 9), max_size=2).map(tuple),
)
warm_starts = points.flatmap(
    lambda rows: st.lists(numbers | st.just(float("nan")), min_size=len(rows), max_size=len(rows)).map(
        lambda values: WarmStarted(rows, np.array(values))
    )
)
counts = st.integers(0, 10**6)
metrics = st.dictionaries(words, numbers, max_size=3)
evaluations = st.builds(
    Evaluation,
    trial=counts,
    rows=counts,
    metric=words,
    metrics=metrics,
    low=numbers,
    high=numbers,
    baseline=metrics,
    columns=st.lists(st.builds(ColumnImportance, words, numbers, numbers), max_size=2).map(tuple),
    labels=st.lists(words, max_size=2).map(tuple),
    confusion=st.lists(st.lists(counts, max_size=2).map(tuple), max_size=2).map(tuple),
    calibration=st.lists(st.builds(CalibrationBin, *[numbers] * 4, counts), max_size=2).map(tuple),
    calibration_error=st.none() | numbers,
    residuals=st.none() | st.builds(ResidualQuantiles, *[numbers] * 5),
    sample=st.lists(st.tuples(numbers, numbers), max_size=2).map(tuple),
)
forecasts = st.builds(ForecastMade, st.integers(1, 9), st.integers(1, 99), *[numbers] * 4, words)
events = st.one_of(
    forecasts,
    st.builds(StudyExtended, st.lists(st.integers(1, 99), max_size=3).map(tuple)),
    st.builds(DataPrepared, st.lists(words, max_size=2).map(tuple)),
    st.builds(WinnerEvaluated, evaluations),
    st.builds(StudyBegan, settings(), st.dictionaries(words, words, max_size=2)),
    st.builds(Enqueued, st.lists(configs, min_size=1, max_size=2).map(tuple)),
    warm_starts,
    waves,
    st.builds(TrialEnded, results()),
    st.builds(StudyPaused, words),
)
