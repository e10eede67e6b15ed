"""How pictures look: colours that are legible on light and dark ground, and an empty figure to begin from.

Colours mean the same in every picture: orange is the best, grey the rest, red what failed; waves go from grey (the
coarse one) over blue to violet, the later the deeper.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from caviar._checks import import_optional

WAVES = ("#8a94a6", "#4aa3df", "#3d74d6", "#6a5acd", "#9a4fc4", "#c04aa0")  # the coarse wave is grey
ACCENT, PLAIN, BAD = "#e07b39", "#8a94a6", "#d64545"
HEIGHT = 400  # pixels
MANY = 3000  # points from which on the graphics card draws them


def crowded(count: int) -> float:
    """By how much lines and dots shrink where there are many, so that they do not become one surface.

    >>> crowded(100), round(crowded(10_000), 2)
    (1.0, 0.38)
    """
    return min(1.0, math.pow(900 / max(count, 1), 0.4))


def shown(name: object) -> str:
    """A user's text for a picture: Plotly reads tags in text, so it is escaped."""
    return escape(str(name), quote=False)


def wave_colour(wave: int) -> str:
    """The colour of a wave, counted from 1; of many fine waves the colours come again.

    >>> wave_colour(1), wave_colour(2) == wave_colour(7)
    ('#8a94a6', True)
    """
    return WAVES[0] if wave == 1 else WAVES[1 + (wave - 2) % (len(WAVES) - 1)]


def figure(caption: str, traces: Sequence[Any] = (), **layout: Any) -> Any:
    """A Plotly figure without ground of its own, so that it suits a light page and a dark one.

    Args:
        caption: one sentence that says what is to be seen; kept in `layout.meta` for the report.
        traces: Plotly traces, or dicts of their attributes.
        layout: what differs from the plain layout.
    """
    graph_objects = import_optional("plotly.graph_objects", "a plot", "report")
    quiet = {"gridcolor": "rgba(128,128,128,0.22)", "zeroline": False, "automargin": True, "title": {"standoff": 8}}
    plain = {
        "template": "none",
        "meta": {"caption": caption},
        "height": HEIGHT,
        "margin": {"l": 30, "r": 16, "t": 20, "b": 30},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#76808f"},
        "legend": {
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "x": 0,
            "itemsizing": "constant",
            "entrywidth": 0,
        },
        "hovermode": "closest",
        "xaxis": _merged(quiet, layout.pop("xaxis", {})),
        "yaxis": _merged(quiet, layout.pop("yaxis", {})),
    }
    made = graph_objects.Figure(layout=plain | layout)
    for trace in traces:
        made.add_trace(trace)
    return made


def _merged(quiet: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """An axis as it is asked for, quiet otherwise; its title, given as a string or a dict, keeps its distance."""
    title = asked.get("title", {})
    return quiet | asked | {"title": quiet["title"] | ({"text": title} if isinstance(title, str) else title)}
