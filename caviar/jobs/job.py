"""What runs on the cluster: `python -m caviar.jobs.job NAME`, started by Ray's Jobs API.

The study's folder lies under, or is linked from, the logs of the Ray session, because that is what the Jobs
API's port hands out.
"""

import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

import ray

from caviar.errors import CaviarError
from caviar.insight.summary import print_summary
from caviar.jobs.package import unpack
from caviar.records import journal
from caviar.study.study import Study

SHELF = "caviar"  # the folder of studies under the session's logs


def main() -> int:
    """Run the packed study; returns the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)  # how the Jobs API stops a job
    try:
        study = _study(sys.argv[1])
    except CaviarError as error:
        print(f"caviar: {error}")
        return 2
    try:
        study.run()
    except CaviarError as error:
        print(f"caviar: {error}")
        return 2
    except KeyboardInterrupt:
        print(f"stopped: {len(study.results)} trials have ended")
        return 130
    print_summary(study)
    return 0


def _study(name: str) -> Study:
    """The packed study, in its folder on the shelf."""
    data, placement = unpack(Path.cwd())
    ray.init(address="auto", log_to_driver=False)
    folder = Path(ray._private.worker._global_node.get_logs_dir_path()) / SHELF / name
    folder.mkdir(parents=True, exist_ok=True)
    if placement["mirror"]:
        journal.folder_of(placement["mirror"], folder)
    if not journal.holds_study(folder):
        shutil.copy(journal.NAME, folder / journal.NAME)
    return Study.open(
        folder,
        data=data,
        workers="auto" if placement["workers"] is None else placement["workers"],
        address="auto",
        resources=placement["resources"],
        trial_timeout=placement["trial_timeout"],
        timeout=placement["timeout"],
    )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
