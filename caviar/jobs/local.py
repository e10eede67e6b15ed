"""The studies on this machine, with the same methods as those on a cluster."""

import contextlib
import datetime
import math
import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from caviar.errors import CaviarError, InputError
from caviar.files import is_uri, reading
from caviar.jobs.status import JobState, JobStatus, not_written
from caviar.records import journal
from caviar.records.events import Event, StudyPaused, TrialEnded, WaveBegan
from caviar.records.lock import DRIVER, LEFT, ask_to_stop, driver
from caviar.records.trial import State

RUNS = Path("runs")
_INTERRUPT_SECONDS = 3.0  # that an interrupted driver may take to end
_STOP_SECONDS = 30.0  # that one may take which ignores signals, and sees only that it is asked to stop


class LocalJobs:
    """The studies in a folder on this machine.

    A study's name is that of its folder, the path of its folder, or the URI of its mirror. Methods that take a name
    raise InputError if no study has it.

    Args:
        runs: the folder that holds the studies' folders; "runs" in the working folder by default.

    >>> LocalJobs(Path("empty")).studies()
    []
    """

    def __init__(self, runs: Path = RUNS) -> None:
        self._runs = runs

    def folder(self, name: str) -> Path:
        """Return the folder of a study."""
        for folder in [journal.local_folder(name)] if is_uri(name) else [self._runs / name, Path(name)]:
            if journal.holds_study(folder) or os.path.exists(folder / journal.NAME):  # reading says what is wrong
                return folder
        raise InputError(f"no study named {name!r} in {self._runs}; see `caviar list`, or give a cluster's --address")

    def studies(self) -> list[JobStatus]:
        """Return the status of every study in the folder, the oldest first; that of one that is damaged says how."""
        folders = [path.parent for path in self._runs.glob(f"*/{journal.NAME}") if journal.holds_study(path.parent)]
        return [self._readable_status(folder) for folder in sorted(folders, key=_began)]

    def _readable_status(self, folder: Path) -> JobStatus:
        try:
            return self.status(folder.name)
        except CaviarError as error:
            return JobStatus(folder.name, JobState.UNREADABLE, str(error), _written(folder / journal.NAME), str(folder))

    def status(self, name: str) -> JobStatus:
        """Return the status of a study."""
        folder = self.folder(name)
        study = journal.read_state(folder)
        ended, total = len(study.results), study.total
        if driver(folder) is not None:
            state = JobState.RUNNING
        else:
            state = JobState.FINISHED if ended >= total else JobState.STOPPED
        since = _written(folder / (DRIVER if state is JobState.RUNNING else journal.NAME))
        objective = study.settings.objective
        best = objective.best(r.metrics[objective.metric] for r in study.results.values() if r.state is State.FINISHED)
        progress = f"{ended}/{total} trials" + ("" if math.isnan(best) else f", best {objective.metric} {best:.4g}")
        if state is JobState.RUNNING:
            progress += _left(folder)
        elif study.stopped:
            last = max(study.forecasts)
            progress += f"; its rule ended it after wave {last}: {study.forecasts[last].stop}"
        return JobStatus(name, state, progress, since, str(folder))

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        """Yield a line for every wave and trial of a study; with `follow`, wait for more until its driver ends."""
        folder = self.folder(name)
        count = 0
        while True:
            running = driver(folder) is not None
            lines = list(_lines(journal.read(folder)))
            yield from lines[count:]
            count = len(lines)
            if not (follow and running):
                return
            time.sleep(0.5)

    def stop(self, name: str) -> None:
        """Stop a study as Ctrl-C does, and wait until it has; what has finished is kept.

        Raises InputError if it has not stopped after half a minute.
        """
        folder = self.folder(name)
        if driver(folder) is None:
            return
        if _interrupt(folder) and _ends(folder, _INTERRUPT_SECONDS):
            return
        ask_to_stop(folder)
        if not _ends(folder, _STOP_SECONDS):
            raise InputError(
                f"{name!r} was asked to stop and will, but is still waiting for a trial to report; see `caviar status "
                f"{name}`"
            )

    def file(self, name: str, file: str) -> bytes:
        """Return the content of a file in a study's folder; raises InputError if the study has not written it yet."""
        path = self.folder(name) / file
        if is_uri(name):  # only the journal is copied from a URI
            from caviar.records.outcome import Outcome  # slow to import, and only tables need it

            Outcome.read(path.parent).write_tables()
        with reading(path):
            if not path.is_file():
                raise not_written(name, file)
            return path.read_bytes()


def _written(path: Path) -> datetime.datetime | None:
    """When a file was last written; None if it is gone."""
    try:
        return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    except OSError:
        return None


def _left(folder: Path) -> str:
    """What the driver of a folder last wrote of the time that is left, after a comma; "" if it has not."""
    try:
        return (folder / LEFT).read_text(encoding="utf-8", errors="replace")[:100]
    except OSError:
        return ""


def _began(folder: Path) -> float:
    """When the first file of a folder was written; files may come and go while a driver runs."""
    times = [math.inf]
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                times.append(path.stat().st_mtime)
    return min(times)


def _interrupt(folder: Path) -> bool:
    """Interrupt the driver of a folder if it certainly is a process that this one may signal; return whether it was."""
    running = driver(folder)
    if running is None or running.host != socket.gethostname() or running.process is None or not running.is_here:
        return False  # also on Windows, where os.kill would end it before it has written its tables
    try:
        os.kill(running.process, signal.SIGINT)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _ends(folder: Path, seconds: float) -> bool:
    """Wait until no driver runs the study in a folder; return whether it has ended in time."""
    deadline = time.monotonic() + seconds
    while driver(folder) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _lines(events: Iterable[Event]) -> Iterator[str]:
    """Yield a line for every wave, trial and pause."""
    wave = 0
    for event in events:
        match event:
            case WaveBegan() if event.wave != wave:
                wave = event.wave
                yield f"wave {wave} begins\n"
            case TrialEnded(result=result):
                metrics = ", ".join(f"{name} {value:.4g}" for name, value in result.metrics.items())
                yield f"trial {result.trial} {result.state.words}, {result.seconds:.2g} s: {result.error or metrics}\n"
            case StudyPaused(signature=signature):
                yield f"paused: {signature!r}\n"
