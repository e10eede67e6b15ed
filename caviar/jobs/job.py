"""The program that runs on the cluster: `python -m caviar.jobs.job NAME`, started by Ray's Jobs API.

The study's folder is under the logs of the Ray session, because the Jobs API's port only serves files from there.
"""

import logging
import shutil
import socket
import sys
from pathlib import Path

from caviar.errors import CaviarError
from caviar.fleet.cluster import connection, session_logs_folder
from caviar.fleet.placement import Placement
from caviar.insight.summary import print_summary
from caviar.jobs.package import LOG_SUBDIR, Package, unpack
from caviar.jobs.status import FOLDER_LINE
from caviar.records import journal
from caviar.study.study import Study


def main() -> int:
    """Run the study that was packed into the working folder; return the exit code."""
    logger = logging.getLogger("caviar")
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler(sys.stdout))  # the job's log
    try:
        here, name = Path.cwd(), sys.argv[1]  # Ray may change the working folder
        package = unpack(here)
        with connection(Placement(address="auto")):
            study = _open(package, name, here / journal.NAME)
            print(f"{FOLDER_LINE}{socket.gethostname()}:{study.folder}", flush=True)
            return _run(study, name)
    except CaviarError as error:
        print(f"caviar: {error}")
        return 2


def _open(package: Package, name: str, header: Path) -> Study:
    """Open the study in its folder under the session's logs."""
    folder = session_logs_folder() / LOG_SUBDIR / name
    folder.mkdir(parents=True, exist_ok=True)
    if package.mirror:
        journal.local_folder(package.mirror, folder)
    if not journal.holds_study(folder):
        shutil.copy(header, folder / journal.NAME)
    placement = package.placement
    return Study.open(
        folder,
        data=package.data,
        workers="auto" if placement.workers is None else placement.workers,
        address="auto",
        resources=placement.resources,
        trial_timeout=placement.trial_timeout,
        timeout=placement.timeout,
        isolation=placement.isolation,
    )


def _run(study: Study, name: str) -> int:
    try:
        study.run()
    except (KeyboardInterrupt, SystemExit):  # the Jobs API stops a job with SIGTERM
        print(f"stopped: {len(study.outcome.results)} trials have ended")
        return 130
    print_summary(study.outcome, name=name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
