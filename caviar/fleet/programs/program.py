"""A program in any language as a training function.

It reports through a file that grows by lines of JSON, named in its environment. A file and not a named pipe: every
language appends to files, on every system, and a program never blocks on one, whatever happens on our side.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from caviar._checks import check_path
from caviar._temporary import temporary_folder
from caviar.fleet.programs.command import ProgramError, as_json, executable, fill, search_path, values_of, words_of
from caviar.fleet.programs.process import Process
from caviar.fleet.worker import reporting
from caviar.records.trial import Config

_POLL_SECONDS = 0.05  # how often the file of reports is read
_EXAMPLE = '{"loss": 0.3}'
_NOT_FINITE = re.compile(r"(?<=[:\s])([-+]?)(?:(nan)|inf(?:inity)?)(?=\s*[,}])", re.IGNORECASE)


@dataclass(frozen=True)
class Program:
    """A program as a training function `train(config, seed)`, as `caviar.program()` returns it.

    Args:
        command: with placeholders.
        working_folder: where it runs; a relative path is relative to the working folder of the trainer.
    """

    command: str
    working_folder: str

    @property
    def folder(self) -> Path:
        """Where it runs on this machine."""
        return Path(self.working_folder).absolute()

    @property
    def name(self) -> str:
        """That of the program's file, which the command starts or passes to its interpreter."""
        return (self._file or Path(words_of(self.command)[0])).stem

    @property
    def _file(self) -> Path | None:
        return next((path for word in words_of(self.command) if (path := self.folder / word).is_file()), None)

    def fingerprint(self) -> str:
        """Return a hash of the program's file, to detect changes; "" if its folder has none."""
        try:
            return hashlib.sha256(self._file.read_bytes()).hexdigest()[:16] if self._file else ""
        except OSError:
            return ""

    def check(self) -> None:
        """Raise ProgramError if this machine cannot start it."""
        executable(words_of(self.command)[0], self.folder)

    def __call__(self, config: Config, seed: int) -> None:
        """Run the program for the trial of this process, and pass on its reports."""
        count = 0
        with _report_file() as (path, file), _folder() as folder, self._start(config, seed, folder, path) as process:
            for line in _lines(file, process):
                count += 1
                with process.waiting():
                    self._report(line)
        if process.failure:
            raise ProgramError(process.failure)
        if not count:
            self._report_last_line(process.output.last_line)

    def _start(self, config: Config, seed: int, folder: Path, reports: Path) -> Process:
        trial = reporting.trial()
        words = fill(self.command, values_of(config, seed, trial.number, folder))
        environment = {
            **os.environ,
            "PATH": search_path(),
            "CAVIAR_CHECKPOINT": str(trial.checkpoint.absolute()) if trial.checkpoint else "",
            "CAVIAR_CONFIG": as_json(config),
            "CAVIAR_FOLDER": str(folder),
            reporting.REPORT_FILE: str(reports),
            "CAVIAR_SEED": str(seed),
            "CAVIAR_TRIAL": str(trial.number),
        }
        words[0] = executable(words[0], self.folder)
        try:
            return Process(words, self.folder, environment, reports.parent)
        except (OSError, ValueError) as error:  # such as a script without an interpreter, or a NUL in a value
            reason = getattr(error, "strerror", None) or error
            raise ProgramError(f"{words[0]} cannot be started ({reason}); try it in a terminal") from None

    def _report(self, line: bytes) -> None:
        report = _decode(line)
        checkpoint = report.pop("checkpoint", None)
        if not isinstance(checkpoint, str | None):
            raise ProgramError(f"a checkpoint must be a path, got {checkpoint!r:.100}; give a metric another name")
        reporting.report(report, checkpoint=checkpoint and self.folder / checkpoint)

    def _report_last_line(self, line: str) -> None:
        if not line.startswith("{"):
            raise ProgramError(
                f"it reported nothing; append a line such as {_EXAMPLE} to the file that CAVIAR_REPORT names after "
                "each epoch, or print one as the last line"
            )
        self._report(line.encode())


def program(command: str, working_folder: str | Path | None = None) -> Program:
    """Return a program in any language as a training function for `Study`.

    After each epoch it appends its metrics as a line of JSON to the file that CAVIAR_REPORT names, or it prints them as
    its last line.

    Args:
        command: with a placeholder for each hyperparameter, or {config}; also {seed}, {trial} and {folder}. It is split
            as a shell would, but no shell runs it; `{{` and `}}` are braces.
        working_folder: where it runs; the working folder of this process if left out.

    Raises:
        InputError: the command cannot be split.

    >>> import tempfile
    >>> import caviar
    >>> train = caviar.program("echo '{{\\"loss\\": {x}}}'")
    >>> settings = {"metric": "loss", "mode": "min", "trials": 2, "workers": 0, "out": tempfile.mkdtemp()}
    >>> study = caviar.Study(train, space={"x": [1, 2]}, **settings)
    >>> sorted(study.run(progress=False)["loss"])
    [1, 2]
    """
    words_of(command)
    folder = Path(check_path("working_folder", working_folder)) if working_folder else Path.cwd()
    return Program(command, str(folder.resolve()))


@contextlib.contextmanager
def _report_file() -> Iterator[tuple[Path, IO[bytes]]]:
    """Make an empty file to report to, on this machine's own disk; yield its path, and the file to read from."""
    with temporary_folder() as place:
        path = place / "reports.jsonl"
        path.touch()
        with path.open("rb", buffering=0) as file:
            yield path, file


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Yield the trial's folder, and remove it if nothing was written there."""
    folder = reporting.trial().folder.absolute()  # since the program's working folder is another
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _lines(file: IO[bytes], process: Process) -> Iterator[bytes]:
    """Yield what a program appends to a file, line by line, until it has ended."""
    seen, rest = b"", b""  # the last bytes that were read; the beginning of a line
    runs = True
    while runs:
        runs = process.runs(_POLL_SECONDS)
        file.seek(-len(seen), os.SEEK_CUR)
        if file.read(len(seen)) != seen:
            raise ProgramError("it wrote over its reports; append to the file that CAVIAR_REPORT names: with >>, not >")
        new = file.read()
        seen = (seen + new)[-256:]
        *lines, rest = (rest + new).split(b"\n")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest


def _decode(line: bytes) -> dict[str, Any]:
    """Return the report in a line of JSON, in which numbers that are not finite may be spelt as in C, R or Julia."""
    text = line.decode("utf-8-sig", errors="backslashreplace").strip()
    try:
        report = json.loads(_NOT_FINITE.sub(_as_in_python, text))
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict):
        raise ProgramError(f"a report must be a JSON object in one line such as {_EXAMPLE}, got {text!r:.200}")
    return report


def _as_in_python(match: re.Match[str]) -> str:
    return "NaN" if match[2] else f"{match[1].strip('+')}Infinity"
