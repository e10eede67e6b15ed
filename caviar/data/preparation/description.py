"""What a preparation does, in three lines and as a table."""

from collections.abc import Callable, Sequence

import pandas as pd

from caviar.data.preparation.columns import Category, Column, Date, LeftOut, Number, Ordered, Quantiles
from caviar.data.preparation.preparation import Preparation, shortened


def describe(preparation: Preparation) -> tuple[str, ...]:
    """Return up to three lines: numbers and dates, levels, and what is left out.

    >>> describe(Preparation((Number("width", 2.0, 0.5, indicator=True), Category("kind", ("a", "b"), missing=True))))
    ('1 number: width; 1 with gaps (filled with the median, and an indicator)', '1 category: kind (2 levels, missing)')
    """
    columns = preparation.used
    numbers = [column for column in columns if isinstance(column, Number | Quantiles) and column.kind != "boolean"]
    booleans = [column for column in columns if isinstance(column, Number) and column.kind == "boolean"]
    dates = [column for column in columns if isinstance(column, Date)]
    heavy = sum(isinstance(column, Quantiles) for column in numbers)
    gaps = sum(getattr(column, "indicator", False) for column in columns)
    first = [
        *_counted(numbers, "number", "numbers", _name),
        *([f"{heavy} by quantiles (heavy tails)"] if heavy else []),
        *_counted(booleans, "boolean", "booleans", _name),
        *_counted(dates, "date", "dates", _with_detail),
        *([f"{gaps} with gaps (filled with the median, and an indicator)"] if gaps else []),
    ]
    second = [
        *_counted([c for c in columns if isinstance(c, Ordered)], "ordered", "ordered", _with_detail),
        *_counted([c for c in columns if isinstance(c, Category)], "category", "categories", _with_detail),
    ]
    third = shortened([f"{name} ({reason})" for name, reason in preparation.left_out.items()])
    lines = "; ".join(first), "; ".join(second), f"left out: {third}" if third else ""
    return tuple(line for line in lines if line)


def _counted(columns: Sequence[Column], one: str, many: str, show: Callable[[Column], str]) -> list[str]:
    names = shortened([show(column) for column in columns])
    return [f"{len(columns)} {one if len(columns) == 1 else many}: {names}"] if columns else []


def _name(column: Column) -> str:
    return column.name


def _with_detail(column: Column) -> str:
    return f"{column.name} ({detail(column)})"


def detail(column: Column) -> str:
    """Return what a column became, in a few words.

    >>> detail(Category("kind", ("a", "b"), rare=True))
    '2 levels, rare ones'
    """
    if isinstance(column, Category):
        levels = f"{len(column.levels)} level{'s' * (len(column.levels) != 1)}"
        return ", ".join([levels, *["rare ones"] * column.rare, *["missing"] * column.missing])
    if isinstance(column, Ordered):
        return " < ".join(column.levels if len(column.levels) < 6 else (*column.levels[:2], "...", column.levels[-1]))
    if isinstance(column, Date):
        return ", ".join(("days", *column.cycles))
    if isinstance(column, LeftOut):
        return column.reason
    if isinstance(column, Quantiles):
        return "normal quantiles"
    return "0 or 1" if column.kind == "boolean" else "standardised"


def tabulate(preparation: Preparation) -> pd.DataFrame:
    """Return a row for each column of the table: column, became, detail, features, and how gaps are filled.

    >>> tabulate(Preparation((Number("width", 2.0, 0.5), LeftOut("id", "row numbers"))))
      column    became        detail  features    gaps
    0  width    number  standardised         1  filled
    1     id  left out   row numbers         0       -
    """
    rows = [
        (column.name, _became(column), detail(column), len(column.features), _gaps(column))
        for column in preparation.columns
    ]
    return pd.DataFrame(rows, columns=["column", "became", "detail", "features", "gaps"])


def _became(column: Column) -> str:
    if isinstance(column, Number | Quantiles):
        return "boolean" if column.kind == "boolean" else "number"
    return "left out" if isinstance(column, LeftOut) else type(column).__name__.lower()


def _gaps(column: Column) -> str:
    if isinstance(column, LeftOut):
        return "-"
    if isinstance(column, Category):
        return "a level" if column.missing else "rare" if column.rare else "no level"
    return "filled, indicator" if getattr(column, "indicator", False) else "filled"
