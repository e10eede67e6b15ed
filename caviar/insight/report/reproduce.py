"""What repeats a study: a command where one can say it all, else the lines of Python."""

import shlex
from typing import Any

from caviar.records.settings import Settings
from caviar.space.defaults import default_space
from caviar.study.halving import Halving

NAMES = ("metric", "mode", "trials", "waves", "seed", "epochs", "search", "same_shape", "confirm")


def command(settings: Settings) -> str:
    """What repeats the study: a command where its data are a file or built in and its space is the usual one."""
    data, stopping = settings.data, settings.early_stopping
    named = {None: "", Halving(): "halving", Halving(asynchronous=True): "asha"}
    usual = settings.space == default_space() and not settings.space.grow and settings.same_shape == 1
    if not (usual and stopping in named and ("csv" in data or "digits" in data)):
        return _python(settings)
    source = f"--data {shlex.quote(data['csv'])} --target {shlex.quote(data['target'])} " if "csv" in data else ""
    waves = settings.waves if isinstance(settings.waves, int | str) else ",".join(map(str, settings.waves))
    confirm = ",".join(map(str, settings.confirm)) if settings.confirm else "no"
    chosen = [f"--trials {settings.trials}", f"--seed {settings.seed}", f"--waves {waves}"]
    chosen += [f"--epochs {settings.epochs}", f"--search {settings.search}", f"--confirm {confirm}"]
    chosen += [f"--early-stopping {named[stopping]}"] if stopping else []
    chosen += [f"--metric {settings.metric}", f"--mode {settings.mode}"]
    return f"caviar run {source}{' '.join(chosen)}"


def _python(settings: Settings) -> str:
    """The lines that define the study and run it."""
    space = ["space = caviar.Space("]
    space += [f"    {name}={_pasted(value)}," for name, value in settings.space.hyperparameters.items()]
    space += [")", *(["space.grow = True"] if settings.space.grow else [])]
    values: dict[str, Any] = {name: getattr(settings, name) for name in NAMES}
    values["confirm"] = settings.confirm or False
    study = ["study = caviar.Study(", f"    {_source(settings)}", "    space=space,"]
    study += [f"    {name}={value!r}," for name, value in values.items()]
    study += [f"    early_stopping=caviar.{settings.early_stopping!r},"] if settings.early_stopping else []
    return "\n".join(["import caviar", "", *space, *study, ")", "study.run()"])


def _source(settings: Settings) -> str:
    """The first argument of the study, as far as it can be written down."""
    data = settings.data
    if "digits" in data:
        return "'digits',"
    if "csv" in data:
        return f"caviar.load_csv({data['csv']!r}, target={data['target']!r}, seed={data.get('seed', 0)!r}),"
    return f"...,  # {data.get('function') or 'the arrays that the study was given'}"


def _pasted(value: Any) -> str:
    """The repr of an entry of a space, as `import caviar` lets one write it."""
    text = f"caviar.{value!r}" if hasattr(value, "tier") else repr(value)
    for name in ("Space", "uniform", "loguniform", "reverseloguniform", "randint", "lograndint", "choice"):
        text = text.replace(f" {name}(", f" caviar.{name}(").replace(f"={name}(", f"=caviar.{name}(")
    return text
