"""The client of a cluster, which it reaches only through the address of Ray's Jobs API."""

import asyncio
import contextlib
import datetime
import io
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobSubmissionClient
from ray.job_submission import JobStatus as RayStatus

from caviar._checks import check_path, check_string
from caviar._temporary import temporary_folder
from caviar.csv import read_csv
from caviar.errors import CaviarError, ClusterError, InputError
from caviar.files import write_atomically
from caviar.fleet.address import check_jobs_api, reach_this_machine_directly
from caviar.fleet.cluster import only_address, read_log_file
from caviar.jobs.package import LOG_SUBDIR, describe, pack
from caviar.jobs.status import FOLDER_LINE, JobState, JobStatus, not_written
from caviar.records import journal
from caviar.records.model_files import files_of
from caviar.records.outcome import Outcome
from caviar.study.study import Study

logger = logging.getLogger("caviar")
_STATES = {
    RayStatus.PENDING: JobState.WAITING,
    RayStatus.RUNNING: JobState.RUNNING,
    RayStatus.STOPPED: JobState.STOPPED,
    RayStatus.SUCCEEDED: JobState.FINISHED,
    RayStatus.FAILED: JobState.FAILED,
}
_NAME_BYTES = 200  # of a folder there, and of a copy here
_STOP_SECONDS = 60  # for a stopped study to write its tables
# to which Ray logs every upload and every closed connection
_RAY_LOGGERS = ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")


def connect(address: str) -> "Cluster":
    """Connect to a Ray cluster through its Jobs API.

    Args:
        address: the Jobs API's address, such as "http://127.0.0.1:8265", the near end of a tunnel.

    Raises:
        InputError: it is not the address of a Jobs API.
        ClusterError: nothing answers there, or the token is missing or wrong.

    >>> connect("http://127.0.0.1:1")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    caviar.errors.ClusterError: no Jobs API answers at http://127.0.0.1:1 (...); check ...
    """
    return Cluster(address)


class Cluster:
    """A Ray cluster that runs studies; `connect` returns one.

    Methods that take the name of a study raise InputError if the cluster has no study with that name.

    >>> def tune_overnight(study, address="http://127.0.0.1:8265"):
    ...     cluster = Cluster(address)
    ...     name = cluster.submit(study)
    ...     cluster.wait(name)
    ...     return cluster.table(name)
    """

    def __init__(self, address: str) -> None:
        check_jobs_api(address)
        reach_this_machine_directly()
        self.address = address
        for name in _RAY_LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with self._requests("; check that it is the dashboard of a Ray cluster"), only_address(address):
            self._client = JobSubmissionClient(address)

    def submit(self, study: Study, name: str | None = None) -> str:
        """Send a study to the cluster, start it there, and return its name on the cluster.

        Args:
            study: new, or begun on this machine; its folder here is no longer used.
            name: for the cluster; default: the study's own name and the time. What is no letter, digit, "_", "." or
                "-" becomes "-", and both ends are letters, digits or "_".

        Raises:
            InputError: the cluster already has a study with that name, it is too long or nothing is left of it, or the
                study cannot be sent.
        """
        if not isinstance(study, Study):
            raise InputError(f"study must be a caviar.Study, got {study!r:.100}")
        name = check_string("name", name) if name else f"{study.settings.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        job_name = re.sub(r"[^\w.-]+", "-", name).strip("-.")  # no option of a command, and no folder above
        if not 0 < len(job_name.encode()) <= _NAME_BYTES:
            raise InputError(f"a study's name there must have letters, and {_NAME_BYTES} bytes at most, got {name!r}")
        with self._requests():
            if any(job.submission_id == job_name for job in self._client.list_jobs()):
                raise InputError(f"the cluster already has a study named {job_name!r}; choose another name")
        with temporary_folder() as place:
            (folder := place / "job").mkdir()
            pack(study, folder)
            logger.info(describe(study, folder))
            environment = {
                "working_dir": str(folder),
                "py_modules": [str(Path(__file__).parents[1])],  # the same version of Caviar as here
                "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_SECONDS)},
            }
            with self._requests():
                self._client.submit_job(
                    entrypoint=f"python -m caviar.jobs.job {job_name}",
                    submission_id=job_name,
                    runtime_env=environment,
                    metadata={"caviar": study.settings.name, "trials": str(study.settings.budget.trials)},
                )
        return job_name

    def studies(self) -> list[JobStatus]:
        """Return the status of every study on the cluster, the oldest first."""
        with self._requests():
            jobs = [job for job in self._client.list_jobs() if "caviar" in (job.metadata or {})]
        return [self._status(job) for job in sorted(jobs, key=lambda job: job.start_time or 0)]

    def status(self, name: str) -> JobStatus:
        """Return the status of a study."""
        return self._status(self._job(name))

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        """Yield what a study has printed, piece by piece; with `follow`, wait for more until the study ends."""
        self._job(name)
        if not follow:
            with self._requests():
                log = self._client.get_job_logs(name)
            yield log
            return
        pieces, folder = aiter(self._client.tail_job_logs(name)), ""
        try:
            with asyncio.Runner() as runner, self._requests(), contextlib.suppress(StopAsyncIteration):
                while True:
                    piece = runner.run(anext(pieces))
                    folder = folder or _folder(piece.splitlines())
                    yield piece
        except ClusterError as error:
            raise ClusterError(f"{error}; {_how_to_go_on(folder)}") from None

    def wait(self, name: str) -> JobStatus:
        """Wait until a study has ended, and return its status."""
        while not (status := self.status(name)).state.has_ended:
            time.sleep(1)
        return status

    def stop(self, name: str) -> None:
        """Stop a study, and wait until it has; what has finished is kept."""
        self._job(name)
        with self._requests():
            self._client.stop_job(name)
        self.wait(name)

    def file(self, name: str, file: str) -> bytes:
        """Return the content of a file in a study's folder; raises InputError if the study has not written it yet."""
        content = self._content(self._job(name), file)
        if not content:
            raise not_written(name, file)
        return content

    def table(self, name: str) -> pd.DataFrame:
        """Return one row per trial of a study that has ended so far."""
        content = self._content(self._job(name), "results.csv")
        with self._requests():
            return read_csv(io.BytesIO(content)) if content else pd.DataFrame()

    def fetch(self, name: str, folder: str | Path, *, models: bool = False) -> Path:
        """Copy a study from the cluster to a folder, for `Study.open` or `Outcome.read`, and return the folder.

        With `models`, the weights that it has kept come too. Raises InputError if no trial has ended yet, or if the
        folder holds another study.
        """
        folder = Path(check_path("folder", folder))
        self.file(name, "results.csv")  # is there once a trial has ended
        content, path = self.file(name, journal.NAME), folder / journal.NAME
        if path.exists() and path.read_bytes().partition(b"\n")[0] != content.partition(b"\n")[0]:
            raise InputError(f"{folder} holds another study; move it, then fetch {name!r} again")
        write_atomically(path, content)
        outcome = Outcome.read(folder)
        outcome.write_tables()
        if models:
            job = self._job(name)
            for file in files_of({result.trial: result for result in outcome.results}, outcome.settings):
                if not (folder / file).exists() and (content := self._content(job, file)):
                    write_atomically(folder / file, content)
        return folder

    def _content(self, job: JobDetails, file: str) -> bytes:
        """The content of a file in a study's folder, none of which is ever empty; b"" if there is none."""
        with self._requests():
            path = f"{LOG_SUBDIR}/{job.submission_id}/{file}"
            return read_log_file(self._client, str(job.driver_node_id), path)

    def _job(self, name: str) -> JobDetails:
        with self._requests():
            try:
                return self._client.get_job_info(name)
            except RuntimeError as error:
                if "404" not in str(error):
                    raise
                raise InputError(f"no study named {name!r} on {self.address}; see `caviar list`") from None

    def _status(self, job: JobDetails) -> JobStatus:
        state, name = _STATES[job.status], str(job.submission_id)
        with self._requests():
            lines = self._client.get_job_logs(name).splitlines()
        progress = [line for line in lines if re.match(r"\d+/\d+ trials|stopped: |caviar: ", line)]
        error = str(job.message) if state is JobState.FAILED else ""
        time_ms = job.end_time if state.has_ended and job.end_time else job.start_time
        with self._requests():
            since = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC) if time_ms else None
        return JobStatus(name, state, progress[-1] if progress else error, since, _folder(lines))

    @contextlib.contextmanager
    def _requests(self, remedy: str = "") -> Iterator[None]:
        """Turn the errors of Ray's client into a ClusterError."""
        try:
            yield
        except AuthenticationError:
            raise ClusterError(f"{self.address} {_what_is_wrong_with_the_token()}") from None
        except CaviarError:
            raise
        except (OSError, RuntimeError, ValueError, OverflowError, TypeError, LookupError, AttributeError) as error:
            cause = (isinstance(error, ConnectionError) and error.__context__) or error  # such as a wrong certificate
            line = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
            raise ClusterError(
                f"the cluster at {self.address} did not answer as expected: {line:.300}{remedy}"
            ) from None


def _folder(lines: Iterable[str]) -> str:
    """Return HOST:PATH of the study's folder, which its log begins with; "" if it is not there yet."""
    return next((line.removeprefix(FOLDER_LINE) for line in lines if line.startswith(FOLDER_LINE)), "")


def _how_to_go_on(folder: str) -> str:
    """Return what helps when the connection to a cluster has ended, perhaps because its head has."""
    host, _, path = folder.partition(":")
    there = f"on {host} with `caviar resume {path}`" if folder else "there"
    return (
        "if its head is gone, go on from the study's mirror with `caviar resume URI --address ...`, or, if the head's "
        f"disk is left, {there}"
    )


def _what_is_wrong_with_the_token() -> str:
    where = "RAY_AUTH_TOKEN, or the file RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"
    if os.environ.get("RAY_AUTH_MODE") != "token":
        return f"asks for its token; set RAY_AUTH_MODE=token, and {where}"
    if "RAY_AUTH_TOKEN" in os.environ:
        return "has a different token from RAY_AUTH_TOKEN; copy that of its head"
    return f"has a different token from this machine; copy that of its head into {where}"
