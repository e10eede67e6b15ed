"""From the arguments of a `Study` to its settings and its folder."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caviar.records.early_stopping import Halving, confirm_from, halving_from
from caviar.records.journal import local_folder
from caviar.records.objective import Mode
from caviar.records.settings import Settings
from caviar.search import Budget
from caviar.search.schedule import Waves
from caviar.study.target import Target


def settings_from(
    target: Target,
    *,
    name: str | None,
    space: Mapping[str, Any] | None,
    metric: str | None,
    mode: Mode | None,
    trials: int,
    waves: Waves,
    seed: int,
    epochs: int,
    search: str,
    grow: bool,
    early_stopping: Halving | str | None,
    confirm: bool | str | tuple[int, int],
) -> Settings:
    """Return the settings of a study; see `Study` for the arguments."""
    objective = target.objective(metric, mode)
    settings = Settings(
        name=target.name if name is None else name,
        source=target.source,
        space=target.space(space),
        objective=objective,
        budget=Budget(trials, tuple(waves) if isinstance(waves, list) else waves, seed),
        epochs=epochs,
        search=search,
        grow=grow,
        confirm=confirm_from(confirm, trials, target.seeded),
        early_stopping=halving_from(early_stopping),
    )
    settings.new_search()  # raises for waves that the space and the trials do not allow
    return settings


def study_folder(out: str | Path | None, name: str) -> Path:
    """Return the folder of a new study: the given one, that of a URI, or `runs/NAME-TIME`."""
    if out is not None:
        return local_folder(out)
    stem = Path("runs") / f"{path_name(name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    candidates = [stem, *(stem.with_name(f"{stem.name}-{i}") for i in range(2, 1000))]
    return next(folder for folder in candidates if not folder.exists())


def path_name(name: str) -> str:
    """Return a name as a part of a path.

    >>> path_name("my data/v2")
    'my-data-v2'
    """
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name) or "study"
