from ray.exceptions import (
    ActorUnavailableError,
    GetTimeoutError,
    ObjectLostError,
    OutOfMemoryError,
    WorkerCrashedError,
)

from caviar.fleet.losses import loss_reason, not_at_fault


def test_why_a_trainer_was_lost_and_whether_a_trial_can_be_at_fault():
    memory = OutOfMemoryError("Task was killed due to the node running low on memory.")
    assert loss_reason(memory) == "it was killed for lack of memory"
    assert not not_at_fault(memory, "host:1")
    for lost in (ActorUnavailableError("gone", b"1" * 16), GetTimeoutError("silent"), ObjectLostError("0", None, "")):
        assert not_at_fault(lost, "host:1")
        assert loss_reason(lost) == "its node could not be reached"
    assert loss_reason(WorkerCrashedError()).startswith("WorkerCrashedError: ")
    assert not not_at_fault(WorkerCrashedError(), "host:1")


def test_of_trainers_ended_for_memory_together_only_the_largest_is_at_fault():
    memory = {"84": 0.15, "841": 2.50, "842": 0.47}  # gigabytes by process
    lines = [
        f"Selected to kill: (Actor(d7): job ID=01, pid={p}, actual memory used={gb}GB)" for p, gb in memory.items()
    ]
    error = OutOfMemoryError("3 worker(s) were killed due to the node running low on memory.\n" + "\n".join(lines))
    assert [not_at_fault(error, f"host:{process}") for process in memory] == [True, False, True]
    assert not not_at_fault(error, "host:999")  # a process that Ray's message does not mention
