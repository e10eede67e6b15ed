"""The user's own training code: whatever it does ends as a row with its reason, or as one sentence at the start."""

import functools
import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.fleet.connect import open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.worker.trainables import FunctionTrainable

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_cluster")]

SPACE = caviar.Space(x=caviar.uniform(0, 1))
TROUBLES = {
    "print": ("finished", ""),
    "sleep": ("timed_out", "3 s"),
    "slow reports": ("timed_out", "3 s"),
    "exit": ("failed", "its process exited with status 3"),
    "sys.exit": ("failed", "SystemExit: 7"),
    "allocate": ("failed", "MemoryError"),
    "nan": ("diverged", "loss became nan"),
    "string": ("failed", "got loss='low'; convert it with float"),
    "other metric": ("failed", "must contain the metric 'loss', got 'accuracy'"),
    "nothing": ("failed", "got None"),
    "empty generator": ("failed", "reported nothing"),
    "hyperparameter": ("finished", ""),
    "column": ("finished", ""),
    "raise late": ("failed", "RuntimeError: after two reports"),
    "fine": ("finished", ""),
}


def train(config, seed):
    """Get into the trouble that the config names."""
    match config["trouble"]:
        case "print":
            print("x" * 1_000_000 + "the end")
        case "sleep":
            print("before the sleep")
            time.sleep(10_000)
        case "slow reports":
            while True:
                time.sleep(0.5)
                yield {"loss": 1.0}
        case "exit":
            os._exit(3)
        case "sys.exit":
            sys.exit(7)
        case "allocate":
            hoard = []
            while True:
                hoard.append(np.zeros(10_000_000))  # 80 MB, in no time
        case "nan":
            yield {"loss": float("nan")}
        case "string":
            yield {"loss": "low"}
        case "other metric":
            yield {"accuracy": 1.0}
        case "nothing":
            yield None
        case "empty generator":
            return
        case "hyperparameter":
            yield {"loss": 1.0, "trouble": 2.0}
        case "column":
            yield {"loss": 1.0, "seconds": 2.0}
        case "raise late":
            warnings.warn("it will end badly", stacklevel=1)
            yield {"loss": 1.0}
            yield {"loss": 1.0}
            raise RuntimeError("after two reports")
    yield {"loss": 0.5, "more": 1}


def test_whatever_a_function_does_is_a_row_with_its_reason(tmp_path):
    study = caviar.Study(
        train,
        space=caviar.Space(trouble=caviar.choice(list(TROUBLES))),
        metric="loss",
        mode="min",
        trials=len(TROUBLES),
        search="grid",
        workers=3,
        trial_timeout=3.0,
        resources={"cpu": 1, "memory": 1.5e9},
        out=tmp_path / "s",
    )
    table = study.run(progress=False).set_index("trouble")
    assert len(table) == len(TROUBLES)
    assert dict(table["state"]) == {trouble: state for trouble, (state, _) in TROUBLES.items()}
    for trouble, (_, reason) in TROUBLES.items():
        assert reason in table["error"][trouble], trouble
    assert table["epochs"]["raise late"] == 2
    assert {"reported_trouble", "reported_seconds"} <= set(study.history.columns)
    assert (study.folder / "output" / f"{table['trial']['sleep']:06d}.txt").read_text() == "before the sleep\n"
    printed = (study.folder / "output" / f"{table['trial']['print']:06d}.txt").read_text()
    assert printed.endswith("the end\n")
    assert len(printed) <= 1 << 16
    kept = (study.folder / "output" / f"{table['trial']['raise late']:06d}.txt").read_text()
    assert "UserWarning: it will end badly" in kept
    assert "Traceback" in kept
    assert study.best.state == "finished"


def test_a_function_that_cannot_be_pickled_is_one_sentence_before_any_work_starts(tmp_path):
    lock = threading.Lock()

    def guarded(config):
        with lock:
            return {"loss": 1.0}

    with pytest.raises(InputError, match=r"guarded .*lock") as error:
        caviar.Study(guarded, space=SPACE, metric="loss", mode="min", out=tmp_path / "s")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s").exists()


def plain(config, seed):
    return {"loss": config["x"] + 0 * seed}


class Model:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, config):
        return {"loss": config["x"] * self.scale}


@pytest.mark.parametrize("function", [plain, Model(2.0), functools.partial(plain), lambda config: {"loss": 1}])
def test_functions_of_every_kind(tmp_path, function):
    settings = {"metric": "loss", "mode": "min", "trials": 3, "waves": 1, "workers": 1}
    table = caviar.Study(function, space=SPACE, out=tmp_path / "s", **settings).run(progress=False)
    assert list(table["state"]) == ["finished"] * 3


def test_a_study_ends_when_its_time_is_over_and_resumes(tmp_path):
    flag = tmp_path / "flag"

    def slow(config, seed):
        if not flag.exists() and config["x"] > 0.3:
            time.sleep(10_000)
        return {"loss": config["x"]}

    def study(name, **settings):
        settings = {"metric": "loss", "mode": "min", "trials": 12, "waves": 2, **settings}
        return caviar.Study(slow, space=SPACE, out=tmp_path / name, **settings)

    with open_pool(FunctionTrainable(slow), "loss", Placement(workers=2)) as trainers:  # started before the time runs
        trainers.poll(timeout=30.0)
        table = study("s", timeout=6.0).run(progress=False, trainers=trainers)
    assert 2 <= len(table) < 12
    late = table[table["state"] == "timed_out"]
    assert len(late) == 2
    assert late["error"].str.contains("the study exceeded its timeout of 6 s").all()
    flag.touch()
    resumed = caviar.Study.open(tmp_path / "s", data=slow, workers=2).run(progress=False)
    assert len(resumed) == 12
    assert (resumed["state"] == "finished").sum() == 10


def test_ray_assigns_a_share_of_a_gpu(tmp_path):
    """In a process of its own, with a Ray that is told of a GPU."""
    script = textwrap.dedent("""
        import os, ray, caviar
        ray.init("local", num_cpus=3, num_gpus=1, include_dashboard=False, log_to_driver=False)
        def train(config, seed):
            return {"loss": config["x"], "gpu": int(os.environ["CUDA_VISIBLE_DEVICES"])}
        study = caviar.Study(train, space=caviar.Space(x=caviar.uniform(0, 1)), metric="loss", mode="min",
                             trials=8, resources={"cpu": 1, "gpu": 0.5}, out="s")
        table = study.run(progress=False)
        print(table["worker"].nunique() <= 2, set(table["gpu"]))
    """)
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(Path(caviar.__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=200)
    assert done.stdout.endswith("True {0}\n"), done.stderr
