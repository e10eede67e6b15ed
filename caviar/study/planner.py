"""What comes next: the trials of the next wave, from what the search asks for and what the user has enqueued.

Waves come whole. Without barriers between them (`waves="continuous"`) an event holds the few trials that were asked for
together, the search is told each trial as it ends, and a wave is a quarter of the trials, by their number.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from caviar.records.events import ForecastMade, WaveBegan
from caviar.records.ranking import estimates, rank_trials
from caviar.records.replay import StudyState
from caviar.records.search_log import tell
from caviar.records.trial import Result, Trial
from caviar.search import Search
from caviar.search.curves import Curves
from caviar.search.square import edges, extended_bounds
from caviar.space.references import resolved
from caviar.space.scales import Array
from caviar.study.worth import judge

_QUARTERS = 4  # waves without barriers: how often the square shrinks


class Planner:
    """Plans the waves of a study from its search and its state; others apply events to the state."""

    def __init__(self, state: StudyState) -> None:
        self.state = state
        self._search = state.settings.new_search()
        self._told = 0  # entries of the state's log so far
        self._asked: Array | None = None  # the points of the next wave, since it was last told

    @property
    def done(self) -> bool:
        """Whether nothing is left to train."""
        return not self.state.running and self.state.searched and not self._trials_to_confirm()

    @property
    def ended_waves(self) -> int:
        """How many waves have ended; without barriers, a wave ends after those before it."""
        state = self.state
        last = state.waves[-1] if state.waves else None
        if last is None or not state.continuous or last.confirms:
            return last.wave - bool(state.running) if last else 0
        first_running = min(state.running, default=state.requested)
        return _QUARTERS * first_running // state.settings.budget.trials

    @property
    def next_trials(self) -> int:
        """How many trials will be submitted next, as far as is known."""
        if self.state.running:
            return len(self.state.running)
        search = self._search_now()
        if search.done:
            return 0
        return search.trials if search.continuous else search.waves[search.wave]

    def next_wave(self, count: int) -> WaveBegan | None:
        """Return the next wave, or up to `count` trials of it if there are no barriers; None if there are no more."""
        state, search = self.state, self._search_now()
        number = state.waves[-1].wave + 1 if state.waves else 1
        first = state.waves[-1].numbers.stop if state.waves else 0
        if state.continuous and not state.searched:
            trials = state.settings.budget.trials
            number = 1 + _QUARTERS * state.requested // trials
            end = -(-number * trials // _QUARTERS)
            return self._ask(number, first, min(count, end - state.requested))
        if not (search.done or state.stopped):
            return self._ask(number, first, None)
        return self._confirm(number, first)

    def forecast(self, workers: int) -> ForecastMade | None:
        """Return what the next wave is worth, and whether the study ends instead; None if that was said before.

        Args:
            workers: how many trials run at once.
        """
        state, last = self.state, self.state.waves[-1] if self.state.waves else None
        if last is None or last.confirms or last.wave in state.forecasts:
            return None
        if state.running or state.searched or state.continuous:
            return None
        search = self._search_now()
        forecast = search.forecast(points := self._next_points(search))
        return None if forecast is None else judge(state, forecast, len(points), workers)

    def running_trials(self) -> list[Trial]:
        """Return the trials that have begun and not ended, by number."""
        running = self.state.running
        start = min(running, default=math.inf)
        waves = itertools.takewhile(lambda wave: wave.numbers.stop > start, reversed(self.state.waves))
        trials = itertools.chain.from_iterable(map(self.trials, reversed(list(waves))))
        return [trial for trial in trials if trial.number in running]

    def predicted_ends(self, curves: Mapping[int, Sequence[float]]) -> dict[int, float]:
        """Return how running trials are likely to end, by number; see `Search.predicted_ends`.

        Args:
            curves: their values at the first epochs of `Halving.compared`, by number.
        """
        if not curves:
            return {}
        points = np.array([self.state.point_of(number) for number in curves])
        stopped = np.ones(len(curves), dtype=bool)
        ends = self._search_now().predicted_ends(points, Curves(np.array([*curves.values()], dtype=float), stopped))
        return dict(zip(curves, ends.tolist(), strict=True))

    def trials(self, wave: WaveBegan) -> list[Trial]:
        """Return the trials of a wave: those of its configs, then those of its other points.

        What an option names is imported here, as it is needed, and nowhere else.
        """
        settings = self.state.settings
        seed, number, keep = settings.budget.seed, wave.wave, bool(wave.confirms or settings.keep)
        return [
            Trial(n, number, resolved(config), trial_seed(seed, number, n), keep=keep)
            for n, config in enumerate(wave.all_configs(settings.space), wave.first)
        ]

    def _search_now(self) -> Search:
        """The search, after it was told everything in the state's log."""
        if self._told < len(self.state.search_log):
            tell(self._search, self.state.search_log[self._told :])
            self._told, self._asked = len(self.state.search_log), None
        return self._search

    def _next_points(self, search: Search) -> Array:
        """The points of the next wave; the search is asked once."""
        if self._asked is None:
            self._asked = search.ask()
        return self._asked

    def _ask(self, number: int, first: int, count: int | None) -> WaveBegan:
        """What the search asks for, `count` trials or a whole wave, with the enqueued configs in front."""
        search, settings = self._search_now(), self.state.settings
        configs = self.state.enqueued[:count]
        enqueued = search.space.snap(search.space.points(configs))
        if count is not None:  # the search must know them before it chooses the others
            search.expect(enqueued)
            points = [*enqueued, *(search.ask(count - len(configs)) if count > len(configs) else ())]
        else:
            wave = self._next_points(search)
            configs, duplicates = configs[: len(wave)], {point.tobytes() for point in enqueued}
            points = [*enqueued, *(point for point in wave if point.tobytes() not in duplicates)][: len(wave)]
        square = search.square
        sentences = [*extended_bounds(settings.space, search.space), *(edges(square, search.space) if square else ())]
        return WaveBegan(
            wave=number,
            first=first,
            points=np.array(points),
            configs=tuple(configs),
            square=square,
            edges=tuple(sentences),
            space=None if search.space == settings.space else search.space,
        )

    def _confirm(self, number: int, first: int) -> WaveBegan | None:
        """The wave that trains the best trials again; it keeps the square of the last wave."""
        confirm, last = self.state.settings.confirm, self.state.waves[-1]
        chosen = [result for result in self._trials_to_confirm() for _ in range(confirm.replicates if confirm else 0)]
        if not chosen:
            return None
        return WaveBegan(
            wave=number,
            first=first,
            points=np.array([self.state.point_of(result.trial) for result in chosen]),
            configs=tuple(result.config for result in chosen),
            square=last.square,
            edges=last.edges,
            space=last.space,
            confirms=tuple(result.trial for result in chosen),
        )

    def _trials_to_confirm(self) -> list[Result]:
        """The best trials, if they still have to be confirmed."""
        state, confirm = self.state, self.state.settings.confirm
        search = self._search_now()
        if confirm is None or not (search.done or state.stopped) or (state.waves and state.waves[-1].confirms):
            return []
        ranking = rank_trials(state.results.values(), estimates(search, state.search_log), state.settings.objective)
        return ranking[: confirm.top]


def trial_seed(seed: int, wave: int, number: int) -> int:
    """Return the seed of a trial: 32 bits, the same whatever the number of workers or the order of arrival.

    >>> trial_seed(0, 1, 0) == trial_seed(0, 1, 0) != trial_seed(0, 1, 1)
    True
    """
    return int(np.random.SeedSequence((seed, wave, number)).generate_state(1)[0])
