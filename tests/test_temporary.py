"""Temporary folders: none is left by what ends in order, and those of killed processes are removed later on."""

import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

import caviar
from caviar._temporary import temporary_folder
from caviar.errors import StorageError
from caviar.sklearn import CaviarSearchCV

KEEPING = """
from caviar._temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    input()
"""
SETTINGS = {"metric": "loss", "mode": "min", "trials": 4, "epochs": 2, "waves": 1, "confirm": False}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder for temporary files, of this process and of those that it starts."""
    folder = tmp_path / "root"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_that_of_a_living_one_stays(root):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": Path(caviar.__file__).parents[1]}
    killed, living = (subprocess.Popen([sys.executable, "-c", KEEPING], **pipes) for _ in range(2))
    folders = [Path(process.stdout.readline().strip()) for process in (killed, living)]
    killed.kill()
    killed.communicate()
    assert [folder.exists() for folder in folders] == [True, True]
    with temporary_folder() as folder:
        assert sorted(root.iterdir()) == sorted([folder, folders[1]])
    living.communicate("\n")
    assert list(root.iterdir()) == []


def test_what_somebody_else_has_put_there_stays(root):
    with temporary_folder() as folder:
        name = folder.name
    for other in ("empty", "fresh"):  # no folder of ours, and one that another process makes just now
        (root / f"{name}{other}").mkdir()
    (root / f"{name}fresh" / "lock").touch()
    with temporary_folder():
        pass
    assert len(list(root.iterdir())) == 2


def test_no_place_for_temporary_files_is_one_sentence(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/dev/null/none"])
    search = CaviarSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, n_iter=2, n_jobs=1)
    with pytest.raises(StorageError, match=r"cannot write temporary files \(No usable .*\); free some space"):
        search.fit([[0.0], [1.0]] * 10, [0, 1] * 10)


STARTS_THREADS = """
import threading, time
import caviar

threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()

def train(config):
    return {"loss": config["x"]}
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_trainers_whose_trials_do_not_fork_leave_no_folder(root, tmp_path, workers):
    (tmp_path / "threaded.py").write_text(STARTS_THREADS)
    script = f"""
        import caviar, threaded
        if __name__ == "__main__":
            space = caviar.Space(x=caviar.uniform(0, 1))
            caviar.Study(threaded.train, space=space, workers={workers}, out="study", **{SETTINGS}).run(progress=False)
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)
    assert len(caviar.Outcome.read(tmp_path / "study").results) == 4
    assert list(root.iterdir()) == []


def test_trials_outside_of_a_study_share_no_folder_and_leave_none(root, tmp_path):
    def train(config):
        trial = caviar.trial()
        assert trial.checkpoint is None
        file = trial.folder / "state"
        file.write_text("")
        caviar.report({"loss": config["x"]}, checkpoint=file)

    space = caviar.Space(x=caviar.uniform(0, 1))
    study = caviar.Study(train, space=space, workers=0, isolation="none", out=tmp_path / "s", **SETTINGS)
    study.run(progress=False)
    for _ in range(2):
        assert caviar.verify(study, trials=2).equal
    assert list(root.iterdir()) == []
