"""What a person sees while a study runs: a bar on a terminal or in a notebook, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

LINE_SECONDS = 5.0


class Watcher(Protocol):
    """Who is told how a study goes."""

    def __enter__(self) -> "Watcher": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def say(self, sentence: str) -> None:
        """A sentence worth reading: a wave begins, a warning."""

    def ended(self, done: int, best: float | None) -> None:
        """So many trials have ended, and the best metric so far."""


def watcher(trials: int, metric: str, quiet: bool = False) -> Watcher:
    """The watcher that fits where we run.

    Args:
        trials: how many the study has.
        metric: the name of what is optimised.
        quiet: True for nobody to watch.
    """
    if quiet:
        return Quiet()
    console = Console()
    return Bar(trials, metric, console) if console.is_terminal or console.is_jupyter else Lines(trials, metric)


class Quiet:
    """Nobody watches."""

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(self, *exception: object) -> None: ...
    def say(self, sentence: str) -> None: ...
    def ended(self, done: int, best: float | None) -> None: ...


class Lines(Quiet):
    """A plain line now and then."""

    def __init__(self, trials: int, metric: str) -> None:
        self._trials, self._metric = trials, metric
        self._begun = self._told = time.monotonic()

    def say(self, sentence: str) -> None:
        print(sentence, flush=True)

    def ended(self, done: int, best: float | None) -> None:
        now = time.monotonic()
        if now - self._told < LINE_SECONDS and done < self._trials:
            return
        self._told = now
        left = (now - self._begun) / max(done, 1) * (self._trials - done)
        print(f"{done}/{self._trials} trials, {_best(self._metric, best)}, about {left:.0f} s left", flush=True)
        sys.stdout.flush()


class Bar(Quiet):
    """A progress bar."""

    def __init__(self, trials: int, metric: str, console: Console) -> None:
        self._metric = metric
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials · {task.fields[best]} · left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID = self._progress.add_task("starting", total=trials, best=_best(metric, None))

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def say(self, sentence: str) -> None:
        self._progress.console.print(sentence, highlight=False, markup=False)

    def ended(self, done: int, best: float | None) -> None:
        self._progress.update(self._task, completed=done, best=_best(self._metric, best), description="training")


def _best(metric: str, best: float | None) -> str:
    return f"best {metric} {'none yet' if best is None else f'{best:.4g}'}"
