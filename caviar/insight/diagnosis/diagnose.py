"""Diagnose a study or a trial: what went wrong, in sentences, with what to do."""

from collections.abc import Iterator

import numpy as np

from caviar.errors import InputError
from caviar.insight.diagnosis.curves import LEAST_REPORTS, from_curve, from_curves
from caviar.insight.diagnosis.edges import from_state, from_states
from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.finding import Diagnosis, Finding, Kind
from caviar.insight.diagnosis.hyperparameters import SMALL_BATCH, from_hyperparameters, has_small_batches
from caviar.insight.diagnosis.metric import from_metric, indistinguishable
from caviar.insight.diagnosis.units import from_units, of_units
from caviar.records.outcome import AnyStudy, outcome_of

_NO_UNITS = "dead units: they are counted when networks of ReLU units have trained to their end"
_SHORT_CURVES = f"over-fitting and the number of epochs: curves have fewer than {LEAST_REPORTS} reports"
_NO_CHANCE_LOSS = (
    "trials that do not learn: what predictions without columns lose is known when a study of data has ended"
)
_NO_TRAINING_LOSS = "over-fitting: trials report no train_loss with a validation loss"


def diagnose(study: AnyStudy, trial: int | None = None) -> Diagnosis:
    """Say what went wrong in a study, or in a trial of it, and what to do.

    Every finding passes a statistical test at the level 1%, or is a fact such as an error; so a sound study has none in
    most cases, and a small one has few.

    Args:
        study: a study, its outcome or its folder, with at least one trial that has ended.
        trial: the number of the trial; None: the study.

    Raises:
        InputError: no trial, or none of that number, has ended.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> diagnose(study.outcome).findings
    ()
    """
    outcome = outcome_of(study)
    if not outcome.results:
        raise InputError(
            f"a diagnosis needs a trial that has ended, got none in {outcome.folder}; try running the study"
        )
    evidence = Evidence(outcome)
    if trial is None:
        subject = outcome.settings.name
        blind = tuple(from_metric(evidence))  # a metric that cannot tell trials apart says nothing of hyperparameters
        findings = (*from_states(evidence), *blind, *from_curves(evidence))
        findings += () if blind else (*from_units(evidence), *from_hyperparameters(evidence))
    else:
        confirms = outcome.trial(trial).confirms  # what is known is about the trial that it trains again
        subject = f"trial {trial}" + ("" if confirms is None else f", which confirms {confirms}")
        findings = tuple(_of_trial(evidence, trial if confirms is None else confirms))
    return Diagnosis(subject, findings, tuple(_unseen(evidence)))


def _of_trial(evidence: Evidence, trial: int) -> Iterator[Finding]:
    yield from from_state(evidence, trial)
    yield from from_curve(evidence, trial)
    yield from of_units(evidence, trial)
    row = int(np.flatnonzero(evidence.table["trial"] == trial)[0])
    if has_small_batches(evidence)[row]:
        size = evidence.table["batch_size"][row]
        sentence = f"it normalizes over {size} rows, whose mean and variance are noise"
        yield Finding(Kind.SMALL_BATCHES, sentence, f"try batches of {SMALL_BATCH} rows or more", (trial,))
    if evidence.finished[row] and (reason := indistinguishable(evidence, trial)):
        sentence = f"it may be as good as the winner: they differ by {reason}"
        yield Finding(Kind.NOISE, sentence, "confirm both with fresh seeds", (trial,))


def _unseen(evidence: Evidence) -> Iterator[str]:
    if not evidence.dead_units:
        yield _NO_UNITS
    longest = int(evidence.table["epochs"].max()) if len(evidence.table) else 0
    if longest < LEAST_REPORTS:
        yield _SHORT_CURVES
    elif "train_loss" not in evidence.table or "val_loss" not in evidence.table:
        yield _NO_TRAINING_LOSS
    if evidence.chance_loss is None:
        yield _NO_CHANCE_LOSS
