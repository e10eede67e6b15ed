"""What a study was forecast to cost, beside what it cost."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from caviar.records.cost import CostForecast, read_forecast
from caviar.records.outcome import AnyStudy, outcome_of
from caviar.records.span import Span, duration


@dataclass(frozen=True)
class CostComparison:
    """A forecast, and the truth so far.

    Args:
        forecast: before the study began.
        minutes: of wall time that its runs have taken.
        core_hours: that its trials have trained, if each had one core.
        disk_bytes: of its folder, without what trials and reports keep there.
        has_ended: whether all of its trials have.
    """

    forecast: CostForecast
    minutes: float
    core_hours: float
    disk_bytes: int
    has_ended: bool

    @property
    def is_inside(self) -> bool:
        """Whether the time lies in the forecast's interval."""
        return self.forecast.minutes.holds(self.minutes)

    def __str__(self) -> str:
        said, took = duration(self.forecast.minutes.times(60)), _alone(self.minutes * 60)
        if not self.has_ended:
            return f"forecast to take {said}; so far it has taken {took}"
        where = "inside" if self.is_inside else "outside"
        return f"forecast to take {said}; it took {took}, {where} the 80% interval"

    def table(self) -> pd.DataFrame:
        """Return a row for each quantity: its forecast, the bounds of the interval where it has one, and the truth."""
        said = self.forecast
        rows: list[tuple[str, float, float | None, float | None, float]] = [
            ("minutes", said.minutes.median, said.minutes.low, said.minutes.high, self.minutes),
            ("core_hours", said.core_hours.median, said.core_hours.low, said.core_hours.high, self.core_hours),
            ("bytes on disk", said.disk_bytes, None, None, self.disk_bytes),
        ]
        if said.money is not None and said.price is not None:
            money = said.price * said.workers * self.minutes / 60
            rows.insert(2, ("money", said.money.median, said.money.low, said.money.high, money))
        return pd.DataFrame(rows, columns=["quantity", "forecast", "low", "high", "truth"])

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.table().to_html(index=False, border=0, float_format='{:.3g}'.format)}"


def compare_cost(study: AnyStudy) -> CostComparison | None:
    """Return the forecast of a study beside the truth; None if it was not forecast before its first run.

    Args:
        study: a study, its outcome or its folder.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> _ = study.forecast(), study.run(progress=False)
    >>> compare_cost(study.outcome).has_ended
    True
    """
    outcome = outcome_of(study)
    found = read_forecast(outcome.folder, outcome.began or outcome.settings)
    if found is None or not outcome.begun:
        return None
    forecast, seconds = found
    trained = sum(result.seconds for result in outcome.results)
    return CostComparison(
        forecast,
        minutes=seconds / 60,
        core_hours=trained / 3600,
        disk_bytes=_disk_bytes(outcome.folder),
        has_ended=len(outcome.results) >= outcome.total,
    )


def _disk_bytes(folder: Path) -> int:
    """Return the bytes of the journal, the tables and the models."""
    files = [folder / "journal.jsonl", *folder.glob("*.csv"), *(folder / "models").glob("*")]
    return sum(file.stat().st_size for file in files if file.is_file())


def _alone(seconds: float) -> str:
    """Return a known time in words."""
    return duration(Span(seconds, seconds, seconds)).partition(" (")[0]
