"""Folders of trials whose trainers do not see the study's: what they keep comes to the driver's machine, and back."""

import contextlib
import os
import signal
from pathlib import Path

import pytest

import caviar
from caviar.errors import StorageError
from caviar.fleet.connect import open_pool
from caviar.fleet.messages import Done, Report
from caviar.fleet.placement import Placement
from caviar.fleet.pool import Pool
from caviar.fleet.processes.isolated import IsolatedFunction
from caviar.fleet.settings import DEFAULTS
from caviar.records.trial import State, Trial
from caviar.records.trial_files import StudyFiles, trial_folder


def killing(killed):
    """Return a function that saves its epoch, and once kills what `killed` says: its trial or its trainer."""

    def train(config, seed):
        trial = caviar.trial()
        first = int(trial.checkpoint.read_text()) if trial.checkpoint else 0
        assert first == trial.epoch
        for epoch in range(first + 1, 6):
            path = trial.folder / "epoch.txt"
            path.write_text(str(epoch))
            caviar.report({"loss": config["x"] / epoch}, checkpoint=path)
            if epoch == 3 and not killed.exists():
                killed.touch()
                for process in trainers() if killed.name == "trainer" else [os.getpid()]:
                    os.kill(process, signal.SIGKILL)
                signal.pause()

    return train


def trainers():
    """The processes of the trainers of this trial's Ray: their parent, the raylet, has its address in its command."""
    address = os.environ["RAY_ADDRESS"].encode()
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    named = [path for path in processes if (path / "cmdline").read_bytes().startswith(b"ray::Trainer")]
    return [int(path.name) for path in named if address in (path.parent / parent(path) / "cmdline").read_bytes()]


def parent(path):
    return next(line.split()[1] for line in (path / "status").read_text().splitlines() if line.startswith("PPid:"))


@pytest.mark.parametrize("victim", ["trial", "trainer"])
def test_a_trial_continues_from_its_checkpoint_and_its_files_come_to_the_study(ray_cluster, tmp_path, victim):
    node = ray_cluster.get_runtime_context().get_node_id()
    files = StudyFiles(str(tmp_path / "study"), "elsewhere:1", node=node)
    function = IsolatedFunction.of(killing(tmp_path / victim), "loss", Placement(1), files)
    pool = Pool(function, "loss", Placement(1), DEFAULTS)
    events = []
    with contextlib.closing(pool):
        pool.submit([(Trial(17, 1, {"x": 1.0}, seed=7),)])
        while pool.pending:
            events += pool.poll()
    (done,) = (event for event in events if isinstance(event, Done))
    assert (done.state, done.continued_from) == (State.FINISHED, 3), done
    last = [event.epoch for event in events if isinstance(event, Report)][-5:]
    assert last == [1, 2, 3, 4, 5]  # those before the checkpoint are reported again
    folder = trial_folder(tmp_path / "study", 17)
    assert (folder / "epoch.txt").read_text() == "5"
    assert (folder / "checkpoint" / "000005" / "saved" / "epoch.txt").read_text() == "5"
    assert [path.name for path in (folder / "checkpoint").iterdir()] == ["000005"]


class OutOfReach:
    """A store that cannot be reached."""

    def __getattr__(self, name):
        raise StorageError("cannot reach s3://bucket/study")


def test_a_mirror_out_of_reach_fails_no_trial(tmp_path, monkeypatch):
    def train(config):
        (caviar.trial().folder / "x").write_text("kept")
        caviar.report({"loss": config["x"]}, checkpoint=caviar.trial().folder / "x")

    monkeypatch.setattr("caviar.fleet.processes.folders.open_store", lambda uri: OutOfReach())
    files = StudyFiles(str(tmp_path), "elsewhere:1", uri="s3://bucket/study")
    with open_pool(IsolatedFunction.of(train, "loss", Placement(0), files), "loss", Placement(0)) as pool:
        pool.submit([(Trial(17, 1, {"x": 1.0}, seed=7),)])
        events = []
        while pool.pending:
            events += pool.poll()
    (done,) = (event for event in events if isinstance(event, Done))
    assert done.state is State.FINISHED, done
    assert (
        done.output.count("caviar: cannot reach s3://bucket/study") == 3
    )  # as it starts, at its checkpoint, at its end
