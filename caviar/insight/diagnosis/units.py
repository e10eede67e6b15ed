"""What the units of networks show at the end of their training: layers in which nearly all ReLU units are dead."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caviar.insight.diagnosis.edges import LEAST
from caviar.insight.diagnosis.evidence import Evidence
from caviar.insight.diagnosis.finding import Finding, Kind
from caviar.insight.diagnosis.statistics import LEVEL, in_words, rank_test

NEARLY_ALL = 0.9  # of a layer's units: half of them may be dead in a network that is large enough
_REMEDY = "lower the largest learning rate, or let batch_norm or activation vary"


def from_units(evidence: Evidence) -> Iterator[Finding]:
    """Yield the trials that end with a dead layer, if they are worse than the others of their waves."""
    dead, finished = has_dead_layer(evidence), evidence.finished
    count = int(dead[finished].sum())
    if count < LEAST:
        return
    p = rank_test(evidence.values[finished], evidence.table["wave"][finished].tolist(), dead[finished])
    if p < LEVEL:
        yield Finding(
            Kind.DEAD_UNITS,
            f"{count} of {finished.sum()} trials end with a hidden layer in which {NEARLY_ALL:.0%} or more of the ReLU "
            f"units are 0 for every validation row, and are worse ({in_words(p)})",
            _REMEDY,
            tuple(map(int, evidence.table["trial"][dead & finished])),
        )


def of_units(evidence: Evidence, trial: int) -> Iterator[Finding]:
    """Yield the layer of one trial in which most units are dead, if nearly all of them are."""
    shares = evidence.dead_units.get(trial, ())
    if shares and max(shares) >= NEARLY_ALL:
        layer = int(np.argmax(shares))
        sentence = f"{shares[layer]:.0%} of the ReLU units of hidden layer {layer + 1} are 0 for every validation row"
        yield Finding(Kind.DEAD_UNITS, sentence, _REMEDY, (trial,), value=shares[layer])


def has_dead_layer(evidence: Evidence) -> NDArray[np.bool_]:
    """Return which trials have a layer in which nearly all units are dead, shape (n,)."""
    shares = evidence.dead_units
    return np.array([max(shares.get(trial, ()), default=0.0) >= NEARLY_ALL for trial in evidence.table["trial"]])
