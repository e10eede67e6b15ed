"""What a study knows: what was asked, trained and told so far, and what comes next.

All of it follows from the settings and the records of the journal, taken in their order; a study that runs
and one that is taken up again go through the same door. Waves come whole; without a barrier between them
(`waves="continuous"`) a record holds the few trials that were asked for together, the search is told each as it
ends, and a wave is a quarter of the trials, by their number.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from caviar.records.trial import Trial
from caviar.records.confirmation import confirmation_table
from caviar.records.ranking import lowered, new_search, ranked, told
from caviar.records.settings import Settings
from caviar.records.trial import Result
from caviar.search.square import edges, grown
from caviar.space.serialization import to_plain
from caviar.study.wave import trials_of

Record = Mapping[str, Any]
QUARTERS = 4  # waves without a barrier: as often the square shrinks


class Ledger:
    """The results and waves of a study.

    results: by trial number, without curves; waves: the records of the waves that have begun; search: what plans
    the next; known: the results of the open wave, with curves where early stopping looks at them; paused_by: causes
    of failure that stopped earlier runs.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.search = new_search(settings)
        self.results: dict[int, Result] = {}
        self.waves: list[Record] = []
        self.known: list[Result] = []
        self.paused_by: list[str] = []
        self._told: list[int | None] = []  # what the search was told of, in order; None: a trial of a warm start
        self._given: list[dict[str, Any]] = []  # configs of people's own that are not in a wave yet
        self._open: set[int] = set()  # the trials that have begun and not ended
        self._asked = 0  # how many trials have begun, those that confirm not counted
        self._worst = -math.inf  # of the values of finished trials, lower being better
        self._best: Result | None = None

    def take(self, records: Iterable[Record]) -> None:
        """Take in records of the journal, other than its first."""
        for record in records:
            if "points" in record:
                record = {"given": [], "confirms": [], **record}
                self.waves.append(record)
                self._open |= set(_numbers(record))
                if not record["confirms"]:
                    del self._given[: len(record["given"])]
                    self._asked += len(record["points"])
                if not self.continuous:
                    self.known = []
                elif not record["confirms"]:
                    self.search.expect(np.array(record["points"]))
            elif "state" in record:
                self.keep([Result.from_record(record)])
            elif "paused" in record:
                self.paused_by.append(record["paused"])
            elif "enqueued" in record:
                self._given += record["enqueued"]
            elif "warm_start" in record:
                points, values = record["warm_start"], record["values"]
                told = np.array([math.nan if value is None else value for value in values])
                self.search.tell(np.array(points), told, counted=False)
                self._told += [None] * len(points)

    def keep(self, results: Iterable[Result]) -> None:
        """Take in results that are in the journal.

        The search is told a whole wave, in the order of its trials; without waves each trial as it ends.
        """
        for result in results:
            self.results[result.trial] = replace(result, curve=[], output="")
            if self.settings.early_stopping is not None:
                self.known.append(result)
            self._open.discard(result.trial)
            if result.state == "finished":
                self._worst = max(self._worst, self._lowered(result))
                if self._best is None or self._lowered(result) < self._lowered(self._best):
                    self._best = result
            if result.confirms is None and self.continuous:
                self._tell(range(result.trial, result.trial + 1))
            elif result.confirms is None and not self._open:
                self._tell(_numbers(self.waves[-1]))

    @property
    def continuous(self) -> bool:
        """Whether there is no barrier between waves."""
        return self.search.continuous

    @property
    def left(self) -> list[Trial]:
        """The trials that have begun and not ended, by number."""
        first = min(self._open, default=math.inf)
        records = itertools.takewhile(lambda wave: _numbers(wave).stop > first, reversed(self.waves))
        trials = itertools.chain.from_iterable(map(self.trials, reversed(list(records))))
        return [trial for trial in trials if trial.number in self._open]

    @property
    def asked(self) -> bool:
        """Whether the search was asked for all of its trials."""
        return self._asked >= self.settings.trials

    @property
    def done(self) -> bool:
        """Whether nothing is left to be trained."""
        return not self._open and self.search.done and not self._to_confirm()

    def plan(self, count: int) -> Record | None:
        """The record of the next wave, without a barrier of up to `count` trials of it; None where there is none."""
        last: Record = self.waves[-1] if self.waves else {"wave": 0, "first": 0, "points": []}
        record = {"wave": last["wave"] + 1, "first": _numbers(last).stop}
        if self.continuous and not self.asked:
            record["wave"] = 1 + QUARTERS * self._asked // self.settings.trials
            end = -(-record["wave"] * self.settings.trials // QUARTERS)
            return record | self._asked_of_search(min(count, end - self._asked))
        if not self.search.done:
            return record | self._asked_of_search(None)
        chosen = [result.trial for result in self._to_confirm() for _ in range(self._replicates)]
        if not chosen:
            return None
        points = [self._point(number) for number in chosen]
        given = [self.results[number].config for number in chosen]
        return {**self.waves[-1], **record, "points": points, "given": given, "confirms": chosen}

    def trials(self, record: Record) -> list[Trial]:
        """The trials of a wave: those of configs of one's own, then those of points."""
        given: Sequence[dict[str, Any]] = record["given"]
        points = np.array(record["points"]).reshape(len(record["points"]), -1)[len(given) :]
        configs = [*given, *self.search.space.configs(points)]
        return trials_of(configs, self.settings.seed, record["wave"], record["first"])

    def confirms(self, number: int) -> int | None:
        """The trial that a trial trains again."""
        record = self._record(number)
        return record["confirms"][number - record["first"]] if record["confirms"] else None

    @property
    def ranking(self) -> list[Result]:
        """The finished trials: the confirmed ones by what was confirmed, then the others, the best estimate first."""
        by_estimate = ranked(self.results, self.search, self._told, self.settings)
        confirmed = list(self.confirmation["trial"])
        others = [result for result in by_estimate if result.trial not in confirmed]
        return [self.results[number] for number in confirmed] + others

    @property
    def confirmation(self) -> pd.DataFrame:
        """A row a confirmed trial, the winner first; no rows where the confirming wave has not ended."""
        wave = self.waves[-1] if self.waves and self.waves[-1]["confirms"] and not self._open else None
        replicates: dict[int, list[Result]] = {number: [] for number in (wave["confirms"] if wave else ())}
        for number in _numbers(wave) if wave else ():
            result = self.results[number]
            assert result.confirms is not None
            replicates[result.confirms].append(result)
        confirmed = [self.results[number] for number in replicates]
        return confirmation_table(confirmed, replicates, self.settings.metric, self.settings.mode)

    @property
    def best_metric(self) -> float | None:
        """The best value seen, lucky or not."""
        return None if self._best is None else self._best.metrics[self.settings.metric]

    @property
    def total(self) -> int:
        """How many trials there will have been."""
        top, replicates = self.settings.confirm or (0, 0)
        return self.settings.trials + top * replicates

    @property
    def _replicates(self) -> int:
        return self.settings.confirm[1] if self.settings.confirm else 0

    def _to_confirm(self) -> list[Result]:
        """The best trials, where they are still to be confirmed."""
        if self.settings.confirm is None or not self.search.done or (self.waves and self.waves[-1]["confirms"]):
            return []
        return ranked(self.results, self.search, self._told, self.settings)[: self.settings.confirm[0]]

    def _tell(self, numbers: range) -> None:
        """Tell the search of trials that have ended."""
        points = np.array([self._point(number) for number in numbers])
        self.search.tell(points, told(self.results, numbers, self.settings, self._worst))
        self._told += numbers

    def _lowered(self, result: Result) -> float:
        return lowered(result.metrics, self.settings)

    def _asked_of_search(self, count: int | None) -> dict[str, Any]:
        """What the search asks for, so many or a whole wave, with the configs of one's own in front."""
        given = self._given[:count]
        own = self.search.space.snap(self.search.space.points(given))
        if count is not None:  # the search is to know of them, before it chooses the others
            self.search.expect(own)
            points = np.array([*own, *(self.search.ask(count - len(given)) if count > len(given) else ())])
        else:
            among = {point.tobytes() for point in own}
            points = self.search.ask()
            given = given[: len(points)]
            fresh = [point for point in points if point.tobytes() not in among]
            points = np.array([*own, *fresh][: len(points)])
        square = self.search.square
        against = edges(square, self.search.space) if square is not None else []
        return {
            "points": points.tolist(),
            "given": given,
            "square": square.as_dict() if square is not None else None,
            "edges": [*grown(self.settings.space, self.search.space), *against],
            "space": to_plain(self.search.space),  # wider than the study's where it grew
            "confirms": [],
        }

    def _record(self, number: int) -> Record:
        """The record that a trial began with."""
        return next(wave for wave in reversed(self.waves) if wave["first"] <= number)

    def _point(self, number: int) -> Any:
        record = self._record(number)
        return record["points"][number - record["first"]]


def _numbers(wave: Record) -> range:
    return range(wave["first"], wave["first"] + len(wave["points"]))
