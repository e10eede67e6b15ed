"""Programs as training functions: what they are given, how they report, and how they end."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import caviar
from caviar.errors import InputError
from caviar.fleet.programs.command import ProgramError
from caviar.fleet.worker import reporting
from tests.docs.pages import ROOT, blocks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")

PAGE = blocks(ROOT / "docs" / "how-to" / "programs.md")
NODE = "require('fs').appendFileSync(process.env.CAVIAR_REPORT, `{\"loss\": ${process.argv[2]}}`)"
LOSS = """echo "{\\"loss\\": $1}" """


class Trial:
    """A trial for one program: runs it, and keeps what reaches `caviar.report`."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.checkpoint, self.number = folder / "trial", None, 7
        self.reports, self.checkpoints = [], []
        self.on_report = lambda: None
        self._scripts = folder
        monkeypatch.setattr(reporting, "trial", lambda: self)
        monkeypatch.setattr(reporting, "report", self._receive)

    def _receive(self, metrics, *, checkpoint=None):
        self.reports.append(dict(metrics))
        self.checkpoints.append(checkpoint)
        self.on_report()
        return caviar.fleet.worker.reporting.Reported(len(self.reports))

    def run(self, script, command="sh script.sh {x}", config=None):
        (self._scripts / "script.sh").write_text(script)
        self.folder.mkdir(exist_ok=True)
        caviar.program(command, self._scripts)(config or {"x": 0.25}, 11)
        return self.reports


@pytest.fixture
def trial(tmp_path, monkeypatch):
    return Trial(tmp_path, monkeypatch)


def has_ended(process):
    """Whether a process is gone within some seconds; one that is only not yet reaped has ended, too."""
    status = Path(f"/proc/{process}/status")
    for _ in range(200):
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        if status.exists() and "\nState:\tZ" in status.read_text():
            return True
        time.sleep(0.02)
    return False


def test_it_reports_line_by_line(trial):
    script = 'for epoch in 1 2 3; do echo "{\\"loss\\": $1, \\"epochs_done\\": $epoch}" >> "$CAVIAR_REPORT"; done\n'
    assert trial.run(script) == [{"loss": 0.25, "epochs_done": epoch} for epoch in (1, 2, 3)]


def test_a_report_arrives_while_the_program_runs(trial, tmp_path):
    trial.on_report = (tmp_path / "seen").touch
    script = f'{LOSS} >> "$CAVIAR_REPORT"; until [ -e seen ]; do sleep 0.01; done\n'
    assert len(trial.run(script)) == 1


def test_without_reports_the_last_line_that_it_prints_counts(trial, capfd):
    assert trial.run(f"echo starting; {LOSS}; echo; echo oh dear >&2\n") == [{"loss": 0.25}]
    trial.reports.clear()
    assert trial.run(f'{LOSS} >> "$CAVIAR_REPORT"; echo "{{}}"\n') == [{"loss": 0.25}]
    out, err = capfd.readouterr()
    assert out == 'starting\n{"loss": 0.25}\n\n{}\n'
    assert err == "oh dear\n"


def test_it_knows_its_trial(trial, tmp_path):
    trial.checkpoint = tmp_path / "trial" / "model"
    script = """echo "{\\"words\\": \\"$*\\", \\"environment\\": \\"$CAVIAR_TRIAL $CAVIAR_SEED $CAVIAR_FOLDER $CAVIAR_CHECKPOINT\\",
        \\"config\\": $CAVIAR_CONFIG, \\"place\\": \\"$(pwd)\\"}" | tr '\\n' ' '"""  # noqa: E501
    (report,) = trial.run(script, "sh script.sh {x} {trial} {seed} {folder}", {"x": 0.1 + 0.2})
    assert report == {
        "words": f"0.30000000000000004 7 11 {trial.folder}",
        "environment": f"7 11 {trial.folder} {trial.checkpoint}",
        "config": {"x": 0.1 + 0.2},
        "place": str(tmp_path),
    }


def test_an_unused_folder_is_removed_and_a_used_one_stays(trial):
    trial.run(LOSS)
    assert not trial.folder.exists()
    trial.run(f'echo weights > "$CAVIAR_FOLDER/model"; {LOSS}')
    assert (trial.folder / "model").read_text() == "weights\n"


def test_a_checkpoint_is_passed_on(trial, tmp_path):
    trial.run('echo "{\\"loss\\": 1, \\"checkpoint\\": \\"$CAVIAR_FOLDER/model\\"}" >> "$CAVIAR_REPORT"\n')
    trial.run('echo "{\\"loss\\": 1, \\"checkpoint\\": \\"beside\\"}" >> "$CAVIAR_REPORT"\n')
    assert trial.reports == [{"loss": 1}] * 2
    assert trial.checkpoints == [trial.folder / "model", tmp_path / "beside"]


def test_no_value_is_executed(trial, tmp_path):
    value = "a b; touch \"$(echo hacked)\" 'c' `touch hacked` | touch hacked"
    (report,) = trial.run('printf \'{"length": %d, "words": %d}\' ${#1} $#\n', config={"x": value})
    assert report == {"length": len(value), "words": 1}
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo first >&2; echo 'no such data' >&2; echo >&2; exit 3\n", "^exited with status 3: no such data$"),
        ("exit 1\n", "^exited with status 1$"),
        (f'{LOSS} >> "$CAVIAR_REPORT"; exit 1\n', "^exited with status 1$"),
        ("kill -9 $$\n", "^was killed by SIGKILL$"),
        ("echo done\n", "reported nothing; append a line such as"),
        ("", "reported nothing"),
        ("echo 0.25\n", "reported nothing"),
        ('echo "{loss: 1}"\n', "must be a JSON object in one line"),
        ('echo "loss=1" >> "$CAVIAR_REPORT"; sleep 1000\n', "must be a JSON object .*got 'loss=1'"),
        ('echo "[1]" >> "$CAVIAR_REPORT"; sleep 1000\n', r"got '\[1\]'"),
        ('printf "\\377\\n" >> "$CAVIAR_REPORT"; sleep 1000\n', r"got '\\\\xff'"),
        (f'{LOSS} >> "$CAVIAR_REPORT"; printf "{{\\"loss\\": " >> "$CAVIAR_REPORT"\n', "got '{\"loss\":'"),
        ('for i in 1 2 3 4; do echo "{\\"loss\\": 0.$i}" > "$CAVIAR_REPORT"; sleep 0.1; done\n', "with >>, not >"),
        ('for i in 1 10 100; do echo "{\\"loss\\": 0.$i}" > "$CAVIAR_REPORT"; sleep 0.1; done\n', "with >>, not >"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence(trial, script, words):
    with pytest.raises(ProgramError, match=words) as error:
        trial.run(script)
    assert "\n" not in str(error.value)


def test_a_program_that_cannot_be_started_is_one_sentence(trial, tmp_path):
    (tmp_path / "data").write_bytes(b"\x7fELF")
    (tmp_path / "data").chmod(0o755)
    with pytest.raises(ProgramError, match=r"data cannot be started \(Exec format error\)"):
        trial.run("", "./data {x}")
    with pytest.raises(ProgramError, match=r"cannot be started .*null byte"):
        trial.run("", config={"x": "a\0b"})


def test_half_a_line_at_the_end_and_a_mark_of_utf_8_are_read(trial):
    script = 'printf \'\\357\\273\\277{"loss": 1}\\n\\n{"loss": NaN, "accuracy": -Infinity}\' >> "$CAVIAR_REPORT"\n'
    first, last = trial.run(script)
    assert first == {"loss": 1}
    assert str(last) == "{'loss': nan, 'accuracy': -inf}"


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "-nan", "inf", "Inf", "-inf", "+Inf", "Infinity", "-Infinity", "NAN", "INF"]
)
def test_a_number_that_is_not_finite_may_be_spelt_as_in_other_languages(trial, text):
    for report in (f'{{"loss": {text}, "b":{text}}}', f'{{"a": 1 ,"b": {text} , "loss":{text} }}'):
        (read,) = trial.run(f"echo '{report}'")
        assert str(read["loss"]) == str(read["b"]) == str(float(text)).replace("-nan", "nan")
        trial.reports.clear()


def test_ten_thousand_reports_at_once(trial):
    assert len(trial.run('seq 10000 | sed "s/.*/{\\"loss\\": &}/" >> "$CAVIAR_REPORT"\n')) == 10_000


def test_a_hundred_megabytes_of_output(trial, capsys):
    assert trial.run(f"yes 0123456789012345678 | head -c 100000000 >&2; {LOSS}") == [{"loss": 0.25}]
    assert len(capsys.readouterr().err) == 100_000_000


def test_output_that_cannot_be_written_does_not_block_the_program(trial, monkeypatch):
    class Full:
        def write(self, text):
            raise OSError("no space left")

    monkeypatch.setattr(sys, "stderr", Full())
    assert trial.run(f"yes | head -c 1000000 >&2 || exit 1; {LOSS}") == [{"loss": 0.25}]


def test_bytes_that_are_no_text_are_shown_as_codes(trial, capsys):
    trial.run(f"printf '\\303\\251 \\377\\n'; {LOSS}")
    assert capsys.readouterr().out.startswith("é \\xff\n")


def test_what_it_leaves_running_is_ended(trial, tmp_path):
    trial.run(f"sleep 1000 & echo $! > child; {LOSS}")
    assert has_ended((tmp_path / "child").read_text().strip())


@pytest.mark.skipif(shutil.which("setsid") is None, reason="there is no setsid")
def test_what_leaves_its_group_does_not_hold_up_the_trial(trial, tmp_path):
    start = time.monotonic()
    trial.run(f"setsid sh -c 'echo $$ > child; exec sleep 1000' & {LOSS}; until [ -s child ]; do sleep 0.01; done")
    assert time.monotonic() - start < 10
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def stop():
    raise reporting.Stop


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        ("trap 'touch cleaned; exit 0' TERM; sleep 1000 & echo $! > child; wait", 4),
        ("trap '' TERM; sleep 1000 & echo $! > child; touch cleaned; while true; do wait; done", 20),
    ],
)
def test_a_stop_ends_the_program_and_what_it_started(trial, tmp_path, script, seconds):
    def stop_once_it_waits():
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            time.sleep(0.01)
        stop()

    trial.on_report, start = stop_once_it_waits, time.monotonic()
    with pytest.raises(reporting.Stop):
        trial.run(f'{LOSS} >> "$CAVIAR_REPORT"; {script}')
    assert time.monotonic() - start < seconds
    assert (tmp_path / "cleaned").exists()
    assert has_ended((tmp_path / "child").read_text().strip())


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
def test_it_stands_still_while_its_report_waits_for_long(trial, tmp_path):
    states = []

    def wait():
        if len(trial.reports) == 1:
            time.sleep(1.5)
            states.append(Path(f"/proc/{(tmp_path / 'process').read_text().strip()}/status").read_text())

    trial.on_report = wait
    script = f'echo $$ > process; {LOSS} >> "$CAVIAR_REPORT"; sleep 1; {LOSS} >> "$CAVIAR_REPORT"'
    assert len(trial.run(script)) == 2
    assert "State:\tT" in states[0]


KILLED = """
import sys, caviar
from pathlib import Path
caviar.Study(
    caviar.program("sh script.sh {x}", sys.argv[1]), space={"x": caviar.uniform(0, 1)}, metric="loss", mode="min",
    trials=1, workers=0, out=Path(sys.argv[1], "study"),
).run()
"""


def test_it_does_not_outlive_a_process_that_is_killed(tmp_path):
    (tmp_path / "script.sh").write_text('sleep 1000 & echo "$CAVIAR_REPORT" > reports; echo $$ $! > children; wait\n')
    driver = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.DEVNULL)
    children = tmp_path / "children"
    while not children.exists() or not children.read_text().strip():
        assert driver.poll() is None
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    assert all(has_ended(child) for child in children.read_text().split())
    scratch = Path((tmp_path / "reports").read_text().strip()).parent
    for _ in range(100):
        if scratch.exists():
            time.sleep(0.02)
    assert not scratch.exists()


def test_nothing_changes_in_this_process(trial, tmp_path):
    before = dict(os.environ), os.getcwd(), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGCHLD)
    files = set(os.listdir("/dev/fd"))
    trial.run(f"cd /; export CAVIAR_TRIAL=no; {LOSS}")
    assert before == (
        dict(os.environ), os.getcwd(), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGCHLD)
    )  # fmt: skip
    assert set(os.listdir("/dev/fd")) == files


def test_its_name_is_that_of_its_file(tmp_path):
    (tmp_path / "fit.R").touch()
    assert caviar.program("Rscript fit.R {x}", tmp_path).name == "fit"
    assert caviar.program("/usr/bin/env true {x}", tmp_path).name == "env"


def test_it_is_a_plain_value_with_an_absolute_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside").mkdir()
    program = caviar.program("true {x}", "beside")
    assert program.working_folder == str(tmp_path / "beside")
    assert pickle.loads(pickle.dumps(program)) == program
    assert caviar.program("true {x}").working_folder == str(tmp_path)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert caviar.program("true {x}", "~/beside") == program
    with pytest.raises(InputError, match="only inside a trial"):
        program({"x": 1}, 0)


@pytest.mark.parametrize(
    ("program", "command", "script"),
    [
        ("perl", "perl p {x} {folder}", 'open($f, ">>", $ENV{CAVIAR_REPORT}); print $f "{\\"loss\\": $ARGV[0]}\\n";'),
        ("awk", "awk -v x={x} -f p", 'BEGIN { printf "{\\"loss\\": %s}\\n", x >> ENVIRON["CAVIAR_REPORT"] }'),
        ("node", "node p {x}", NODE),
        ("python3", "python3 p {config}", "import json, sys\nprint(sys.argv[1].replace('x', 'loss'))"),
    ],
)  # fmt: skip
def test_other_languages(trial, tmp_path, program, command, script):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (tmp_path / "p").write_text(script)
    assert trial.run("", command) == [{"loss": 0.25}]


@pytest.mark.parametrize(("program", "file"), [("Rscript", "fit.R"), ("julia", "fit.jl")])
def test_the_programs_of_the_page(trial, tmp_path, program, file):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (script,) = (block.text for block in PAGE if block.title == file)
    (tmp_path / file).write_text(script)
    reports = trial.run("", f"{program} {file} {{x}}")
    assert len(reports) == 3
    assert all(0 <= report["loss"] < 1 for report in reports), json.dumps(reports)
