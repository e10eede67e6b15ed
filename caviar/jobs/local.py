"""The studies on this machine, under the same names and with the same questions as those on a cluster."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.errors import InputError
from caviar.files import is_uri
from caviar.jobs.status import Status
from caviar.records import journal
from caviar.study.study import Study

RUNS = Path("runs")
POLL_SECONDS = 0.5


class Here:
    """The studies in a folder of this machine.

    Args:
        runs: where studies without a folder of their own are; `runs` in the working folder if left out.
    """

    def __init__(self, runs: Path = RUNS) -> None:
        self._runs = runs

    def folder(self, name: str) -> Path:
        """The folder of a study: its name is that of its folder, the path of one, or the URI of its mirror.

        Raises:
            InputError: there is no study of that name.
        """
        for folder in [journal.folder_of(name)] if is_uri(name) else [self._runs / name, Path(name)]:
            if journal.holds_study(folder):
                return folder
        raise InputError(f"no study named {name!r} in {self._runs}; see `caviar list`, or name a cluster's --address")

    def studies(self) -> list[Status]:
        """All studies in the folder, the oldest first."""
        folders = [path.parent for path in self._runs.glob(f"*/{journal.NAME}") if journal.holds_study(path.parent)]
        return sorted((self.status(folder.name) for folder in folders), key=lambda status: str(status.started))

    def status(self, name: str) -> Status:
        """How a study is doing."""
        folder = self.folder(name)
        records = journal.read(folder)
        settings = next(records)["study"]
        ended = {record["trial"]: (record["state"], record["confirms"]) for record in records if "state" in record}
        top, replicates = settings["confirm"] or (0, 0)
        confirming = min(top, sum(end == ("finished", None) for end in ended.values())) * replicates
        total = settings["trials"] + confirming
        state = "running" if journal.driver(folder) else "finished" if len(ended) >= total else "stopped"
        begun = pd.Timestamp(min(path.stat().st_mtime for path in folder.iterdir()), unit="s")
        return Status(name, state, f"{len(ended)}/{total} trials", begun)

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        """What has happened in a study, a line a wave and a trial; with `follow`, until its driver ends."""
        folder = self.folder(name)
        told = 0
        while True:
            running = journal.driver(folder) is not None
            lines = list(_lines(journal.read(folder)))
            yield from lines[told:]
            told = len(lines)
            if not (follow and running):
                return
            time.sleep(POLL_SECONDS)

    def stop(self, name: str) -> None:
        """End a study cleanly, as Ctrl-C does: what has finished is kept.

        Raises:
            InputError: its driver runs on another machine.
        """
        driver = journal.driver(self.folder(name))
        if driver is None:
            return
        host, _, process = driver.rpartition(":")
        if host != socket.gethostname():
            raise InputError(f"{name!r} is driven from {host}; stop it there")
        os.kill(int(process), signal.SIGINT)

    def file(self, name: str, file: str) -> bytes:
        """A file of a study's folder as it is now, byte for byte."""
        path = self.folder(name) / file
        if is_uri(name):  # the journal came from there, the tables are made of it
            Study.read(path.parent).write()
        if not path.is_file():
            raise InputError(f"the study {name!r} has no {file} yet; see `caviar status {name}`")
        return path.read_bytes()


def _lines(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    wave = 0
    for record in records:
        if "points" in record and record["wave"] != wave:
            wave = record["wave"]
            yield f"wave {wave} begins\n"
        elif "state" in record:
            last = record["curve"][-1][2] if record["curve"] else {}
            told = record["error"] or ", ".join(f"{name} {value:.4g}" for name, value in last.items())
            yield f"trial {record['trial']} {record['state']}, {record['seconds']:.2g} s: {told}\n"
        elif "paused" in record:
            yield f"paused: {json.dumps(record['paused'])}\n"
