"""What a person sees while a study runs: a bar on a terminal or in a notebook, plain lines elsewhere."""

import time
from html import escape
from types import TracebackType
from typing import Any, Protocol

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


def watcher(done: int, trials: int, metric: str, quiet: bool = False) -> Watcher:
    """The watcher that fits where we run.

    Args:
        done: how many trials have ended already.
        trials: how many the study has.
        metric: the name of what is optimised.
        quiet: True for nobody to watch.
    """
    if quiet:
        return Quiet()
    console = Console()
    if console.is_jupyter:
        return NotebookBar(done, trials, metric)
    return (Bar if console.is_terminal else Lines)(done, trials, metric)


class Quiet:
    """Nobody watches."""

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(self, *exception: object) -> None: ...
    def say(self, sentence: str) -> None: ...
    def ended(self, done: int, best: float | None) -> None: ...


class Lines(Quiet):
    """A plain line now and then."""

    seconds = LINE_SECONDS  # between two of them

    def __init__(self, done: int, trials: int, metric: str) -> None:
        self._done, self._trials, self._metric = done, trials, metric
        self._begun = self._told = time.monotonic()
        self._said = ""

    def say(self, sentence: str) -> None:
        print(sentence, flush=True)

    def ended(self, done: int, best: float | None) -> None:
        now = time.monotonic()
        if now - self._told < self.seconds and done < self._trials:
            return
        self._told = now
        line = f"{done}/{self._trials} trials, {_best(self._metric, best)}"
        if self._done < done < self._trials:
            line += f", about {(now - self._begun) / (done - self._done) * (self._trials - done):.0f} s left"
        if line != self._said:
            self._tell(line, done)
        self._said = line

    def _tell(self, line: str, done: int) -> None:
        print(line, flush=True)


class NotebookBar(Lines):
    """A progress bar in a notebook, of what every notebook can show."""

    seconds = 0.2

    def __enter__(self) -> "NotebookBar":
        from IPython.display import display

        begun = self._pictured(f"{self._done}/{self._trials} trials", self._done)
        self._shown: Any = display(begun, raw=True, display_id=True)
        return self

    def _tell(self, line: str, done: int) -> None:
        self._shown.update(self._pictured(line, done), raw=True)

    def _pictured(self, line: str, done: int) -> dict[str, str]:
        bar = f'<progress value="{done}" max="{self._trials}"></progress> {escape(line)}'
        return {"text/plain": line, "text/html": bar}


class Bar(Quiet):
    """A progress bar."""

    def __init__(self, done: int, trials: int, metric: str) -> None:
        self._metric = metric
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials · {task.fields[best]} · left"),
            TimeRemainingColumn(),
        )
        self._task: TaskID = self._progress.add_task("starting", completed=done, total=trials, best=_best(metric, None))

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
