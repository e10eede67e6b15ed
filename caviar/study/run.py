"""A run of a study: opens its journal and its trainers, drives it, and writes its tables whatever ends it."""

import contextlib
from collections.abc import Iterator

from caviar.errors import PausedError
from caviar.fleet.connect import open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.records.events import StudyPaused
from caviar.records.record import StudyRecord
from caviar.records.settings import Settings
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
        failures, progress, trainers: as of `Study.run`, which says what is raised too.
    """
    deadline = Deadline(placement.timeout)
    with record.writing():
        planner = Planner(record.state)
        try:
            if not planner.done:
                monitor = FailureMonitor(record.state.pauses, failures)
                done, settings = len(record.state.results), record.state.settings
                with (
                    show_progress(done, planner.total, settings.objective, show=progress) as reporter,
                    _open_trainers(target, placement, settings, trainers) as opened,
                ):
                    Driver(record, planner, opened, monitor, reporter, deadline).run()
        except PausedError as pause:
            record.append([StudyPaused(pause.signature)])
            raise
        finally:
            record.outcome.write_tables()


@contextlib.contextmanager
def _open_trainers(
    target: Target, placement: Placement, settings: Settings, trainers: Trainers | None
) -> Iterator[Trainers]:
    """Open a pool, unless trainers are given."""
    if trainers is not None:
        yield trainers
        return
    with open_pool(target.trainable(settings.epochs), settings.objective.metric, placement) as pool:
        yield pool
