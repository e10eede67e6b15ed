"""The most memory that a process has taken, and how a user's function says so of its own."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caviar.fleet.worker.calls import Function, taking_seed
from caviar.records.trial import Config


def peak_bytes() -> int:
    """Return the most memory that this process has taken; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage may count the process that started this one
        peak = next((line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")), "")
        return int(peak.split()[1]) * 1024 if peak else 0
    return _reported(of_children=False)


def _reported(of_children: bool) -> int:
    """Return the peak of this process or of the largest that it has started, as the system accounts for it."""
    if sys.platform == "win32":
        return 0
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@dataclass(frozen=True)
class PeakRecorder:
    """A training function that writes the peak of its process to a new file in a folder of this machine."""

    function: Function
    folder: Path

    def __call__(self, config: Config, seed: int) -> object:
        result = taking_seed(self.function)(config, seed)
        if isinstance(result, Iterator):
            return self._reports(result)
        self._write()
        return result

    def _reports(self, reports: Iterator[object]) -> Iterator[object]:
        yield from reports
        self._write()

    def _write(self) -> None:
        if not self.folder.is_dir():  # it is on another machine
            return
        peak = max(peak_bytes(), _reported(of_children=True))
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".txt", delete=False, encoding="ascii") as file:
            file.write(str(peak))


def largest(folder: Path) -> int:
    """Return the largest peak that was written to a folder; 0 if there is none."""
    return max((int(path.read_text(encoding="ascii") or 0) for path in folder.glob("*.txt")), default=0)
