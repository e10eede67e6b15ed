"""The status of a study, on a cluster or on this machine."""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from caviar.errors import InputError

FOLDER_LINE = "the folder of the study is "  # how the log of a job begins


class JobState(StrEnum):
    """The state of a study.

    >>> JobState.RUNNING.has_ended, f"{JobState.FINISHED}"
    (False, 'finished')
    """

    WAITING = "waiting"  # on the cluster; its driver has not started
    RUNNING = "running"
    STOPPED = "stopped"  # before all of its trials were trained
    FINISHED = "finished"
    FAILED = "failed"  # its driver ended with an error
    UNREADABLE = "unreadable"  # its folder is damaged, or of a newer Caviar

    @property
    def has_ended(self) -> bool:
        """True if no driver is running the study or is about to."""
        return self not in (JobState.WAITING, JobState.RUNNING)


@dataclass(frozen=True)
class JobStatus:
    """The status of one study.

    >>> JobStatus("first", JobState.RUNNING, "12/64 trials", None, "node7:/tmp/ray/first").state
    <JobState.RUNNING: 'running'>
    """

    name: str
    state: JobState
    progress: str  # the last line that it printed about its progress, or the error that ended it
    since: datetime.datetime | None  # when it came into this state, in UTC; None if unknown
    folder: str = ""  # of the study: a path, on a cluster HOST:PATH; "" before its driver has started


def not_written(name: str, file: str) -> InputError:
    """Return the error about a file that a study has not written yet."""
    return InputError(f"the study {name!r} has no {file} yet; see `caviar status {name}`")
