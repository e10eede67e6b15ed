"""The studies on one side of a comparison: one, several, or all of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from caviar._checks import check_path
from caviar.errors import InputError
from caviar.files import is_uri
from caviar.insight.incumbents import Incumbents, incumbents_of
from caviar.records import journal
from caviar.records.outcome import AnyStudy, Outcome, outcome_of
from caviar.space.scales import Array

Studies = AnyStudy | Sequence[AnyStudy]


@dataclass(frozen=True, eq=False)
class StudyGroup:
    """Studies of a kind, and what to call them."""

    name: str
    outcomes: tuple[Outcome, ...]

    @cached_property
    def incumbents(self) -> tuple[Incumbents, ...]:
        """How far each study had come after so many trials."""
        return tuple(map(incumbents_of, self.outcomes))

    @property
    def winners(self) -> Array:
        """What the winner of each study would reach if it were trained again, shape (k,)."""
        return np.array([incumbents.winner.mean for incumbents in self.incumbents])

    @property
    def by_seed(self) -> dict[int, int]:
        """The index of each study by its seed; {} if two have the same."""
        seeds = {outcome.settings.budget.seed: index for index, outcome in enumerate(self.outcomes)}
        return seeds if len(seeds) == len(self.outcomes) else {}


def study_groups(a: Studies, b: Studies) -> tuple[StudyGroup, StudyGroup]:
    """Return the studies on both sides, under the names of their folders, or "a" and "b"; InputError if there are none.

    >>> study_groups("nowhere", "nowhere")
    Traceback (most recent call last):
    caviar.errors.InputError: a must be the folder of a study or of several, got 'nowhere', which holds none
    """
    groups = [_group(name, given) for name, given in (("a", a), ("b", b))]
    if groups[0].name == groups[1].name:
        groups = [StudyGroup(name, group.outcomes) for name, group in zip("ab", groups, strict=True)]
    return groups[0], groups[1]


def _group(name: str, given: Studies) -> StudyGroup:
    if isinstance(given, str | Path):
        return StudyGroup(Path(given).name, _read(name, check_path(name, given)))
    if not isinstance(given, Sequence):
        outcome = outcome_of(given)
        return StudyGroup(outcome.folder.name, (outcome,))
    outcomes = tuple(found for one in given for found in _group(name, one).outcomes)
    if not outcomes:
        raise InputError(f"{name} must hold at least one study, got {given!r}")
    return StudyGroup(name, outcomes)


def _read(name: str, where: str | Path) -> tuple[Outcome, ...]:
    """Read a study, or every study directly in a folder, by name."""
    if is_uri(where) or journal.holds_study(Path(where)):
        return (Outcome.read(where),)
    if not holds_studies(where):
        raise InputError(f"{name} must be the folder of a study or of several, got {str(where)!r}, which holds none")
    return tuple(map(Outcome.read, _folders(where)))


def holds_studies(where: str | Path) -> bool:
    """Return whether a folder is not a study, but holds some."""
    return not is_uri(where) and not journal.holds_study(Path(where)) and bool(_folders(where))


def _folders(where: str | Path) -> list[Path]:
    return sorted(path.parent for path in Path(where).glob(f"*/{journal.NAME}") if journal.holds_study(path.parent))
