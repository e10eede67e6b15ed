import signal
import socket
from types import SimpleNamespace

import pytest

from caviar.errors import CaviarError, ClusterError, InputError
from caviar.fleet.cluster import Placement, connected, hold_interrupts


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_an_address_where_nobody_listens_is_refused_at_once(form):
    with pytest.raises(ClusterError, match="nothing answers at the Ray address"):
        Placement.of("auto", form.format(free_port()), None, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("auto", "nonsense", None, None), "address='nonsense'"),
        ((-1, None, None, None), "workers=-1"),
        ((True, None, None, None), "workers=True"),
        (("many", None, None, None), "workers='many'"),
        (("auto", None, {"cpu": -1}, None), "cpu=-1"),
        (("auto", None, None, 0.0), "trial_timeout=0.0"),
    ],
)
def test_a_placement_that_cannot_be_is_one_sentence(arguments, words):
    with pytest.raises(InputError, match=words) as error:
        Placement.of(*arguments)
    assert isinstance(error.value, CaviarError)
    assert "\n" not in str(error.value)


def test_ctrl_c_waits_for_the_end_of_what_must_not_be_interrupted_and_a_second_does_not(request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # one that runs in the background ignores it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupted(times):
        with hold_interrupts():
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)  # to this very thread, so that two are never merged
            steps.append(times)

    steps = []
    for times in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            interrupted(times)
    assert steps == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("address", "failures", "tried"), [(None, 1, 2), ("ray://host:1", 1, 2), ("ray://host:1", 2, 2), ("host:1", 1, 1)]
)
def test_a_ray_that_has_to_be_started_for_us_is_tried_twice(monkeypatch, address, failures, tried):
    calls = []

    def init(**options):
        calls.append(options)
        if len(calls) <= failures:
            raise ConnectionAbortedError("Initialization failure from server:\nTraceback\nRuntimeError: it is slow\n")

    stand_in = SimpleNamespace(init=init, shutdown=lambda: None, is_initialized=lambda: False)
    monkeypatch.setattr("caviar.fleet.cluster.ray", stand_in)
    if failures < tried:
        with connected(Placement(address=address)):
            pass
    else:
        with (
            pytest.raises(ClusterError, match="server: RuntimeError: it is slow; start"),
            connected(Placement(address=address)),
        ):
            pass
    assert len(calls) == tried
