"""The incumbents of a study, the best trials so far: what they would reach if they were trained again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from caviar.insight.expectation import Expectation, by_process, told_search, winner_expectation
from caviar.records.outcome import Outcome
from caviar.records.ranking import estimates


@dataclass(frozen=True)
class Incumbents:
    """What the best trial so far would reach, after numbers of trials; at the end it is the winner."""

    steps: Mapping[int, Expectation]

    @property
    def winner(self) -> Expectation:
        """What the winner would reach: confirmed with fresh seeds if it was."""
        return self.steps[self.trials]

    @property
    def trials(self) -> int:
        """How many trials the study has, without those that confirm others."""
        return max(self.steps)

    def after(self, trials: int) -> Expectation | None:
        """Return what the best of so many trials would reach, as far as is known; None if none has finished by then."""
        step = max((n for n in self.steps if n <= trials), default=None)
        return None if step is None else self.steps[step]


def incumbents_of(outcome: Outcome) -> Incumbents:
    """Return the incumbents of a study after 1, 2, 4, 8, ... trials and at its end; those that confirm do not count.

    The best trial is the one with the best estimate by all that is known today.
    """
    search, process = told_search(outcome)
    known = estimates(search, outcome.search_log)
    tried = [result for result in outcome.results if result.confirms is None]
    steps: dict[int, Expectation] = {}
    for size in (2**k for k in range(len(tried).bit_length())):
        finished = [r for r in tried[:size] if r.metrics and not math.isnan(known.get(r.trial, math.nan))]
        if finished:
            best = min(finished, key=lambda result: known[result.trial])
            steps[size] = by_process(outcome, best, search, process)
    return Incumbents(steps | {len(tried): winner_expectation(outcome, search, process)})
