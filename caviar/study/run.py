"""One run of a study: open the journal and the trainers, drive it, and write the tables however it ends."""

import contextlib

from caviar.errors import PausedError
from caviar.fleet.connect import check_cluster, open_pool
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
    """Train what has not ended yet, on `trainers` or where the placement says; see `Study.run`."""
    deadline = Deadline(placement.timeout)
    if trainers is None and record.header:  # nothing is on disk yet
        check_cluster(placement)
    with record.writing():
        planner = Planner(record.state)
        try:
            if not planner.done:
                settings, done = record.state.settings, len(record.state.results)
                monitor = FailureMonitor(record.state.pauses, failures)
                with contextlib.ExitStack() as stack:
                    reporter = stack.enter_context(
                        show_progress(done, planner.total, settings.objective, show=progress)
                    )
                    if trainers is None:
                        metric = settings.objective.metric
                        trainable = target.trainable(settings.epochs, metric, placement, record.folder)
                        trainers = stack.enter_context(open_pool(trainable, metric, placement))
                    Driver(record, planner, trainers, monitor, reporter, deadline).run()
        except PausedError as pause:
            record.append([StudyPaused(pause.signature)])
            raise
        finally:
            record.outcome.write_tables()
