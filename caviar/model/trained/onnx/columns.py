"""The preparation as ONNX: raw columns become features as in `caviar.data.preparation.columns`.

Each column that is used has an input of its name, (rows, 1). Levels are text, and "" is a missing cell. All else is
float64, NaN where a cell is missing: numbers and levels that are numbers, booleans as 0 and 1, durations in seconds,
and dates in seconds since the start of 1970 in UTC. If the columns have no names, and none is text, there is one input
instead: `x`, float64, (rows, columns).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from caviar.data.preparation.cells import Kind, spelling
from caviar.data.preparation.columns import (
    CYCLES,
    Category,
    Column,
    Date,
    Number,
    Ordered,
    Quantiles,
)
from caviar.data.preparation.preparation import Preparation, groups
from caviar.data.preparation.scaling import FARTHEST, Scaled
from caviar.model.arrays import Array
from caviar.model.trained.onnx.graph import Graph, Value
from caviar.model.trained.onnx.quantiles import normal_quantiles
from caviar.model.trained.schema import Schema

_DAY, _HOUR = 86_400, 3_600  # in seconds
_LAST_SECOND = 9.2e12  # of dates that NumPy can hold, in the year 293507


def add_preparation(graph: Graph, schema: Schema) -> Value:
    """Add the inputs, and what becomes of them: the features, float32, (rows, features)."""
    if schema.preparation is None:
        return graph.input("x", graph.types.DOUBLE, schema.features).cast(graph.types.FLOAT)
    raw = _inputs(graph, schema.preparation, schema.has_names)
    parts = [_ENCODERS[type(group[0])](group, raw(group)) for group in groups(schema.preparation.used)]
    return graph.concatenate(parts)


def _inputs(graph: Graph, preparation: Preparation, has_names: bool) -> Callable[[Sequence[Column]], Value]:
    """Add the inputs; return what gives the cells of some columns, (rows, columns)."""
    positions = {column.name: position for position, column in enumerate(preparation.columns)}
    if not has_names and not any(_is_text(column) for column in preparation.used):
        x = graph.input("x", graph.types.DOUBLE, len(positions))
        return lambda columns: x.columns([positions[column.name] for column in columns])
    kinds = {True: graph.types.STRING, False: graph.types.DOUBLE}
    inputs = {column.name: graph.input(column.name, kinds[_is_text(column)], 1) for column in preparation.used}
    return lambda columns: graph.concatenate([inputs[column.name] for column in columns])


def _is_text(column: Column) -> bool:
    return isinstance(column, Category | Ordered) and column.kind not in ("number", "boolean")


def _standardised(columns: Sequence[Scaled], values: Value, present: Value) -> Value:
    """Return what `standardise` writes; `present` is False where a cell is missing."""
    graph, count = values.graph, len(columns)
    fills = np.array([column.mean if column.fill is None else column.fill for column in columns])
    means, scales = (np.array([getattr(column, name) for column in columns]) for name in ("mean", "scale"))
    scaled = (present.apply("Where", values, fills) - means) / scales
    features = scaled.apply("Clip", -FARTHEST, FARTHEST).cast(graph.types.FLOAT)
    if not any(column.indicator for column in columns):
        return features
    both = graph.concatenate([features, present.apply("Not").cast(graph.types.FLOAT)])
    order = [(place, count + place) if column.indicator else (place,) for place, column in enumerate(columns)]
    return both.columns([position for positions in order for position in positions])


def _numbers(columns: Sequence[Number], raw: Value) -> Value:
    return _standardised(columns, raw, abs(raw) < np.inf)


def _quantiles(columns: Sequence[Quantiles], raw: Value) -> Value:
    return _standardised(columns, normal_quantiles(np.array(columns[0].quantiles), raw), abs(raw) < np.inf)


def _levels(columns: Sequence[Category | Ordered], raw: Value) -> Value:
    (column,) = columns
    return _text_levels(column, raw) if _is_text(column) else _number_levels(column, raw)


def _text_levels(column: Category | Ordered, raw: Value) -> Value:
    """Look up the features of levels: those of any other level come first, those of a missing cell last."""
    last = len(column.levels) + 1
    places = {"": last} | {level: place for place, level in enumerate(column.levels, 1)}
    place = raw.apply(
        "LabelEncoder",
        domain="ai.onnx.ml",
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=0,
    )
    other = next(text for text in map(str, range(last)) if text not in column.levels)
    return _look_up(_encoded(column, [other, *column.levels, None]), place)


def _number_levels(column: Category | Ordered, raw: Value) -> Value:
    """The same of levels that are numbers or booleans."""
    last, types = len(column.levels) + 1, raw.graph.types
    numbers = [_number(level, column.kind) for level in column.levels]
    equal = raw.apply("Equal", np.array([*numbers, np.nan])).cast(types.FLOAT)  # NaN equals nothing
    place = (equal @ np.arange(1, last + 1, dtype=np.float32)[:, None]).cast(types.INT64)
    place = raw.apply("IsNaN").apply("Where", np.array(last), place)
    if column.kind == "boolean":
        return _look_up(_encoded(column, ["other", *column.levels, None]), place)
    other = next(number for number in map(float, range(last)) if number not in numbers)
    return _look_up(_encoded(column, [other, *numbers, None]), place)


def _number(level: str, kind: Kind) -> float:
    """Return the number that is spelled as a level; NaN if there is none."""
    if kind == "boolean":
        return {"True": 1.0, "False": 0.0}.get(level, np.nan)
    try:
        number = float(level)
    except ValueError:
        return np.nan
    return number if spelling(number) == level else np.nan


def _encoded(column: Column, cells: list[str | float | None]) -> Array:
    """Return the features of cells, (cells, features)."""
    out = np.empty((len(cells), len(column.features)), np.float32)
    column.encode(pd.Series(cells, name=column.name, dtype=object), out)
    return out


def _look_up(table: Array, places: Value) -> Value:
    """Return a row of a table for each place, (rows, 1)."""
    return places.graph.apply("Gather", table, places.apply("Squeeze", np.array([1])), axis=0)


def _date(columns: Sequence[Date], raw: Value) -> Value:
    (column,), graph = columns, raw.graph
    present = abs(raw) < _LAST_SECOND
    parts = [_standardised(columns, raw / float(_DAY), present)]
    second = present.apply("Where", raw, 0.0).apply("Floor").cast(graph.types.INT64)
    of_day = second % _DAY
    day = (second - of_day) / _DAY
    counts = {"month": lambda: _month(day), "weekday": lambda: (day + 3) % 7, "hour": lambda: of_day / _HOUR}
    for cycle in column.cycles:
        length = CYCLES[cycle]
        angle = np.arange(length) * (2 * np.pi / length)
        waves = np.vstack([np.column_stack([np.sin(angle), np.cos(angle)]), np.zeros(2)])  # missing: the middle
        place = present.apply("Where", counts[cycle](), np.array(length))
        parts.append(_look_up(waves.astype(np.float32), place))
    return graph.concatenate(parts)


def _month(day: Value) -> Value:
    """Return the month, 0 to 11, of days since 1970, by years that start in March; calendars repeat after 400 years."""
    day = (day + 719_468) % 146_097
    year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
    day_of_year = day - year * 365 - year / 4 + year / 100
    return ((day_of_year * 5 + 2) / 153 + 2) % 12


# how the columns of a group become features: their cells, (rows, columns), to float32, (rows, features)
_ENCODERS: Mapping[type[Column], Callable[..., Value]] = {
    Number: _numbers,
    Quantiles: _quantiles,
    Ordered: _levels,
    Category: _levels,
    Date: _date,
}
