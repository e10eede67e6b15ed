import signal

import pytest

from caviar.fleet.interrupts import end_on_sigterm, hold_interrupts, keep_sigterm


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


def test_sigterm_ends_the_process_once_the_block_has_cleaned_up():
    steps = []

    def run():
        with end_on_sigterm():
            try:
                with hold_interrupts():
                    signal.raise_signal(signal.SIGTERM)
                    signal.raise_signal(signal.SIGTERM)
                    steps.append("held")
                steps.append("went on")
            finally:
                signal.raise_signal(signal.SIGTERM)  # one more does not disturb the cleanup
                steps.append("cleaned up")

    with pytest.raises(SystemExit) as end:
        run()
    assert (steps, end.value.code) == (["held", "cleaned up"], 143)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_without_sigterm_its_handler_is_as_before():
    with end_on_sigterm():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, handler := lambda number, frame: None)
    with end_on_sigterm():
        assert signal.getsignal(signal.SIGTERM) is handler
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_handler_that_python_did_not_set_ends_no_block_with_an_error(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(signal, "getsignal", lambda number: None)  # as in a program that embeds Python
        with keep_sigterm():
            pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
