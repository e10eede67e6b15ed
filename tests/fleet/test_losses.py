from ray.exceptions import (
    ActorUnavailableError,
    GetTimeoutError,
    ObjectLostError,
    OutOfMemoryError,
    WorkerCrashedError,
)

from caviar.fleet.dispatch import Blame
from caviar.fleet.losses import blame, loss_reason


def test_why_a_trainer_was_lost_and_whether_a_trial_can_be_at_fault():
    memory = OutOfMemoryError("Task was killed due to the node running low on memory.")
    assert loss_reason(memory) == "it was killed for lack of memory"
    assert blame(memory) is Blame.FULL
    for lost in (ActorUnavailableError("gone", b"1" * 16), GetTimeoutError("silent"), ObjectLostError("0", None, "")):
        assert blame(lost) is Blame.NONE
        assert loss_reason(lost) == "its node could not be reached"
    assert loss_reason(WorkerCrashedError()).startswith("WorkerCrashedError: ")
    assert blame(WorkerCrashedError()) is Blame.FULL


def test_trainers_ended_for_memory_together_share_the_blame():
    line = "Selected to kill: (Actor(d7): job ID=01, pid={}, actual memory used=0.06GB)"
    message = "{} worker(s) were killed due to the node running low on memory.\n"
    assert blame(OutOfMemoryError(message.format(1) + line.format(84))) is Blame.FULL
    several = "\n".join(map(line.format, [84, 841, 842]))
    assert blame(OutOfMemoryError(message.format(3) + several)) is Blame.SHARED
