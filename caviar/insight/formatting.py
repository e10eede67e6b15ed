"""How values are formatted in the terminal, in the report and in figures."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from caviar.space.references import named


def format_value(value: object) -> str:
    """Return a value as readable text: a float with four significant digits, "" for a missing value.

    >>> format_value(0.123456), format_value(64), format_value(float("nan")), format_value(None)
    ('0.1235', '64', '', '')
    """
    if value is None or value is pd.NA or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(named(value))


def format_range(low: float, high: float) -> str:
    """Return an interval in words; a single value if its ends are equal.

    >>> format_range(0.5, 1), format_range(3, 3)
    ('0.5 to 1', '3')
    """
    return format_value(low) if low == high else f"{format_value(low)} to {format_value(high)}"


def format_share(share: float) -> str:
    """Return a share as a percentage with two significant digits, however small.

    >>> format_share(1.0), format_share(0.0454), format_share(7.3e-7)
    ('100%', '4.5%', '0.000073%')
    """
    percent = np.format_float_positional(100 * share, precision=2, fractional=False, trim="-")
    return f"{percent}%" if share == 0 or share >= 1e-8 else "<0.000001%"


def as_html(table: pd.DataFrame) -> str:
    """Return a table for a notebook, with four significant digits; texts are escaped.

    >>> as_html(pd.DataFrame({"x": ["<b>"]})).count("&lt;b&gt;")
    1
    """
    return table.to_html(index=False, border=0, float_format=format_value, na_rep="")


def config_as_code(config: Mapping[str, object]) -> str:
    """Return a config as a Python dict, a line for each value, ready to copy.

    >>> print(config_as_code({"learning_rate": 0.01, "clip_norm": float("inf")}))
    {
        "learning_rate": 0.01,
        "clip_norm": float("inf"),
    }
    """
    values = {
        name: f'float("{value}")' if isinstance(value, float) and not math.isfinite(value) else repr(named(value))
        for name, value in config.items()
    }
    return "\n".join(["{", *(f'    "{name}": {value},' for name, value in values.items()), "}"])
