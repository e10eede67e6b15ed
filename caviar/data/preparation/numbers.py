"""Learn how columns of numbers and booleans become features."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.data.preparation.cells import blocks, cells_of, numbers, read_numbers
from caviar.data.preparation.columns import Category, Column, LeftOut, Number, Quantiles
from caviar.data.preparation.raw import CONSTANT, EMPTY, Note, Raw
from caviar.data.preparation.scaling import moments, of_pixels, scale_of
from caviar.data.validation import Floats
from caviar.errors import InputError

ROW_NUMBERS = "row numbers"

_HEAVY = 10.0  # interquartile ranges from the median to the farthest value; 4 for a million normal values
_QUANTILES, _SAMPLE = 100, 10_000
_FIRST = 100  # rows, in most of which a column with decimals has some
_INDEX_NAME = re.compile(r"Unnamed: \d+|")  # what pandas calls a column without a name


@dataclass(frozen=True)
class Summary:
    """Statistics of a column over the training rows."""

    raw: Raw
    missing: int
    infinite: int
    low: float
    median: float
    high: float
    spread: float
    mean: float
    deviation: float
    whole: bool
    distinct: bool

    @property
    def empty(self) -> bool:
        return self.median != self.median

    @property
    def heavy(self) -> bool:
        """Whether a few far values would squeeze all others together."""
        return bool(max(self.high - self.median, self.median - self.low) > _HEAVY * self.spread > 0)

    def numbers_rows(self, rows: int) -> bool:
        """Return whether each row has a different number of 0 to `rows`, or any integers if the name says so."""
        in_range = bool(_INDEX_NAME.fullmatch(self.raw.name)) or (self.low >= 0 and self.high <= rows)
        return self.whole and self.distinct and not self.missing and in_range


def fit_numbers(
    table: pd.DataFrame, train: NDArray[np.int64], raws: Sequence[Raw], *, only: bool
) -> tuple[dict[str, Column], list[Note]]:
    """Return how columns of numbers and booleans become features, and what to say about it.

    Args:
        table: all columns.
        train: the row numbers of the training part.
        raws: the columns of numbers and booleans.
        only: whether the table has no others; if all are then integers in 0..255, they are scaled like pixels.
    """
    summaries = [
        summary
        for block in blocks(len(train), range(len(raws)))
        for summary in _summaries(table, train, [raws[i] for i in block])
    ]
    columns: dict[str, Column] = {}
    for summary in summaries:
        _check_wish(table, train, summary)
        if (out := _left_out(summary, len(table))) is not None:
            columns[summary.raw.name] = out
    rest = [summary for summary in summaries if summary.raw.name not in columns]
    pixels = only and all(_is_pixel(summary) for summary in rest)
    deviations = np.array([summary.deviation for summary in rest])
    for summary, deviation in zip(rest, of_pixels(deviations) if pixels else deviations, strict=True):
        raw = summary.raw
        if raw.kind == "number" and summary.heavy and not pixels and raw.wish != "number":
            columns[raw.name] = _quantiles(table, train, summary)
        else:
            columns[raw.name] = _number(summary, deviation)
    return columns, list(_notes(table, train, summaries, columns))


def _summaries(table: pd.DataFrame, train: NDArray[np.int64], raws: Sequence[Raw]) -> Iterator[Summary]:
    values = read_numbers(table, [raw.position for raw in raws], train)
    finite = np.isfinite(values)
    infinite = np.isinf(values).sum(axis=0) if not finite.all() else np.zeros(len(raws), int)
    if infinite.any():
        values = np.where(finite, values, np.nan)
    ordered = np.sort(values, axis=0)  # NaN at the end
    present, each = finite.sum(axis=0), np.arange(len(raws))
    last = np.maximum(present - 1, 0)

    def at(share: float) -> Any:
        return ordered[np.round(share * last).astype(int), each]

    median = ordered[last // 2, each] / 2 + ordered[(last + 1) // 2, each] / 2
    with np.errstate(over="ignore", invalid="ignore"):
        # where more than half are the same, a wider range stands in; they agree for normal values
        spread = np.maximum(at(0.75) - at(0.25), (at(0.95) - at(0.05)) / 2.44)
        distinct = (ordered[1:] > ordered[:-1]).sum(axis=0) == present - 1
    whole = _are_whole(values[:_FIRST])
    if whole.any():
        whole = _are_whole(values)
    gaps = present < len(values)
    if gaps.any():
        values = np.where(np.isnan(values), np.where(present > 0, median, 0.0), values)
    mean, deviation = moments(values)
    missing = len(values) - present
    for i, raw in enumerate(raws):
        yield Summary(
            raw,
            missing=int(missing[i]),
            infinite=int(infinite[i]),
            low=float(ordered[0, i]),
            median=float(median[i]),
            high=float(ordered[last[i], i]),
            spread=float(spread[i]),
            mean=float(mean[i]),
            deviation=float(deviation[i]),
            whole=bool(whole[i]),
            distinct=bool(distinct[i]),
        )


def _are_whole(values: Floats) -> NDArray[np.bool_]:
    """Return by column whether all values are integers, or missing."""
    whole: NDArray[np.bool_] = ((values == np.round(values)) | np.isnan(values)).all(axis=0)
    return whole


def _check_wish(table: pd.DataFrame, train: NDArray[np.int64], summary: Summary) -> None:
    if summary.raw.wish == "number" and summary.empty:
        cells = cells_of(table, summary.raw.position, train).dropna().astype(str).unique()[:3]
        raise InputError(
            f"column {summary.raw.name!r} must not be 'number', as it has no numbers"
            + (f" but {', '.join(map(repr, cells))}; try 'category'" if len(cells) else "; try 'drop'")
        )


def _left_out(summary: Summary, rows: int) -> LeftOut | None:
    raw = summary.raw
    if raw.wish:
        return None
    if summary.empty:
        return LeftOut(raw.name, EMPTY)
    if summary.deviation == 0 and not summary.missing:
        return LeftOut(raw.name, CONSTANT)
    if raw.kind == "number" and summary.numbers_rows(rows):
        return LeftOut(raw.name, ROW_NUMBERS)
    return None


def _is_pixel(summary: Summary) -> bool:
    plain = summary.raw.kind == "number" and summary.whole and not summary.missing
    return plain and summary.low >= 0 and summary.high <= 255


def _number(summary: Summary, deviation: np.float64) -> Column:
    raw, gaps = summary.raw, summary.missing > 0
    if gaps and summary.deviation == 0:
        return Category(raw.name, (), missing=True, kind=raw.kind)  # only the gaps tell rows apart
    if raw.kind == "boolean":
        return Number(raw.name, 0.0, 1.0, float(round(summary.median)), gaps, "boolean")
    scale = float(scale_of(np.array(summary.mean), np.array(deviation)))
    return Number(raw.name, summary.mean, scale, summary.median, gaps, raw.kind)


def _quantiles(table: pd.DataFrame, train: NDArray[np.int64], summary: Summary) -> Column:
    from sklearn.preprocessing import QuantileTransformer

    raw = summary.raw
    sample = np.random.default_rng(0).permutation(train)[:_SAMPLE]
    values = read_numbers(table, [raw.position], sample)
    values = np.where(np.isfinite(values), values, summary.median)
    transformer = QuantileTransformer(n_quantiles=min(_QUANTILES, len(values)), subsample=None)
    plain = Quantiles(raw.name, tuple(transformer.fit(values).quantiles_[:, 0].tolist()))
    mean, deviation = moments(plain.normal(values[:, 0]))
    fill = float(plain.normal(np.array([summary.median]))[0])
    gaps = summary.missing > 0
    return Quantiles(raw.name, plain.quantiles, float(mean), float(deviation) or 1.0, fill, gaps, raw.kind)


def _notes(
    table: pd.DataFrame, train: NDArray[np.int64], summaries: Sequence[Summary], columns: dict[str, Column]
) -> Iterator[Note]:
    for summary in summaries:
        name = summary.raw.name
        if isinstance(columns[name], Quantiles):
            yield Note(name, "heavy tails, so by quantiles", "number", "standardises it")
        if summary.infinite:
            yield Note(name, "infinite values count as missing")
        if summary.raw.wish == "number" and summary.raw.kind == "text" and summary.missing:
            present = cells_of(table, summary.raw.position, train).dropna()
            if len(other := present[np.isnan(numbers(present))]):
                rows = "a training row has" if len(other) == 1 else f"{len(other)} training rows have"
                text = f"text that is no number, such as {str(other.iloc[0])!r:.40}, which counts as missing"
                yield Note(name, f"{rows} {text}")
