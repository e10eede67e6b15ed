"""Callbacks: your own code, told what happens while a study runs."""

import logging
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from enum import StrEnum

from caviar._other_names import CALLBACK_METHODS, hint
from caviar.errors import InputError, PausedError
from caviar.records.events import WaveBegan
from caviar.records.outcome import Outcome
from caviar.records.trial import CurvePoint, Result, Trial

logger = logging.getLogger("caviar")


class Ending(StrEnum):
    """How a run of a study ended.

    >>> Ending.PAUSED == "paused", f"{Ending.TIMED_OUT}"
    (True, 'timed_out')
    """

    FINISHED = "finished"  # every trial has ended
    TIMED_OUT = "timed_out"  # the study's timeout passed
    PAUSED = "paused"  # trial after trial failed for one cause
    INTERRUPTED = "interrupted"  # by Ctrl-C, or because the process exits
    FAILED = "failed"  # by an error of the cluster or the disk

    @classmethod
    def of(cls, error: BaseException) -> "Ending":
        """Return how a run that raised an error ended."""
        if isinstance(error, PausedError):
            return cls.PAUSED
        return cls.FAILED if isinstance(error, Exception) else cls.INTERRUPTED


class Callback:
    """Told what happens while a study runs; a subclass has the methods that it needs, and the others do nothing.

    Pass callbacks to each run, in the order in which they should be called: `study.run(callbacks=[...])`. They are no
    part of the study, so its journal does not name them, and a run that resumes it is passed them again.

    The methods are called in the process and thread of `run`, one at a time. While one runs, the trainers go on with
    what they have, and what they send waits: a slow callback slows the study, but loses nothing. With `workers=0` the
    calls come in the same order every time. On Ray they come as trials report and end, in any order, but always the
    reports of a trial before its end, and its end before that of its wave.

    Nothing that a callback raises ends the study, unlike in Keras, Lightning and Optuna: hours of training are worth
    more than a line in another tool. The first exception of a method is logged as a warning, with its traceback; later
    ones, if any, at the level DEBUG. The callback is called again all the same, as a network that failed may be back.
    To end the run, raise KeyboardInterrupt, which does what Ctrl-C does.

    What a method is passed belongs to the study: read it, do not change it.

    >>> import caviar, tempfile
    >>> class Best(caviar.Callback):
    ...     def on_study_end(self, outcome, ending, error):
    ...         print(ending, len(outcome.results), outcome.best.state)
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> table = study.run(progress=False, callbacks=[Best()])
    finished 4 finished
    """

    def on_study_begin(self, outcome: Outcome) -> None:
        """A run of the study begins, before its trainers start.

        Args:
            outcome: the study's folder, settings and versions; in a study that is resumed, also the results so far.
        """

    def on_report(self, trial: Trial, point: CurvePoint) -> None:
        """A trial has reported the metrics of an epoch. A trial that starts over reports its epochs again.

        Args:
            trial: its number, wave, config and seed.
            point: the epoch, from 1; the trial's own seconds so far; its metrics.
        """

    def on_trial_end(self, result: Result) -> None:
        """A trial has ended and is on disk; called once for each, also after Ctrl-C.

        Args:
            result: its number, state, config, metrics, error and so on, with its whole curve and what it printed.
        """

    def on_wave_end(self, wave: WaveBegan, results: Sequence[Result]) -> None:
        """All trials of a wave, and of the waves before it, have ended.

        Args:
            wave: its number, the square that it was sampled from, and which trials it confirms, if any. With
                waves="continuous", this is the last part of the wave.
            results: of its trials, by number, including those of earlier runs; without curves.
        """

    def on_study_end(self, outcome: Outcome, ending: Ending, error: BaseException | None) -> None:
        """The run ends, however it does, and its tables are written; called last, once for each run that began.

        Args:
            outcome: the study as it is now.
            ending: "finished", "timed_out", "paused", "interrupted" or "failed".
            error: what `run` will raise: PausedError, KeyboardInterrupt or another; None if nothing.
        """


class CallbackList:
    """The callbacks of a run, in the order in which they are called.

    The calls about what has ended wait in a queue, so that Ctrl-C during one of them does not lose the others.
    """

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self._callbacks = _checked(callbacks)
        self._queue: deque[tuple[Callback, str, tuple[object, ...]]] = deque()
        self._raised: set[tuple[int, str]] = set()  # the callbacks and methods whose first exception was told

    def study_begins(self, outcome: Outcome) -> None:
        """Call `on_study_begin`."""
        self._add("on_study_begin", outcome)
        self.call()

    def report(self, trial: Trial, point: CurvePoint) -> None:
        """Call `on_report`."""
        for callback in self._callbacks:
            self._call(callback, "on_report", (trial, point))

    def trials_ended(self, results: Iterable[Result]) -> None:
        """Queue the calls of `on_trial_end`, by trial number."""
        for result in sorted(results, key=lambda result: result.trial):
            self._add("on_trial_end", result)

    def wave_ended(self, wave: WaveBegan, results: Sequence[Result]) -> None:
        """Queue the calls of `on_wave_end`."""
        self._add("on_wave_end", wave, results)

    def study_ends(self, outcome: Outcome, ending: Ending, error: BaseException | None) -> None:
        """Make the calls that wait, and call `on_study_end`."""
        self._add("on_study_end", outcome, ending, error)
        try:
            self.call()
        finally:
            self.call()  # what is left after Ctrl-C

    def call(self) -> None:
        """Make the calls that wait."""
        while self._queue:
            self._call(*self._queue.popleft())

    def _add(self, method: str, *arguments: object) -> None:
        self._queue.extend((callback, method, arguments) for callback in self._callbacks)

    def _call(self, callback: Callback, method: str, arguments: tuple[object, ...]) -> None:
        ends_the_run = sys.exception()
        try:
            getattr(callback, method)(*arguments)
        except Exception as error:
            _forget(error, ends_the_run)
            own = error.__traceback__ and error.__traceback__.tb_next  # without the frame of this function
            level = logging.DEBUG if (id(callback), method) in self._raised else logging.WARNING
            name = f"{type(callback).__name__}.{method}"
            sentence = "the callback %s raised %s: %s; the study is not affected"
            logger.log(level, sentence, name, type(error).__name__, error, exc_info=(type(error), error, own))
            self._raised.add((id(callback), method))


def _forget(error: BaseException, context: BaseException | None) -> None:
    """Remove what was being handled from the context of an error that has nothing to do with it."""
    while error.__context__ is not None:
        if error.__context__ is context:
            error.__context__ = None
            return
        error = error.__context__


def _checked(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """The callbacks; raise InputError if one is none, or has a method that would never be called."""
    known = [name for name in vars(Callback) if name.startswith("on_")]
    if not isinstance(callbacks, list | tuple):
        raise InputError(f"callbacks must be a list, got {callbacks!r}; try callbacks=[...]")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            remedy = "try an object of your own subclass, class Mine(caviar.Callback)"
            raise InputError(f"a callback must be a caviar.Callback, got {callback!r}; {remedy}")
        for name in dir(callback):
            if name.startswith("on_") and name not in known:
                owner = type(callback).__name__
                raise InputError(f"nothing calls {owner}.{name}{hint(name, CALLBACK_METHODS, known)}")
    return tuple(callbacks)
