"""A cluster as its user's laptop sees it: through the address of Ray's Jobs API, and nothing else."""

import asyncio
import contextlib
import io
import logging
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

from caviar.errors import CaviarError, ClusterError, InputError
from caviar.fleet.cluster import check_address
from caviar.jobs.job import SHELF
from caviar.jobs.package import pack
from caviar.jobs.status import Status
from caviar.records import journal
from caviar.study.study import Study

STATES = {
    JobStatus.PENDING: "waiting",
    JobStatus.RUNNING: "running",
    JobStatus.STOPPED: "stopped",
    JobStatus.SUCCEEDED: "finished",
    JobStatus.FAILED: "failed",
}
RUNS = ("waiting", "running")
STOP_SECONDS = 60  # what a study that is stopped may take to write its tables
FILES = (journal.NAME, "results.csv", "history.csv", "waves.csv")


def connect(address: str) -> "Cluster":
    """The cluster at the address of its Jobs API.

    Args:
        address: such as "http://127.0.0.1:8265", the near end of a tunnel.

    Raises:
        ClusterError: nothing answers there, or it wants a token that is not here.
    """
    return Cluster(address)


class Cluster:
    """Submits studies, follows them, and reads their results; see `connect`."""

    def __init__(self, address: str) -> None:
        self.address = address if "://" in address else f"http://{address}"
        try:
            check_address(self.address)
        except CaviarError as error:
            raise ClusterError(
                f"no Jobs API answers at {address} ({error.__cause__ or 'that is no address'}); "
                "give one such as http://127.0.0.1:8265, and see that the cluster is up and the tunnel to it open"
            ) from None
        for talkative in ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray._private"):
            logging.getLogger(talkative).setLevel(logging.ERROR)
        with self._asking():
            self._client = JobSubmissionClient(self.address)

    def submit(self, study: Study, name: str | None = None) -> str:
        """Send a study to the cluster and start it there; returns its name.

        Args:
            study: one that has not run here; where it would have been kept here does not matter.
            name: for all later questions; made of the study's own and the time if left out.

        Raises:
            InputError: there is a study of that name on the cluster, or the study cannot be sent.
        """
        plain = re.sub(r"[^\w.-]+", "-", name or f"{study.settings.name}-{time.strftime('%Y%m%d-%H%M%S')}")
        with tempfile.TemporaryDirectory() as folder, self._asking():
            if any(job.submission_id == plain for job in self._client.list_jobs()):
                raise InputError(f"there is a study named {plain!r} on the cluster already; choose another name")
            pack(study, Path(folder))
            environment = {
                "working_dir": folder,
                "py_modules": [str(Path(__file__).parents[1])],  # the very version that is here
                "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)},
            }
            self._client.submit_job(
                entrypoint=f"python -m caviar.jobs.job {plain}",
                submission_id=plain,
                runtime_env=environment,
                metadata={"caviar": study.settings.name, "trials": str(study.settings.trials)},
            )
        return plain

    def studies(self) -> list[Status]:
        """All studies that the cluster knows of, the oldest first."""
        with self._asking():
            jobs = [job for job in self._client.list_jobs() if "caviar" in (job.metadata or {})]
        return [self._status(job) for job in sorted(jobs, key=lambda job: job.start_time or 0)]

    def status(self, name: str) -> Status:
        """How a study is doing."""
        return self._status(self._job(name))

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        """What a study has printed, piece by piece; with `follow`, until it has ended."""
        self._job(name)
        if not follow:
            with self._asking():
                whole = self._client.get_job_logs(name)
            yield whole
            return
        pieces = aiter(self._client.tail_job_logs(name))
        with asyncio.Runner() as runner, self._asking(), contextlib.suppress(StopAsyncIteration):
            while True:
                yield runner.run(anext(pieces))

    def wait(self, name: str, seconds: float = 1.0) -> Status:
        """Wait until a study has ended, asking every so many seconds."""
        while (status := self.status(name)).state in RUNS:
            time.sleep(seconds)
        return status

    def stop(self, name: str) -> None:
        """End a study cleanly: what has finished is kept."""
        self._job(name)
        with self._asking():
            self._client.stop_job(name)

    def file(self, name: str, file: str) -> bytes:
        """A file of a study's folder as it is now, byte for byte.

        Raises:
            InputError: it is not there, or not yet.
        """
        job = self._job(name)
        query = f"node_id={job.driver_node_id}&filename={SHELF}/{name}/{file}&lines=-1"
        with self._asking():
            answer = self._client._do_request("GET", f"/api/v0/logs/file?{query}&format=leading_1")
        if answer.status_code != 200 or not answer.content:  # none of the files is ever empty
            raise InputError(f"the study {name!r} has no {file} yet; see `caviar status {name}`")
        return bytes(answer.content)

    def table(self, name: str) -> pd.DataFrame:
        """The results of a study so far, a row a trial that has finished."""
        return pd.read_csv(io.BytesIO(self.file(name, "results.csv")))

    def fetch(self, name: str, folder: Path) -> Path:
        """Copy a study from the cluster into a folder, where it can be opened and reported; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in FILES:
            (folder / file).write_bytes(self.file(name, file))
        return folder

    def _job(self, name: str) -> JobDetails:
        with self._asking():
            try:
                return self._client.get_job_info(name)
            except RuntimeError as error:
                if "404" not in str(error):
                    raise
                raise InputError(f"no study named {name!r} on {self.address}; see `caviar list`") from None

    def _status(self, job: JobDetails) -> Status:
        state, name = STATES[job.status], str(job.submission_id)
        with self._asking():
            lines = self._client.get_job_logs(name).splitlines()
        told = [line for line in lines if re.match(r"\d+/\d+ trials|stopped: |caviar: ", line)]
        progress = told[-1] if told else (str(job.message) if state == "failed" else "")
        started = pd.Timestamp(job.start_time, unit="ms") if job.start_time else None
        return Status(name, state, progress, started)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Whatever goes wrong on the way becomes one sentence."""
        try:
            yield
        except AuthenticationError:
            raise ClusterError(
                f"{self.address} asks for its token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or ~/.ray/auth_token"
            ) from None
        except (ConnectionError, RuntimeError, OSError) as error:
            line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ClusterError(f"the cluster at {self.address} did not answer as expected: {line:.300}") from error
