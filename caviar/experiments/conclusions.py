"""What was found about batch norm, in sentences that follow from the tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

WITHOUT, WITH, OWN = "without", "with", "with, own rate"
SHIFTS = ("input_moved_relative", "pre_moved_relative", "gradient_relative", "gradient_change", "gradient_cosine")


def found(summary: pd.DataFrame, bands: pd.DataFrame) -> tuple[str, ...]:
    """The sentences; arguments are tables of `covariate_shift`."""
    rows = {row["network"]: row for row in summary.to_dict("records")}
    without, same = rows[WITHOUT], rows[WITH]
    sentences = [_speed(rows)]
    parts = [
        f"{row['decades']:.1f}{_interval(row, 'decades', '.1f')} {row['network']}" for row in bands.to_dict("records")
    ]
    open_end = " (or more: the rates that were tried end there)" if bands["open_end"].any() else ""
    sentences.append(
        f"The accuracy is reached over this many decades of learning rates: {' and '.join(parts)}{open_end}."
    )
    moved = _changed(without, same, "input_moved_relative")
    turned = _changed(without, same, "gradient_relative")
    sentences.append(
        "The original meaning, at the same rate: in one step the distribution that a unit reads moves by "
        f"{_both(without, same, 'input_moved_relative')} of its standard deviations; batch norm {moved} this shift. "
        f"Before it is normalized, it moves by {_both(without, same, 'pre_moved_relative')}."
    )
    sentences.append(
        "Through gradients, at the same rate: when the layers below have taken their step, a layer's gradient changes "
        f"by {_both(without, same, 'gradient_relative')} of its norm, and its cosine to the old one is "
        f"{_both(without, same, 'gradient_cosine', '.4f')}; batch norm {turned} this shift."
    )
    agree = "agree" if moved == turned else "disagree"
    sentences.append(f"So the two definitions {agree} about what batch norm did to internal covariate shift here.")
    return tuple(sentences)


def _speed(rows: Mapping[Any, Mapping[Any, Any]]) -> str:
    without, same, own = rows[WITHOUT], rows[WITH], rows.get(OWN)
    text = f"Steps to {without['accuracy']:.0%} validation accuracy (median of {without['seeds']} seeds): "
    text += f"{_steps(without)} without batch norm at a rate of {without['learning_rate']:.3g}; {_steps(same)} with it "
    text += f"at the same rate, {_times(same)}"
    if own is not None:
        text += f"; {_steps(own)} with it at its own best rate of {own['learning_rate']:.3g}, {_times(own)}"
    return f"{text}."


def _steps(row: Mapping[Any, Any]) -> str:
    return f"{row['steps']:.0f}{_interval(row, 'steps', '.0f')}"


def _times(row: Mapping[Any, Any]) -> str:
    return f"{row['times_faster']:.1f} times{_interval(row, 'times', '.1f')} as fast"


def _changed(without: Mapping[Any, Any], same: Mapping[Any, Any], name: str) -> str:
    """What batch norm does to a shift: the 95% intervals have to lie apart for a verdict."""
    if same[f"{name}_high"] < without[f"{name}_low"]:
        return "reduces"
    return "increases" if same[f"{name}_low"] > without[f"{name}_high"] else "does not visibly change"


def _both(without: Mapping[Any, Any], same: Mapping[Any, Any], name: str, form: str = ".3g") -> str:
    texts = (f"{row[name]:{form}}{_interval(row, name, form)} {row['network']}" for row in (without, same))
    return " and ".join(texts)


def _interval(row: Mapping[Any, Any], name: str, form: str) -> str:
    return f" [{row[f'{name}_low']:{form}}, {row[f'{name}_high']:{form}}]"
