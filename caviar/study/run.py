"""A run of a study: opens its journal and its trainers, drives it, and writes its tables whatever ends it."""

import contextlib
from collections.abc import Iterator

from caviar.errors import PausedError
from caviar.fleet.connect import open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.records.events import StudyPaused
from caviar.records.record import StudyRecord
from caviar.study.driver import Driver
from caviar.study.failures import FailureMonitor
from caviar.study.planner import Planner
from caviar.study.progress import show_progress
from caviar.study.target import Target
from caviar.study.wave import Deadline


def run_study(
    record: StudyRecord,
    target: Target,
    placement: Placement,
    *,
    failures: float = 10,
    progress: bool = True,
    trainers: Trainers | None = None,
) -> None:
    """Train what has not ended yet.

    Args:
        record: of the study; kept up to date.
        target: what is trained.
        placement: where, unless `trainers` are given, and the time that the run has.
        failures: how many equal failures in a row pause the study.
        progress: whether to show progress.
        trainers: what trains; opened by `placement` if left out.

    Raises:
        StorageError: another driver runs this study.
        ClusterError: there is no Ray at the address, or no room on it.
        PausedError: trial after trial failed for one cause.
    """
    deadline = Deadline(placement.timeout)
    with record.writing():
        planner = Planner(record.state)
        try:
            if not planner.done:
                monitor = FailureMonitor(record.state.pauses, failures)
                _drive(record, planner, monitor, deadline, _opened(target, placement, record, trainers), progress)
        except PausedError as pause:
            record.append([StudyPaused(pause.signature)])
            raise
        finally:
            record.outcome.write_tables()


def _drive(
    record: StudyRecord,
    planner: Planner,
    monitor: FailureMonitor,
    deadline: Deadline,
    opened: contextlib.AbstractContextManager[Trainers],
    progress: bool,
) -> None:
    done = len(record.state.results)
    with show_progress(done, planner.total, record.state.settings.objective, show=progress) as reporter:
        with opened as trainers:
            Driver(record, planner, trainers, monitor, reporter, deadline).run()


@contextlib.contextmanager
def _opened(
    target: Target, placement: Placement, record: StudyRecord, trainers: Trainers | None
) -> Iterator[Trainers]:
    if trainers is not None:
        yield trainers
        return
    settings = record.state.settings
    with open_pool(target.trainable(settings.epochs), settings.objective.metric, placement) as pool:
        yield pool
