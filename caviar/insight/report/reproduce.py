"""How to reproduce a study: with a command if one can express it, otherwise with Python."""

import re
import shlex
from collections.abc import Sequence

import pandas as pd

from caviar.data.source import Source, SourceKind
from caviar.records.early_stopping import KINDS, Halving
from caviar.records.outcome import Outcome
from caviar.records.settings import Settings
from caviar.records.stopping import as_written
from caviar.space.defaults import default_space
from caviar.space.references import named
from caviar.space.space import argument_code

# what the command can express
EARLY_STOPPING: dict[Halving | None, str] = {None: "", **{value: name for name, value in KINDS.items()}}
SPACE = ("choice", "constant", "distribution", "lograndint", "loguniform", "randint", "reverseloguniform", "uniform")
PUBLIC = ("Halving", "Space", "Study", "load_table", "program", *SPACE)


def reproduction(settings: Settings, extended: Sequence[int] = ()) -> str:
    """Return the command or the Python code that reproduces a study.

    It is a command if the data are built in or a table without options, the space is the default one, and no setting
    needs Python.

    Args:
        settings: as it began.
        extended: by how many trials it was extended, each time.
    """
    source, options = settings.source, _arguments(settings)
    if (
        source.kind not in (SourceKind.DIGITS, SourceKind.TABLE)
        or source.options
        or source.seed != 0
        or settings.space != default_space()
        or settings.grow
        or settings.early_stopping not in EARLY_STOPPING
        or extended
    ):
        return _python(settings, extended)
    if source.kind is SourceKind.TABLE:
        task = {"task": source.task} if source.task else {}
        options = {"data": source.path, "target": source.target, **task, **options}
    if settings.early_stopping:
        options["early_stopping"] = EARLY_STOPPING[settings.early_stopping]
    words = ["caviar", "run"]
    for name, value in options.items():
        items = [f"{n}={v}" for n, v in value.items()] if isinstance(value, dict) else value
        text = ",".join(map(str, items)) if isinstance(items, tuple | list) else str(value)
        words += [f"--{name.replace('_', '-')}", "no" if value is False else text]
    return shlex.join(words)


def settings_table(outcome: Outcome) -> pd.DataFrame:
    """Return the settings, the space and the versions of a study, a row each, as strings."""
    settings = outcome.settings
    data = ", ".join(f"{name}: {value}" for name, value in settings.source.to_plain().items())
    rows = {"name": settings.name, "data": data, **_arguments(settings)}
    rows |= {f"space: {name}": repr(named(value)) for name, value in settings.space.items()}
    rows |= {f"version of {name}": version for name, version in outcome.versions.items()}
    return pd.DataFrame([(name, str(value)) for name, value in rows.items()], columns=["setting", "value"])


def _arguments(settings: Settings) -> dict[str, object]:
    """Return the arguments of `Study` after its data and its space."""
    budget, confirm = settings.budget, settings.confirm
    arguments = {
        "metric": settings.objective.metric,
        "mode": settings.objective.mode,
        "trials": budget.trials,
        "waves": budget.waves,
        "seed": budget.seed,
        "epochs": settings.epochs,
        "search": settings.search,
        "confirm": (confirm.top, confirm.replicates) if confirm else False,
    }
    rare: dict[str, object] = {
        "metrics": settings.metrics,
        "early_stopping": settings.early_stopping,
        "grow": settings.grow,
    }
    if settings.stop:
        rare["stop"] = as_written(settings.stop, settings.objective)
    return arguments | {name: value for name, value in rare.items() if value}


def _python(settings: Settings, extended: Sequence[int]) -> str:
    space = [f"    {argument_code(name, value)}," for name, value in settings.space.items()]
    arguments = [f"    {name}={value!r}," for name, value in _arguments(settings).items()]
    study = ["study = Study(", f"    {_data_argument(settings.source)}", "    space=space,", *arguments, ")"]
    more = [f"study.extend(trials={trials})\nstudy.run()" for trials in extended]
    code = "\n".join(["space = Space(", *space, ")", *study, "study.run()", *more])
    called = set(re.findall(r"\w+(?=\()", code))  # may include too many names if a string looks like a call
    return f"from caviar import {', '.join(name for name in PUBLIC if name in called)}\n\n{code}"


def _data_argument(source: Source) -> str:
    """Return the first argument of the study; `...` if it cannot be written as code."""
    match source.kind:
        case SourceKind.DIGITS:
            return "'digits',"
        case SourceKind.TABLE | SourceKind.CSV:
            given = {"target": source.target, "task": source.task, **source.options, "seed": source.seed}
            arguments = [f"{name}={value!r}" for name, value in given.items() if value is not None]
            return f"load_table({', '.join([repr(source.path), *arguments])}),"
        case SourceKind.FUNCTION:
            return f"...,  # the function {source.function}"
        case SourceKind.COMMAND:
            return f"program({source.command!r}, working_folder={source.path!r}),"
        case SourceKind.ARRAYS:
            return "...,  # the arrays of the study"
