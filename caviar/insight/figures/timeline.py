"""Who trained what when: a row for each trainer, a bar for each trial."""

import numpy as np
import pandas as pd

from caviar.errors import InputError
from caviar.insight.figures.style import ACCENT, BAD, HEIGHT, PLAIN, Attributes, Figure, escape_label, figure
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS, State

COLOURS = {"finished": "#4aa3df", "stopped early": PLAIN, BROKEN_WORDS: BAD}
ROW = 18  # pixels
MOST = 2000  # bars; with more trials, those that follow each other closely are one


def timeline(outcome: Outcome) -> Figure:
    """Return a figure of the trials that each trainer trained, over the seconds since the first one began.

    Raises:
        InputError: the study was run by a Caviar that did not note when its trials began.
    """
    table = outcome.table
    if "began" not in table or table["began"].isna().all():
        raise InputError("no trial has a time at which it began; studies of earlier versions have no timeline")
    known = table[table["began"].notna() & table["ended"].notna()]
    start = known["began"].min()
    bars = pd.DataFrame(
        {
            "trial": known["trial"],
            "trainer": [escape_label(worker or "unknown") for worker in known["worker"]],
            "began": (known["began"] - start).dt.total_seconds(),
            "seconds": (known["ended"] - known["began"]).dt.total_seconds(),
            "kind": [_kind(State(state)) for state in known["state"]],
        }
    )
    drawn = bars if len(bars) <= MOST else _merged(bars)
    traces = [_bars(drawn[drawn["kind"] == kind], kind, colour) for kind, colour in COLOURS.items()]
    if outcome.has_finished:
        traces.append(_bars(bars[bars["trial"] == outcome.best.trial], "the winner", ACCENT))
    trainers = list(dict.fromkeys(bars.sort_values("began", kind="stable")["trainer"]))
    idle = 1.0 - _busy(bars) / max(len(trainers) * float((bars["began"] + bars["seconds"]).max()), 1e-9)
    caption = f"Each trainer's trials over time; trainers had nothing to train for {max(idle, 0.0):.0%} of the time."
    return figure(
        caption,
        [trace for trace in traces if trace["y"]],
        xaxis={"title": "seconds since the first trial began", "rangemode": "tozero"},
        yaxis={"categoryorder": "array", "categoryarray": trainers[::-1], "type": "category"},
        barmode="overlay",
        bargap=0.15,
        height=min(max(HEIGHT // 2, ROW * len(trainers) + 120), 4 * HEIGHT),
    )


def _kind(state: State) -> str:
    finished, stopped, failed = COLOURS
    return failed if state in BROKEN else stopped if state is State.STOPPED else finished


def _merged(bars: pd.DataFrame) -> pd.DataFrame:
    """Return bars of the trials of a trainer that end alike and follow each other with hardly a gap."""
    ordered = bars.sort_values(["trainer", "kind", "began"], kind="stable", ignore_index=True)
    end = ordered["began"] + ordered["seconds"]
    gap = float(end.max()) / MOST
    same = (ordered["trainer"] == ordered["trainer"].shift()) & (ordered["kind"] == ordered["kind"].shift())
    group = (~same | (ordered["began"] > end.shift() + gap)).cumsum()
    merged = (
        ordered.assign(end=end)
        .groupby(group)
        .agg({"trial": "first", "trainer": "first", "kind": "first", "began": "min", "end": "max"})
    )
    return merged.assign(seconds=merged["end"] - merged["began"])


def _bars(bars: pd.DataFrame, name: str, colour: str) -> Attributes:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": bars["trainer"].tolist(),
        "base": bars["began"].to_numpy(np.float32),
        "x": bars["seconds"].to_numpy(np.float32),
        "customdata": bars["trial"].to_numpy(),
        "hovertemplate": "trial %{customdata}: %{x:.3g} s<extra></extra>",
        "marker": {"color": colour, "line": {"color": "rgba(255,255,255,0.6)", "width": 0.5}},
    }


def _busy(bars: pd.DataFrame) -> float:
    """The seconds in which trainers had a trial, each second of a trainer once: the trials of a stack overlap."""
    busy = 0.0
    for _, rows in bars.groupby("trainer"):
        end = 0.0
        for began, seconds in sorted(zip(rows["began"], rows["seconds"], strict=True)):
            busy += max(began + seconds - max(began, end), 0.0)
            end = max(end, began + seconds)
    return busy
