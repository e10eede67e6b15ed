"""Whatever a trial and its children write, by whatever means, is in the file of its trial, in order."""

import ctypes
import faulthandler
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest

import caviar
from tests.fleet.processes.studies import finished, run


def write_by_all_means(config):
    name = config["x"]
    print(f"{name} print")
    sys.stdout.buffer.write(f"{name} buffer\n".encode())
    sys.stdout.flush()
    os.write(1, f"{name} descriptor\n".encode())
    ctypes.CDLL(None).printf(f"{name} printf\n".encode())
    ctypes.CDLL(None).fflush(None)
    os.system(f"echo {name} system")
    subprocess.run(["echo", f"{name} child"], check=True)
    subprocess.run(["echo", f"{name} stdout"], stdout=sys.stdout, check=True)
    subprocess.run(f"echo {name} stderr >&2", shell=True, stderr=sys.stderr, check=True)
    click.echo(f"{name} click".encode())
    print(f"{name} error", file=sys.stderr)
    sys.stderr.buffer.write(f"{name} error buffer\n".encode())
    print(f"{name} end", end="")
    return {"loss": 1.0}


MEANS = ["print", "buffer", "descriptor", "printf", "system", "child", "stdout", "stderr", "click", "error"]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("ray_cluster")
def test_what_a_trial_writes_by_any_means_is_in_its_own_file_in_order(tmp_path, workers):
    names = [f"trial-{i}" for i in range(6)]
    table, outputs = run(write_by_all_means, tmp_path / "s", names, workers=workers)
    assert finished(table)
    for name, text in zip(table["x"], outputs, strict=True):
        assert text.splitlines() == [f"{name} {how}" for how in [*MEANS, "error buffer", "end"]]


def ask_streams(config):
    assert sys.stdout.encoding.lower() == sys.stderr.encoding.lower() == "utf-8"
    assert sys.stdout.fileno() == 1
    assert sys.stderr.fileno() == 2
    assert not sys.stdout.isatty()
    assert sys.stdin.read() == ""
    sys.stdout.reconfigure(line_buffering=False, write_through=True)
    faulthandler.enable()
    assert faulthandler.is_enabled()
    faulthandler.dump_traceback(file=sys.stdout)
    print("é")
    return {"loss": 1.0}


def test_streams_are_those_of_a_process(tmp_path):
    table, (text,) = run(ask_streams, tmp_path / "s")
    assert finished(table)
    assert text.endswith("é\n")
    assert "ask_streams" in text


def warn_twice(config):
    for _ in range(2):
        warnings.warn(f"{config['x']} is odd", stacklevel=1)
    return {"loss": 1.0}


def test_each_trial_warns_anew(tmp_path):
    _, outputs = run(warn_twice, tmp_path / "s", [1, 3, 5])
    assert [text.count("UserWarning") for text in outputs] == [1, 1, 1]


def test_a_config_of_logging_at_the_top_of_the_function_holds_for_its_trial(tmp_path):
    def log(config):
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
        logging.info("x is %s", config["x"])
        own = logging.FileHandler(tmp_path / f"{config['x']}.log", encoding="utf-8")
        logging.getLogger("own").addHandler(own)
        logging.getLogger("own").warning("of %s", config["x"])
        return {"loss": 1.0}

    table, outputs = run(log, tmp_path / "s", range(3))
    assert outputs == [f"INFO x is {x}\nWARNING of {x}\n" for x in table["x"]]
    assert [(tmp_path / f"{x}.log").read_text() for x in range(3)] == [f"of {x}\n" for x in range(3)]


STREAM_TROUBLES = {
    "close": lambda: (sys.stdout.close(), sys.stderr.close()),
    "none": lambda: (setattr(sys, "stdout", None), setattr(sys, "stderr", None)),
    "replace": lambda: setattr(sys, "stdout", open(os.devnull, "w")),  # noqa: SIM115
    "descriptors": lambda: (os.close(1), os.close(2)),
}


@pytest.mark.parametrize("trouble", STREAM_TROUBLES)
def test_a_function_may_break_its_streams(tmp_path, trouble):
    def break_streams(config):
        print("before", flush=True)
        STREAM_TROUBLES[trouble]()
        if config["x"]:
            raise ValueError("after")
        return {"loss": 1.0}

    table, outputs = run(break_streams, tmp_path / "s", [0, 1])
    assert list(table["error"]) == ["", "ValueError: after"]
    assert all(text.startswith("before\n") for text in outputs)


def test_output_files_do_not_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run(warn_twice, tmp_path / "s", range(3))
    assert list(tmp_path.glob("caviar-*")) == []


STUDY = """
import sys, caviar
from pathlib import Path
def train(config):
    print("\\u00e9 caf\\udce9", config["x"])
    sys.stdout.buffer.write(b"\\xff\\x00raw\\n")
    sys.stdout.flush()
    if config["x"] == 1:
        raise ValueError("\\u00e9 \\udcff \\0")
    return {"loss": 1.0, "\\u00e9": 2.0}
if sys.argv[1] == "run":
    study = caviar.Study(train, space=caviar.Space(x=caviar.choice([0, 1, 2])), metric="loss", mode="min", trials=3,
                         search="grid", workers=0, out="s")
else:
    study = caviar.Study.open("s", data=train, workers=0)
table = study.run(progress=False, failures=9)
print(ascii(list(table.error)), ascii(list(table.columns[-1:])), len(table))
"""


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_no_byte_breaks_a_study_or_its_resume(tmp_path, environment):
    (tmp_path / "program.py").write_text(STUDY, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(caviar.__file__).parents[1]), **environment}
    for what in ("run", "resume"):
        command = [sys.executable, "program.py", what]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=100)
        assert done.returncode == 0, done.stderr
        assert r"ValueError: \xe9 \\udcff" in done.stdout
    text = (tmp_path / "s" / "output" / "000000.txt").read_text(encoding="utf-8")
    assert "é caf\\udce9 " in text
    assert "\\xff" in text


def test_metrics_of_any_name_reach_every_table(tmp_path):
    def name(config):
        return {"loss": 1.0, "caf\udce9": 2.0, "line\nbreak": 3.0, "nul\0": 4.0, "é": 5.0, "": 6.0, "=1+1": 7.0}

    table, _ = run(name, tmp_path / "s", range(2))
    assert finished(table)
    assert len(caviar.Outcome.read(tmp_path / "s").table) == 2
    assert (tmp_path / "s" / "results.csv").read_text(encoding="utf-8").startswith("trial,")
