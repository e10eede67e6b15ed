"""What a study was forecast to cost, as a value and as a file in its folder, beside what its runs have taken."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caviar._typed import typed
from caviar.errors import StorageError
from caviar.files import reading, write_atomically
from caviar.records.plain import number
from caviar.records.settings import Settings
from caviar.records.span import Span, duration

if TYPE_CHECKING:
    import pandas as pd

FORECAST = "forecast.json"


@dataclass(frozen=True)
class InstanceCost:
    """What a study is likely to cost on one machine of a user's table, if its cores are as fast as those that measured.

    Args:
        name: of the machine.
        trainers: how many it has.
        memory: bytes that it has.
        needed: bytes that its trainers and the driver are likely to take.
        minutes: of wall time.
        money: for them.
    """

    name: str
    trainers: int
    memory: int
    needed: int
    minutes: Span
    money: Span

    @property
    def fits(self) -> bool:
        """Whether its memory suffices."""
        return self.needed <= self.memory

    def __str__(self) -> str:
        words = f"{duration(self.minutes.times(60))}; money {self.money.words}"
        if self.fits:
            return words
        return f"{words}, but it needs {format_bytes(self.needed)} of memory and has {format_bytes(self.memory)}"


@dataclass(frozen=True)
class CostForecast:
    """What a study is likely to cost, from `Study.forecast`. Intervals hold the truth for 80% of studies.

    Args:
        name: of the study.
        trials: how many it will have, with those that confirm others.
        workers: how many trainers there are.
        minutes: of wall time, from the launch to the end.
        core_hours: of training.
        trainer_bytes: the most memory of a trainer, or of the process of a trial; 0 where the system does not say.
        driver_bytes: the same of the driver.
        disk_bytes: of the study's folder, without what trials keep themselves.
        price: of a trainer for an hour; None: none was given.
        money: that all trainers cost from the launch to the end; None without a price.
        twice_the_workers: minutes with twice as many, if each has a core of its own.
        with_halving: minutes with early_stopping="halving"; None where that does not apply.
        measured: what was trained for a moment, in words.
        warnings: sentences.
        instances: the machines of the file that was passed as a price, in its order.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> forecast = study.forecast(price=0.38)
    >>> forecast.trials, forecast.minutes.low < forecast.minutes.high < 1
    (4, True)
    """

    name: str
    trials: int
    workers: int
    minutes: Span
    core_hours: Span
    trainer_bytes: int
    driver_bytes: int
    disk_bytes: int
    price: float | None
    money: Span | None
    twice_the_workers: Span
    with_halving: Span | None
    measured: str
    warnings: tuple[str, ...]
    instances: tuple[InstanceCost, ...] = ()

    @property
    def cheapest(self) -> InstanceCost | None:
        """The instance that is likely to cost least, of those whose memory suffices; None: there is none."""
        enough = [instance for instance in self.instances if instance.fits]
        return min(enough, key=lambda instance: instance.money.median, default=None)

    def __str__(self) -> str:
        trainers = f"{self.workers} trainer{'s' * (self.workers > 1)}"
        head = f"{self.trials} trials of {self.name} on {trainers}, with the interval of 80% of studies"
        width = max(len(name) for name, _ in self._lines())
        lines = [f"  {name:<{width}}  {words}" for name, words in self._lines()]
        return "\n".join([head, *lines, f"  measured: {self.measured}", *(f"  note: {text}" for text in self.warnings)])

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Yield each quantity and its words."""
        yield "time", duration(self.minutes.times(60))
        yield "training", f"{duration(self.core_hours.times(3600))} of a core"
        if self.money is not None:
            yield "money", f"{self.money.words} at {self.price:g} for an hour of a trainer"
        if self.trainer_bytes:
            memory = (format_bytes(self.trainer_bytes), format_bytes(self.driver_bytes))
            yield "memory", f"{memory[0]} for a trainer, {memory[1]} for the driver"
        yield "disk", format_bytes(self.disk_bytes)
        yield f"time with {2 * self.workers} trainers", duration(self.twice_the_workers.times(60))
        if self.with_halving is not None:
            yield "time with halving", duration(self.with_halving.times(60))
        for instance in self.instances:
            trainers = f"{instance.trainers} trainer{'s' * (instance.trainers > 1)}"
            yield f"on {instance.name}, {trainers}", f"{instance}{', the cheapest' * (instance is self.cheapest)}"

    def table(self) -> "pd.DataFrame":
        """Return a row for each quantity: its unit, its median, and the bounds of the interval where it has one."""
        import pandas as pd  # slow to import

        spans = {
            "minutes": self.minutes,
            "core_hours": self.core_hours,
            "money": self.money,
            "minutes, twice the workers": self.twice_the_workers,
            "minutes, with halving": self.with_halving,
            **{f"minutes, {instance.name}": instance.minutes for instance in self.instances},
            **{f"money, {instance.name}": instance.money for instance in self.instances},
        }
        rows: list[tuple[str, float, float | None, float | None]] = [
            (name, span.median, span.low, span.high) for name, span in spans.items() if span is not None
        ]
        sizes = {"bytes of a trainer": self.trainer_bytes, "bytes of the driver": self.driver_bytes}
        rows += [(name, size, None, None) for name, size in {**sizes, "bytes on disk": self.disk_bytes}.items()]
        return pd.DataFrame(rows, columns=["quantity", "median", "low", "high"])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def fingerprint(settings: Settings) -> str:
    """Return a hash of the settings that a forecast is about."""
    return hashlib.sha256(json.dumps(settings.to_plain(), sort_keys=True, default=str).encode()).hexdigest()


def forecast_file(forecast: CostForecast, settings: Settings) -> bytes:
    """Return the content of the file that keeps a forecast of a study with these settings."""
    return json.dumps({"settings": fingerprint(settings), "forecast": asdict(forecast)}, indent=1).encode()


def add_run(folder: Path, seconds: float) -> None:
    """Add what a run has taken to the forecast in a study's folder, if there is one that can be read."""
    with contextlib.suppress(StorageError, ValueError):
        if (plain := _read(folder)) is not None:
            plain["seconds"] = number(plain.get("seconds", 0.0)) + seconds
            write_atomically(folder / FORECAST, json.dumps(plain, indent=1).encode())


def read_forecast(folder: Path, settings: Settings) -> tuple[CostForecast, float] | None:
    """Return the forecast in a study's folder and the seconds that its runs have taken.

    None if there is no forecast, or it is about other settings. Raises StorageError for a damaged file.
    """
    plain = _read(folder)
    if plain is None or plain.get("settings") != fingerprint(settings):
        return None
    try:
        values: Mapping[str, Any] = plain["forecast"]
        spans = {name: Span(*map(number, values[name])) for name in _SPANS if values[name] is not None}
        tuples = {
            "warnings": tuple(values["warnings"]),
            "instances": tuple(map(_instance, values.get("instances", ()))),  # earlier versions knew none
        }
        forecast = typed(CostForecast, {**values, **spans, **tuples})
        return forecast, number(plain.get("seconds", 0.0))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{folder / FORECAST} is damaged ({error}); remove it") from None


def _instance(plain: Mapping[str, Any]) -> InstanceCost:
    spans = {name: Span(*map(number, plain[name])) for name in ("minutes", "money")}
    return typed(InstanceCost, {**plain, **spans})


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / FORECAST
    if not path.exists():
        return None
    try:
        with reading(path):
            plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StorageError(f"{path} is damaged ({error}); remove it") from None
    return plain if isinstance(plain, dict) else None


_SPANS = tuple(field.name for field in fields(CostForecast) if "Span" in str(field.type))


def format_bytes(number: float) -> str:
    """Return a number of bytes with two significant digits and a unit.

    >>> format_bytes(4.02e9), format_bytes(350_000)
    ('4 GB', '350 kB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{float(f'{number / size:.2g}'):g} {unit}"
    return f"{number:g} bytes"
