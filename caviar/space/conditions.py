"""Sub-spaces: an option of a choice may have hyperparameters that are active only under it.

Everything here takes plain mappings from names to hyperparameters or constants, in the order of the names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from caviar.errors import InputError
from caviar.space.hyperparameters import Choice, Hyperparameter, Option, SubSpace


@dataclass(frozen=True)
class Dimension:
    """One coordinate of the unit cube: a hyperparameter with more than one value.

    Args:
        name: the hyperparameter's name.
        hyperparameter: its kind and range.
        parent: the index of the coordinate of its parent choice; None at the top level.
        option: the index of that choice's option under which it is active.

    >>> from caviar.space.constructors import uniform
    >>> Dimension("momentum", uniform(0, 1)).parent is None
    True
    """

    name: str
    hyperparameter: Hyperparameter
    parent: int | None = None
    option: int | None = None


def dimensions_of(space: SubSpace) -> tuple[Dimension, ...]:
    """Return the coordinates of a space, parents before their children; raise InputError if a name could occur twice.

    >>> [dimension.name for dimension in dimensions_of({"x": Choice((1, 2)), "y": 3})]
    ['x']
    """
    dimensions: list[Dimension] = []

    def visit(entries: SubSpace, parent: int | None, option: int | None, taken: frozenset[str]) -> None:
        for name, value in entries.items():
            if name in taken:
                raise InputError(f"hyperparameter {name!r} could appear in a config twice; rename one of them")
            if is_constant(value):
                continue
            dimensions.append(Dimension(name, value, parent, option))
            index = len(dimensions) - 1
            siblings = {n for other, v in entries.items() if other != name for s in _sub_spaces(v) for n in names_of(s)}
            for i, space in enumerate(value.spaces if isinstance(value, Choice) else ()):
                if space is not None:
                    visit(space, index, i, taken | frozenset(entries) | siblings)

    visit(space, None, None, frozenset())
    return tuple(dimensions)


def names_of(space: SubSpace) -> Iterator[str]:
    """Yield every name that a config may have; a name under several options is yielded several times."""
    for name, value in space.items():
        yield name
        for sub_space in _sub_spaces(value):
            yield from names_of(sub_space)


def config_items(space: SubSpace, active: Mapping[str, Option]) -> Iterator[tuple[str, Option]]:
    """Yield the names and values of a config, in the order of its space, from the values of its active coordinates."""
    for name, value in space.items():
        chosen = constant_of(value) if is_constant(value) else active[name]
        yield name, chosen
        if _sub_spaces(value) and (sub_space := value.spaces[value.index(chosen)]):
            yield from config_items(sub_space, active)


def values_in(space: SubSpace) -> Iterator[tuple[str, Option]]:
    """Yield the name and value of each constant and each option, at any depth."""
    for name, value in space.items():
        if isinstance(value, Choice):
            yield from ((name, option) for option in value.options)
        elif not isinstance(value, Hyperparameter):
            yield name, value
        for sub_space in _sub_spaces(value):
            yield from values_in(sub_space)


def _sub_spaces(value: Option) -> list[SubSpace]:
    return [space for space in value.spaces if space is not None] if isinstance(value, Choice) else []


def is_constant(value: Option) -> bool:
    """Return whether an entry of a space has only one value."""
    return not isinstance(value, Hyperparameter) or (value.levels == 1 and not _sub_spaces(value))


def constant_of(value: Option) -> Option:
    """Return the only value of an entry."""
    if not isinstance(value, Hyperparameter):
        return value
    return value.options[0] if isinstance(value, Choice) else value.low
