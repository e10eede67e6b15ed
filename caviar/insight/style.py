"""How pictures look: colours that are legible on light and dark ground, and an empty figure to begin from."""

from collections.abc import Sequence
from html import escape
from typing import Any

from caviar.insight.extra import optional

WAVES = ("#8a94a6", "#2f8fd8", "#e07b39", "#2aa876", "#b061c9", "#d14d72")  # the coarse wave is grey
ACCENT, PLAIN, BAD = "#e07b39", "#8a94a6", "#d14d72"
HEIGHT = 440  # pixels
MANY = 3000  # points from which on the graphics card draws them


def shown(name: object) -> str:
    """A user's text for a picture: Plotly reads tags in text, so it is escaped."""
    return escape(str(name), quote=False)


def wave_colour(wave: int) -> str:
    """The colour of a wave, counted from 1."""
    return WAVES[(wave - 1) % len(WAVES)]


def figure(caption: str, traces: Sequence[Any] = (), **layout: Any) -> Any:
    """A Plotly figure without ground of its own, so that it suits a light page and a dark one.

    Args:
        caption: one sentence that says what is to be seen; kept in `layout.meta` for the report.
        traces: Plotly traces, or dicts of their attributes.
        layout: what differs from the plain layout.
    """
    graph_objects = optional("plotly.graph_objects", "a plot")
    quiet = {"gridcolor": "rgba(128,128,128,0.22)", "zeroline": False, "automargin": True}
    plain = {
        "template": "none",
        "meta": {"caption": caption},
        "height": HEIGHT,
        "margin": {"l": 60, "r": 20, "t": 32, "b": 50},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#76808f"},
        "legend": {"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0, "itemsizing": "constant"},
        "hovermode": "closest",
        "xaxis": quiet | layout.pop("xaxis", {}),
        "yaxis": quiet | layout.pop("yaxis", {}),
    }
    made = graph_objects.Figure(layout=plain | layout)
    for trace in traces:
        made.add_trace(trace)
    return made
