"""What a diagnosis is: findings, each a sentence with the trials that it is about and what to do."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from html import escape

import pandas as pd


class Kind(StrEnum):
    """What can be wrong with a study or a trial."""

    FAILED = "failed"  # trials raised errors, or lost their workers
    TIMED_OUT = "timed out"
    DIVERGED = "diverged"
    EDGE = "broken beyond an edge"  # trials fail or diverge on one side of a value of a hyperparameter
    NOT_LEARNING = "not learning"  # the training loss does not fall
    DEAD_UNITS = "dead units"  # nearly all ReLU units of a layer are 0 for every row
    TOO_SHORT = "too short"  # still improving when training ends
    OVERFITTING = "over-fitting"  # training goes on improving, validation gets worse
    SMALL_BATCHES = "batches too small"  # for batch norm
    CONSTANT = "constant metric"
    SATURATED = "saturated metric"  # many trials share the best value
    FEW_ROWS = "too few validation rows"  # to tell the best trial from an ordinary one
    NOISE = "noise"  # as large as what hyperparameters change
    LOSING_OPTION = "an option never wins"
    BOUND = "the best lies at a bound"
    NO_INFLUENCE = "no influence"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Args:
        kind: what it is.
        sentence: it, with its numbers.
        remedy: what to do.
        trials: the numbers of the trials that show it; () if all of them do together.
        hyperparameter: the one that it is about; "" if it is about none.
        value: its number, if it has one: an edge, a bound, an epoch, a standard deviation, rows.
        low, high: a 95% interval of the value, if it has one.
    """

    kind: Kind
    sentence: str
    remedy: str
    trials: tuple[int, ...] = ()
    hyperparameter: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}"


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a study or a trial; `str()` of it is a line for each finding.

    Args:
        subject: the study or the trial, in words.
        findings: what was found, the gravest first.
        unseen: what could not be looked at, and why, a sentence each.
    """

    subject: str
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.subject}: no problems were found"
        return "\n".join(f"{self.subject}: {finding}" for finding in self.findings)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that were found, each once."""
        return tuple(dict.fromkeys(finding.kind for finding in self.findings))

    def table(self) -> pd.DataFrame:
        """Return a row for each finding: kind, hyperparameter, value, low, high, trials (a count), sentence, remedy."""
        columns = ("kind", "hyperparameter", "value", "low", "high", "trials", "sentence", "remedy")
        rows = [{**asdict(f), "kind": str(f.kind), "trials": len(f.trials)} for f in self.findings]
        return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=list(columns))

    def _repr_html_(self) -> str:
        lines = [f"<li>{escape(str(finding))}</li>" for finding in self.findings]
        nothing = "" if lines else "<p>No problems were found.</p>"
        return f"<p><b>{escape(self.subject)}</b></p><ul>{''.join(lines)}</ul>{nothing}"
