"""A column of a table before it is prepared, and what is said about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from caviar._interface import setting
from caviar.data.preparation.cells import Kind
from caviar.data.preparation.preparation import shortened

EMPTY = "empty in every training row"
CONSTANT = "the same value in every training row"


@dataclass(frozen=True)
class Raw:
    """A column of a table.

    Args:
        name: of the column.
        position: in the table.
        kind: of its cells.
        wish: the user's word for it, or "".
        order: of its levels; (): they have none.
        categorical: whether the table says that its cells are levels.
    """

    name: str
    position: int
    kind: Kind
    wish: str = ""
    order: tuple[str, ...] = ()
    categorical: bool = False


@dataclass(frozen=True)
class Note:
    """What is said about a column; `word` is what undoes it, with the verb for what the word does."""

    name: str
    text: str
    word: str = ""
    effect: str = ""


def sentences(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return a sentence for each thing that is said, with all the columns of which it is said.

    >>> sentences([Note("a", "left out", "keep", "keeps it"), Note("b", "left out", "keep", "keeps it")])
    ('a, b: left out; columns={"a": "keep"} keeps it',)
    """
    names: dict[Note, list[str]] = {}
    for note in notes:
        names.setdefault(Note("", note.text, note.word, note.effect), []).append(note.name)
    return tuple(
        f"{shortened(group)}: {said.text}"
        + (f"; {setting('columns', {group[0]: said.word})} {said.effect}" if said.word else "")
        for said, group in names.items()
    )
