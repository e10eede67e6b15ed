"""How values read in the terminal's tables, on the report's page and in figures."""

import pandas as pd


def format_value(value: object) -> str:
    """Return a value of a table as people read it: floats with four significant digits, "" for a missing value.

    >>> format_value(0.123456), format_value(64), format_value(float("nan")), format_value(None)
    ('0.1235', '64', '', '')
    """
    if value is None or value is pd.NA or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
