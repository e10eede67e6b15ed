"""Faults on a real Ray of several nodes, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def seen_on(cluster, timeout):
    """What a script of this folder has seen on its own cluster."""
    command = [sys.executable, "-m", f"tests.fleet.{cluster}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-20_000:]
    seen = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"rows"')))
    print(seen)
    return seen


@pytest.mark.timeout(900)
def test_killed_trainers_and_nodes_that_go_and_come_change_nothing_in_the_table():
    seen = seen_on("faulty_cluster", timeout=880)
    assert seen["sleepers"] == 64
    assert seen["naps"] == 256
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
    seen = seen_on("starved_cluster", timeout=280)
    assert seen["rows"] == 24
    assert seen["greedy_once"]
    assert seen["greedy"]
    assert seen["failed"] == seen["greedy"]
    assert seen["errors"] == ["its worker was lost 3 times: it was ended for lack of memory"]
    assert seen["finished"] == 24 - len(seen["greedy"])
