"""The prices that a user gives: that of a trainer for an hour, or a file of instances, each with its own."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from caviar._checks import plain_number
from caviar._typed import typed
from caviar.errors import InputError
from caviar.files import reading

Price = float | str | Path

_EXAMPLE = "small = { trainers = 4, memory = 16e9, price = 0.2 }"


@dataclass(frozen=True)
class Instance:
    """A machine that can be rented.

    Args:
        name: how the user calls it.
        trainers: how many it is for, such as its cores, >= 1.
        memory: bytes, > 0.
        price: for an hour, >= 0.
    """

    name: str
    trainers: int
    memory: float
    price: float

    def __post_init__(self) -> None:
        if self.trainers < 1 or not 0 < self.memory < math.inf or not 0 <= self.price < math.inf:
            raise ValueError(f"{self.name} must have trainers >= 1, memory > 0 and price >= 0, got {self}")


def hourly_price(price: float | None) -> float | None:
    """Return the price of a trainer for an hour; raise InputError if it cannot be one."""
    number = plain_number(price)
    if price is not None and (number is None or not 0 <= number < math.inf):
        raise InputError(
            f"price must be that of a trainer for an hour, a number >= 0, or a TOML file of instances, got {price!r}; "
            "try price=0.38"
        )
    return number


def read_instances(path: str | Path) -> tuple[Instance, ...]:
    """Return the instances of a TOML file, a table each: trainers, memory in bytes, and price for an hour.

    Raises:
        InputError: there is no such file, or it does not hold instances.
        StorageError: it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"price must be a number >= 0 or a TOML file of instances, but there is no file {str(path)!r}")
    try:
        with reading(path):
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        if not tables:
            raise ValueError("it is empty")
        return tuple(_instance(name, table) for name, table in tables.items())
    except ValueError as error:
        raise InputError(f"{path} must hold instances ({error}); try {_EXAMPLE}") from None


def _instance(name: str, table: object) -> Instance:
    if not isinstance(table, dict):
        raise ValueError(f"{name} is not a table")
    if "name" in table:
        raise ValueError("an Instance has no 'name' but that of its table")
    return typed(Instance, {**table, "name": name})
