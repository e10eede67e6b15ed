"""A short stretch of a day of faults; all of it, with any seed: `python -m tests.faults --seed 0`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED, TRIALS = 29, 48  # a slow network, a trial, a node and the driver killed, a full disk


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it needs /proc")
@pytest.mark.timeout(300)
def test_a_study_under_faults_ends_with_the_undisturbed_table():
    command = [sys.executable, "-m", "tests.faults", f"--seed={SEED}", f"--trials={TRIALS}", "--minutes=4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "NO " not in done.stdout
