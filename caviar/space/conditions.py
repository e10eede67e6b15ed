"""A space as a tree: choices may open sub-spaces, whose hyperparameters are in force under one option only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caviar.errors import InputError
from caviar.space.hyperparameters import Choice, Hyperparameter, Integer, Real

if TYPE_CHECKING:
    from caviar.space.space import Space


@dataclass(frozen=True)
class Dimension:
    """One coordinate of the unit cube: a hyperparameter with more than one value, and when it counts."""

    name: str
    hyperparameter: Hyperparameter
    parent: int | None = None  # the coordinate of the choice that it lives under
    option: int | None = None  # the index of the option of that choice


def _single(value: Any) -> bool:
    """Whether an entry of a space can only ever have one value."""
    return not isinstance(value, Hyperparameter) or (value.levels == 1 and not any(getattr(value, "spaces", ())))


def _only(value: Any) -> Any:
    """The value of an entry that has only one."""
    return value.options[0] if isinstance(value, Choice) else value.low if isinstance(value, Real | Integer) else value


def dimensions_of(space: "Space") -> list[Dimension]:
    """The coordinates of a space, parents before their children."""
    found: list[Dimension] = []

    def visit(inner: "Space", parent: int | None, option: int | None, outer: frozenset[str]) -> None:
        for name, value in inner.hyperparameters.items():
            if name in outer:
                raise InputError(f"the hyperparameter {name!r} could be in force twice in one config; rename one")
            if not _single(value):
                found.append(Dimension(name, value, parent, option))
                here = len(found) - 1
                beside = {n for other, v in inner.hyperparameters.items() if other != name for n in _under(v)}
                for i, under in enumerate(getattr(value, "spaces", ())):
                    if under is not None:
                        visit(under, here, i, outer | frozenset(inner.hyperparameters) | beside)

    visit(space, None, None, frozenset())
    return found


def _under(value: Any) -> tuple[str, ...]:
    """The names that live under the options of a choice."""
    return tuple(name for under in getattr(value, "spaces", ()) if under is not None for name in under.names)


def names_of(space: "Space") -> Iterator[str]:
    """Every name that a config may have; one under several options comes several times."""
    for name, value in space.hyperparameters.items():
        yield name
        for under in getattr(value, "spaces", ()):
            yield from names_of(under) if under is not None else ()


def filled(space: "Space", alive: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The pairs of a config in the order of the space, from the values of the coordinates that count."""
    for name, value in space.hyperparameters.items():
        chosen = _only(value) if _single(value) else alive[name]
        yield name, chosen
        if isinstance(value, Choice) and any(value.spaces):
            under = value.spaces[value.index(chosen)]
            yield from filled(under, alive) if under is not None else ()
