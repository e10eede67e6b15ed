"""Faults on a real Ray of several nodes, in a process for each."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def observe(cluster, timeout):
    """Run a script of this folder on its own cluster and return what it observed."""
    command = [sys.executable, "-m", f"tests.fleet.{cluster}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-20_000:]
    observed = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"rows"')))
    print(observed)
    return observed


@pytest.mark.timeout(900)
def test_killed_trainers_and_nodes_that_leave_and_join_change_nothing_in_the_table():
    seen = observe("faulty_cluster", timeout=880)
    assert seen["sleepers"] == 32
    assert seen["naps"] == 128
    assert seen["hung"], seen
    again = seen["resumed_after_seconds"]
    assert sorted(again)[len(again) // 2] < 5, again
    assert seen["equal"], seen
    assert seen["rows"] == seen["rows_in_journal"] == 300
    assert seen["kills"] >= 5
    assert seen["starts"] > 300
    assert seen["nodes"] >= 3
    assert seen["frozen_rows"] == seen["frozen_finished"] == 60
    assert seen["frozen_trainers"] >= 1
    assert seen["frozen_again_elsewhere"] >= 1


@pytest.mark.timeout(300)
def test_trials_that_exhaust_the_memory_fail_and_their_neighbours_do_not():
    seen = observe("starved_cluster", timeout=280)
    assert seen["rows"] == 24
    assert seen["greedy_once"]
    assert seen["greedy"]
    assert seen["failed"] == seen["greedy"]
    assert seen["errors"]
    assert all(
        re.fullmatch(r"its worker was lost [3-6] times: it was killed for lack of memory", error)
        for error in seen["errors"]
    )
    assert seen["finished"] == 24 - len(seen["greedy"])
