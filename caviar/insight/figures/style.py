"""How figures look: colours that are legible on light and dark pages, and the layout that every figure starts from.

A colour means the same in every figure: orange is the best, grey the rest, red what failed. Waves run from grey (the
coarse one) through blue to violet (the latest).
"""

import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from caviar._checks import import_optional

Figure = Any  # plotly.graph_objects.Figure: the package is optional and untyped
Attributes = dict[str, object]  # of a Plotly trace or axis, by name

WAVES = ("#8a94a6", "#4fbcd0", "#4aa3df", "#3d85e0", "#3d64d0", "#5f50cc", "#8350c8", "#a54bbd", "#c8489a")
ACCENT, PLAIN, BAD = "#e07b39", "#8a94a6", "#d64545"
HEIGHT = 400  # pixels


def marker_scale(count: int) -> float:
    """Return the factor by which lines and dots shrink when there are many, so that they stay distinguishable.

    >>> marker_scale(100), round(marker_scale(10_000), 2)
    (1.0, 0.38)
    """
    return min(1.0, math.pow(900 / max(count, 1), 0.4))


def escape_label(label: object) -> str:
    """Escape a label so that Plotly, which interprets HTML tags, shows it unchanged.

    >>> escape_label("<b>rate</b>")
    '&lt;b&gt;rate&lt;/b&gt;'
    """
    return escape(str(label), quote=False)


def shorten(label: str, longest: int = 12) -> str:
    """Return a label of at most so many characters; with 12 it does not reach the next axis or panel.

    >>> shorten("batch_normalization")
    'batch_norma…'
    """
    return label if len(label) <= longest else f"{label[: longest - 1]}…"


def wave_colour(wave: int, waves: int) -> str:
    """Return the colour of a wave, counted from 1, of a study of so many waves; no two have the same.

    >>> wave_colour(1, 3), wave_colour(2, 3), len({wave_colour(wave, 40) for wave in range(1, 41)})
    ('#8a94a6', '#4fbcd0', 40)
    """
    fine = WAVES[1:]
    if wave == 1 or waves <= len(WAVES):
        return WAVES[wave - 1]
    place = (wave - 2) / (waves - 2) * (len(fine) - 1)  # between two colours
    first, second = (bytes.fromhex(fine[min(int(place) + step, len(fine) - 1)][1:]) for step in (0, 1))
    mixed = (round(a + (b - a) * (place % 1)) for a, b in zip(first, second, strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def error_bars(values: Any, low: Any, high: Any) -> Attributes:
    """Return the error bars of values, (n,), each with an interval.

    >>> error_bars(2.0, 1.5, 3.0)["array"], error_bars(2.0, 1.5, 3.0)["arrayminus"]
    (1.0, 0.5)
    """
    ends = {"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low}
    return {**ends, "color": "rgba(128,128,128,0.9)", "thickness": 1.2, "width": 3}


def figure(
    caption: str,
    traces: Iterable[Mapping[str, object]] = (),
    *,
    xaxis: Mapping[str, object] | None = None,
    yaxis: Mapping[str, object] | None = None,
    **layout: object,
) -> Figure:
    """Return a Plotly figure with a transparent background, which suits light and dark pages.

    Args:
        caption: one sentence that says what the figure shows; it is stored in `layout.meta`.
        traces: the attributes of each trace.
        xaxis, yaxis, layout: the attributes that differ from the plain layout.

    >>> figure("Two points.", [{"x": [0, 1], "y": [2, 3]}], xaxis={"title": "epoch"}).layout.xaxis.title.text
    'epoch'
    """
    graph_objects = import_optional("plotly.graph_objects", "a plot", "report")
    plain = {
        "template": "none",
        "meta": {"caption": caption},
        "height": HEIGHT,
        "margin": {"l": 30, "r": 16, "t": 20, "b": 30},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#76808f"},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "itemsizing": "constant", "entrywidth": 0},
        "hovermode": "closest",
        "xaxis": axis_layout(xaxis or {}),
        "yaxis": axis_layout(yaxis or {}),
    }
    return graph_objects.Figure(list(traces), plain | layout)


def axis_layout(changes: Mapping[str, object]) -> Attributes:
    """Return the attributes of an axis: unobtrusive unless changed. Its title may be a string or a dict."""
    title = changes.get("title", {})
    spaced_title = {"standoff": 8, **(title if isinstance(title, Mapping) else {"text": title})}
    quiet = {"gridcolor": "rgba(128,128,128,0.22)", "zeroline": False, "automargin": True}
    return {**quiet, **changes, "title": spaced_title}
