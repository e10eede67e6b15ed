"""The conclusions about batch norm, in sentences made from the tables."""

from collections.abc import Hashable, Mapping

import pandas as pd

WITHOUT, WITH, OWN_RATE = "without", "with", "with, own rate"
SHIFTS = ("input_moved_relative", "pre_moved_relative", "gradient_relative", "gradient_change", "gradient_cosine")

Row = Mapping[Hashable, float]


def conclusions(summary: pd.DataFrame, bands: pd.DataFrame) -> tuple[str, ...]:
    """Return the sentences; the arguments are tables of `covariate_shift`."""
    rows: dict[str, Row] = {row["network"]: row for row in summary.to_dict("records")}
    parts = [f"{_value(row, 'decades', '.1f')} {row['network']}" for row in bands.to_dict("records")]
    open_end = " (or more: the rates tried end there)" if bands["open_end"].any() else ""
    moved, turned = _effect(rows, "input_moved_relative"), _effect(rows, "gradient_relative")
    return (
        _speed(rows),
        f"The accuracy is reached over this many decades of learning rates: {' and '.join(parts)}{open_end}.",
        "The original meaning, at the same rate: in one step the distribution of a unit's input moves by "
        f"{_both(rows, 'input_moved_relative')} of its standard deviations; batch norm {moved} this shift. "
        f"Before it is normalized, it moves by {_both(rows, 'pre_moved_relative')}.",
        "Through gradients, at the same rate: once the layers below have taken their step, a layer's gradient changes "
        f"by {_both(rows, 'gradient_relative')} of its norm, and its cosine to the old one is "
        f"{_both(rows, 'gradient_cosine', '.4f')}; batch norm {turned} this shift.",
        f"So the two definitions {'agree' if moved == turned else 'disagree'} about what batch norm did to internal "
        "covariate shift here.",
    )


def _speed(rows: Mapping[str, Row]) -> str:
    without, same = rows[WITHOUT], rows[WITH]
    sentence = (
        f"Steps to {without['accuracy']:.0%} validation accuracy (median of {without['seeds']} seeds): "
        f"{_value(without, 'steps', '.0f')} without batch norm at a rate of {without['learning_rate']:.3g}; "
        f"{_value(same, 'steps', '.0f')} with it at the same rate, {_times(same)}"
    )
    if OWN_RATE in rows:
        own = rows[OWN_RATE]
        sentence += f"; {_value(own, 'steps', '.0f')} with it at its own best rate of {own['learning_rate']:.3g}, "
        sentence += _times(own)
    return f"{sentence}."


def _times(row: Row) -> str:
    return f"{row['times_faster']:.1f} times{_interval(row, 'times', '.1f')} as fast"


def _effect(rows: Mapping[str, Row], shift: str) -> str:
    """Return what batch norm does to a shift; overlapping 95% intervals count as no visible change."""
    without, same = rows[WITHOUT], rows[WITH]
    if same[f"{shift}_high"] < without[f"{shift}_low"]:
        return "reduces"
    return "increases" if same[f"{shift}_low"] > without[f"{shift}_high"] else "does not visibly change"


def _both(rows: Mapping[str, Row], shift: str, form: str = ".3g") -> str:
    return " and ".join(f"{_value(rows[name], shift, form)} {name}" for name in (WITHOUT, WITH))


def _value(row: Row, name: str, form: str) -> str:
    return f"{row[name]:{form}}{_interval(row, name, form)}"


def _interval(row: Row, name: str, form: str) -> str:
    return f" [{row[f'{name}_low']:{form}}, {row[f'{name}_high']:{form}}]"
