"""How the values of options are parsed, with the words that they may be."""

import contextlib

import click

from caviar.errors import InputError

# as in the modules that check them, which are slow to import
SEARCHES = ("coarse-to-fine", "random", "sobol", "grid")
EARLY_STOPPING = ("halving", "asha")
STOP = ("worth", "plateau")
VALIDATION = ("fraction", "folds", "group", "time", "column", "table")


def parse_workers(context: click.Context, option: click.Parameter, value: str) -> int | str:
    """Return "auto" or a number."""
    try:
        return value if value == "auto" else int(value)
    except ValueError:
        raise InputError(f"--workers must be 'auto' or an integer >= 0, got {value!r}; try --workers 4") from None


def parse_waves(context: click.Context, option: click.Parameter, value: str) -> int | str | tuple[int, ...]:
    """Return a word, a number, or the sizes of the waves."""
    if value in ("auto", "continuous"):
        return value
    try:
        sizes = tuple(map(int, value.split(",")))
    except ValueError:
        kinds = "'auto', 'continuous', a number or the sizes of the waves"
        raise InputError(f"--waves must be {kinds}, got {value!r}; try --waves 3 or --waves 64,32,32") from None
    return sizes if len(sizes) > 1 else sizes[0]


def parse_confirm(context: click.Context, option: click.Parameter, value: str) -> bool | str | tuple[int, int]:
    """Return "auto", False for "no", or how many trials are trained again and how often."""
    if value == "auto":
        return value
    if value == "no":
        return False
    try:
        top, replicates = map(int, value.split(","))
    except ValueError:
        raise InputError(
            f"--confirm must be 'auto', 'no' or TOP,REPLICATES, got {value!r}; try --confirm 3,4"
        ) from None
    return top, replicates


def parse_stop(context: click.Context, option: click.Parameter, value: str | None) -> str | dict[str, float] | None:
    """Return a word, or a dict of NAME=NUMBER."""
    if value is None or "=" not in value:
        return value
    pairs = [(name.strip(), parse_number(text)) for name, _, text in (pair.partition("=") for pair in value.split(","))]
    numbers = {name: number for name, number in pairs if number is not None}
    if len(numbers) < len(pairs):
        raise InputError(
            f"--stop must be worth, plateau or NAME=NUMBER,..., got {value!r}; try --stop val_accuracy=0.98"
        )
    return numbers


def parse_number(text: str) -> int | float | None:
    """Return an integer or a float; None for any other text."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return None


def parse_validation(
    context: click.Context, option: click.Parameter, value: str | None
) -> float | str | dict[str, object] | None:
    """Return a fraction, a number of folds, a dict of NAME=VALUE, or the path of a table."""
    if value is None:
        return None
    if (number := parse_number(value)) is not None:
        return number
    pairs = [pair.partition("=") for pair in value.split(",")]
    if all(name in VALIDATION for name, _, _ in pairs):
        return {name: text if (number := parse_number(text)) is None else number for name, _, text in pairs}
    return value


def parse_columns(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str | list[str]] | None:
    """Return what columns are to become, by name; words with commas between them are levels in order."""
    pairs = [value.rpartition("=") for value in values]
    for (name, _, word), value in zip(pairs, values, strict=True):
        if not name or not word:
            raise InputError(f"--column must be NAME=WORD or NAME=LEVEL,LEVEL,..., got {value!r}; try --column id=drop")
    return {name: word.split(",") if "," in word else word for name, _, word in pairs} or None


def parse_class_weight(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | dict[str, float] | None:
    """Return a word, or a dict of LABEL=WEIGHT."""
    if value is None or "=" not in value:
        return value
    try:
        pairs = [pair.rpartition("=") for pair in value.split(",")]
        return {label: float(weight) for label, _, weight in pairs}
    except ValueError:
        raise InputError(
            f"--class-weight must be 'balanced' or LABEL=WEIGHT,..., got {value!r}; try --class-weight yes=10,no=1"
        ) from None


def parse_separator(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return a character; a tab as shells pass it on is one."""
    return "\t" if value == r"\t" else value


def parse_names(context: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    """Return the names between commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip())
