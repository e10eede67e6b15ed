"""How a run shows its progress: a bar on a terminal or in a notebook, log lines elsewhere.

Messages and warnings go to the logger "caviar". A program that has configured logging routes them; otherwise a run
that shows its progress prints them.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from html import escape

from caviar.records.objective import Objective
from caviar.records.span import Span, duration
from caviar.records.trial import Result

_LINE_SECONDS = 5.0  # between two log lines
_NOTEBOOK_SECONDS = 0.2  # between two updates of a notebook's bar
logger = logging.getLogger("caviar")

# called with the number of ended trials, the best result, and the seconds that are left
ProgressReporter = Callable[[int, Result | None, Span | None], None]


@contextlib.contextmanager
def show_progress(done: int, total: int, objective: Objective, *, show: bool = True) -> Iterator[ProgressReporter]:
    """Open the reporter that fits where the program runs, and close it at the end of the block.

    Args:
        done: how many trials have ended already.
        total: how many the study has.
        objective: what is optimised.
        show: False shows nothing; progress then goes only to the log.
    """
    if not show:
        with _log_lines(done, total, objective) as update:
            yield update
        return
    from rich.console import Console  # here and below: importing Caviar should not wait for it

    console = Console()
    with _print_messages():
        kind = _notebook_bar if console.is_jupyter else _bar if console.is_terminal else _log_lines
        with kind(done, total, objective) as update:
            yield update


def _log_lines(done: int, total: int, objective: Objective) -> contextlib.AbstractContextManager[ProgressReporter]:
    """Log lines."""
    return _shown(ProgressLine(done, total, objective, _LINE_SECONDS), lambda line, done: logger.info(line))


@contextlib.contextmanager
def _shown(lines: "ProgressLine", show: Callable[[str, int], None]) -> Iterator[ProgressReporter]:
    """Show a line now and then, and one at the end, whatever ends the run."""

    def update(done: int, best: Result | None, left: Span | None) -> None:
        if (line := lines.next(done, best, left)) is not None:
            show(line, done)

    try:
        yield update
    finally:
        if (line := lines.last()) is not None:
            show(line, lines.done)


def _notebook_bar(done: int, total: int, objective: Objective) -> contextlib.AbstractContextManager[ProgressReporter]:
    """A progress bar in a notebook, of HTML that every notebook can show."""
    from IPython.display import display

    def bundle(line: str, done: int) -> dict[str, str]:
        return {"text/plain": line, "text/html": f'<progress value="{done}" max="{total}"></progress> {escape(line)}'}

    lines = ProgressLine(done, total, objective, _NOTEBOOK_SECONDS)
    handle = display(bundle(f"{done}/{total} trials", done), raw=True, display_id=True)
    return _shown(lines, lambda line, done: handle.update(bundle(line, done), raw=True))


@contextlib.contextmanager
def _bar(done: int, total: int, objective: Objective) -> Iterator[ProgressReporter]:
    """A progress bar on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    best_value = describe_best(objective, None)
    # without markup, since the name of a metric may hold any text
    trials = TextColumn("trials, {task.fields[best]}{task.fields[left]}", markup=False)
    description = TextColumn("[bold]{task.description}")
    with Progress(description, BarColumn(), MofNCompleteColumn(), trials) as progress:
        task = progress.add_task("starting", completed=done, total=total, best=best_value, left="")

        def update(done: int, best: Result | None, left: Span | None) -> None:
            best_value, time_left = describe_best(objective, best), describe_left(left if done < total else None)
            progress.update(task, completed=done, best=best_value, left=time_left, description="training")

        yield update


class ProgressLine:
    """Progress in a line, at most once in `seconds`.

    >>> line = ProgressLine(0, 4, Objective("loss", "min"), seconds=60.0)
    >>> line.next(1, None, None), line.next(4, None, None)
    (None, '4/4 trials, no best loss yet')
    """

    def __init__(self, done: int, total: int, objective: Objective, seconds: float) -> None:
        self._total, self._objective, self._seconds = total, objective, seconds
        self._shown = time.monotonic()
        self._last = ""
        self._best: Result | None = None
        self._first = self.done = done

    def next(self, done: int, best: Result | None, left: Span | None) -> str | None:
        """Return the line to show now; None if the last one was a moment ago, or nothing has changed."""
        now = time.monotonic()
        self.done, self._best = done, best
        if now - self._shown < self._seconds and done < self._total:
            return None
        self._shown = now
        return self._new(left if done < self._total else None)

    def last(self) -> str | None:
        """Return the line of how a run has ended; None if it was shown, or no trial has ended since its begin."""
        return self._new(None) if self.done > self._first else None

    def _new(self, left: Span | None) -> str | None:
        line = f"{self.done}/{self._total} trials, {describe_best(self._objective, self._best)}{describe_left(left)}"
        if line == self._last:
            return None
        self._last = line
        return line


def describe_best(objective: Objective, best: Result | None) -> str:
    """Return the best value so far in words.

    >>> describe_best(Objective("loss", "min"), None)
    'no best loss yet'
    """
    metric = objective.metric
    return f"no best {metric} yet" if best is None else f"best {metric} {best.metrics[metric]:.4g}"


def describe_left(left: Span | None) -> str:
    """Return the time that is left in words, with the interval of 80%; "" if it is not known.

    >>> describe_left(Span(50.0, 61.0, 75.0))
    ', 61 s (50 to 75) left'
    """
    return "" if left is None else f", {duration(left)} left"


class _PrintHandler(logging.Handler):
    """Prints messages, above a bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # some consoles cannot show every character
        print(self.format(record).encode(encoding, "backslashreplace").decode(encoding), flush=True)


@contextlib.contextmanager
def _print_messages() -> Iterator[None]:
    """Print what is logged in the block, unless the program has configured logging."""
    if logger.hasHandlers():
        yield
        return
    handler, level = _PrintHandler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
