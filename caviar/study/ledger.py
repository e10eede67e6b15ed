"""What a study knows: what was asked, trained and told so far, and what comes next.

All of it follows from the settings and the records of the journal, taken in their order; a study that runs
and one that is taken up again go through the same door.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from caviar.fleet.messages import Trial
from caviar.search.square import edges
from caviar.space.plain import to_plain
from caviar.study.confirm import confirmation_table
from caviar.study.result import Result
from caviar.study.settings import Settings
from caviar.study.tuning import lowered, new_search, ranked, told
from caviar.study.wave import trials_of

Record = Mapping[str, Any]


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
        self._open: set[int] = set()  # the trials of the last wave that have not ended
        self._best: Result | None = None

    def take(self, records: Iterable[Record]) -> None:
        """Take in records of the journal, other than its first."""
        for record in records:
            if "points" in record:
                self.waves.append(record)
                self._open = set(_numbers(record))
                self.known = []
                if not record["confirms"]:
                    del self._given[: len(record["given"])]
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
        """Take in results that are in the journal; the search is told a whole wave, in the order of its trials."""
        for result in results:
            self.results[result.trial] = replace(result, curve=[], output="")
            if self.settings.early_stopping is not None:
                self.known.append(result)
            self._open.discard(result.trial)
            if result.state == "finished" and (self._best is None or self._lowered(result) < self._lowered(self._best)):
                self._best = result
            if not self._open and result.confirms is None:
                self._tell(self.waves[-1])

    @property
    def open_wave(self) -> Record | None:
        """The wave that has trials left to be trained."""
        return self.waves[-1] if self._open else None

    @property
    def done(self) -> bool:
        """Whether nothing is left to be trained."""
        return self.open_wave is None and self.search.done and not self._to_confirm()

    def plan(self) -> Record | None:
        """The record of the next wave; None where there is none."""
        record = {"wave": len(self.waves) + 1, "first": sum(len(wave["points"]) for wave in self.waves)}
        if not self.search.done:
            return record | self._search_wave()
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
        wave = next(wave for wave in reversed(self.waves) if wave["first"] <= number)
        return wave["confirms"][number - wave["first"]] if wave["confirms"] else None

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
        wave = self.waves[-1] if self.waves and self.waves[-1]["confirms"] and not self.open_wave else None
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

    def _tell(self, wave: Record) -> None:
        """Tell the search a wave that has ended."""
        numbers = _numbers(wave)
        self.search.tell(np.array(wave["points"]), told(self.results, numbers, self.settings))
        self._told += numbers

    def _lowered(self, result: Result) -> float:
        return lowered(result.metrics, self.settings)

    def _search_wave(self) -> dict[str, Any]:
        """What the search asks for, with the configs of one's own in front."""
        points = self.search.ask()
        given = self._given[: len(points)]
        if given:
            own = self.search.space.snap(self.search.space.points(given))
            among = {point.tobytes() for point in own}
            fresh = [point for point in points if point.tobytes() not in among]
            points = np.array([*own, *fresh][: len(points)])
        square = self.search.square
        return {
            "points": points.tolist(),
            "given": given,
            "square": square.as_dict() if square is not None else None,
            "edges": edges(square, self.search.space) if square is not None else [],
            "space": to_plain(self.search.space),  # wider than the study's where it grew
            "confirms": [],
        }

    def _point(self, number: int) -> Any:
        wave = next(wave for wave in reversed(self.waves) if wave["first"] <= number)
        return wave["points"][number - wave["first"]]


def _numbers(wave: Record) -> range:
    return range(wave["first"], wave["first"] + len(wave["points"]))
