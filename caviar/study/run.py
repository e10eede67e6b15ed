"""One run of a study: open the journal and the trainers, drive it, and write the tables however it ends."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from caviar.fleet.address import RayAddress
from caviar.fleet.connect import check_cluster, open_pool, start_of
from caviar.fleet.interrupts import end_on_sigterm
from caviar.fleet.placement import Placement
from caviar.fleet.protocol import Trainers
from caviar.records.cost import add_run
from caviar.records.record import StudyRecord
from caviar.records.trial_files import StudyFiles
from caviar.study.callbacks import Callback, CallbackList, Ending
from caviar.study.driver import Driver, keep_files
from caviar.study.evaluation.winner import evaluate_once
from caviar.study.failures import FailureMonitor, check_failures
from caviar.study.keeping import ModelKeeper
from caviar.study.planner import Planner
from caviar.study.progress import show_progress
from caviar.study.target import Target
from caviar.study.unattended import unattended
from caviar.study.wave import Deadline

Callbacks = Sequence[Callback]


def run_study(
    record: StudyRecord,
    target: Target,
    placement: Placement,
    progress: bool = True,
    callbacks: Callbacks = (),
    failures: float = 10,
    trainers: Trainers | None = None,
) -> None:
    """Train what has not ended yet, on `trainers` or where the placement says, then evaluate; see `Study.run`."""
    begun = time.monotonic()
    calls, limit, deadline = CallbackList(callbacks), check_failures(failures), Deadline(placement.timeout)
    if placement.workers == 0 or RayAddress.of(placement.address).is_local:
        target.check_here()
    if trainers is None and record.header:  # nothing is on disk yet
        check_cluster(placement)
    with end_on_sigterm(), unattended(), record.writing(), _calling(calls, record) as planner:
        models = ModelKeeper(record, target.dataset)
        try:
            if models.missing or not planner.done:
                settings, done = record.state.settings, record.state.ended
                monitor = FailureMonitor(record.state.pauses, limit)
                with contextlib.ExitStack() as stack:
                    reporter = stack.enter_context(
                        show_progress(done, record.state.total, settings.objective, show=progress)
                    )
                    if trainers is None:
                        metric = settings.objective.metric
                        files = StudyFiles.of(record.folder)
                        trainable = target.trainable(settings.epochs, metric, placement, files, settings.metrics)
                        pool = open_pool(trainable, metric, placement, start=start_of(trainable))
                        trainers = stack.enter_context(pool)
                    Driver(record, planner, trainers, monitor, reporter, deadline, calls, models).run()
            if planner.done:
                evaluate_once(record, target.dataset)
        finally:
            record.check()  # else the tables would be all that is in a new folder
            if not record.temporary:
                keep_files(record, models)
                record.outcome.write_tables()
                add_run(record.folder, time.monotonic() - begun)


@contextlib.contextmanager
def _calling(callbacks: CallbackList, record: StudyRecord) -> Iterator[Planner]:
    """Call the callbacks as a run begins and as it ends."""
    planner = Planner(record.state)
    try:
        callbacks.study_begins(record.outcome)
        yield planner
    except BaseException as error:
        callbacks.study_ends(record.outcome, Ending.of(error), error)
        raise
    callbacks.study_ends(record.outcome, Ending.FINISHED if planner.done else Ending.TIMED_OUT, None)
