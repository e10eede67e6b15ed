import signal

import pytest

from caviar.fleet.interrupts import hold_interrupts


def test_ctrl_c_waits_for_the_end_of_the_block_and_a_second_one_does_not(request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background process ignores it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupt(times):
        with hold_interrupts():
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)  # to this thread, so that two are never merged
            finished.append(times)

    finished = []
    for times in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            interrupt(times)
    assert finished == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
