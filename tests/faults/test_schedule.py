"""The schedule of faults is a pure function of the seed."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.schedule import COUNTS, NODES, OF_THE_HEAD, SECONDS, Kind, schedule

seeds = st.integers(0, 2**32)


@given(seeds, st.integers(1, 1000))
def test_the_same_seed_gives_the_same_faults_in_order(seed, trials):
    random.seed(seed + 1)  # whatever else is drawn
    faults = schedule(seed, trials)
    random.random()
    assert faults == schedule(seed, trials)
    assert [fault.begun for fault in faults] == sorted(fault.begun for fault in faults)
    assert all(0 <= fault.begun < trials for fault in faults)


@given(seeds)
def test_a_study_of_300_trials_has_every_kind_and_another_seed_another_order(seed):
    faults = schedule(seed, 300)
    assert Counter(fault.kind for fault in faults) == COUNTS
    assert faults != schedule(seed + 1, 300)


@given(seeds)
def test_faults_hit_a_node_that_may_have_them_for_as_long_as_they_may_last(seed):
    for fault in schedule(seed, 300):
        assert fault.node in range(0 if fault.kind in OF_THE_HEAD else 1, NODES)
        low, high = SECONDS.get(fault.kind, (0.0, 0.0))
        assert low <= fault.seconds <= high
        assert bool(fault.step) == (fault.kind is Kind.CLOCK)


@given(seeds)
def test_what_a_machine_cannot_do_is_left_out_and_the_rest_stays(seed):
    kinds = frozenset(Kind) - {Kind.CUT_NODE, Kind.DISK}
    assert schedule(seed, 300, kinds) == [fault for fault in schedule(seed, 300) if fault.kind in kinds]
