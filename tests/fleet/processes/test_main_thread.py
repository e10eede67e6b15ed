"""A function runs in the main thread of its process, as a script does."""

import asyncio
import contextlib
import multiprocessing
import signal
import threading
import time

import pytest

from tests.fleet.processes.studies import finished, run


class Alarm(Exception):
    pass


def alarm(config):
    def ring(number, frame):
        raise Alarm

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with contextlib.suppress(Alarm):
        time.sleep(60)
        raise AssertionError("no alarm")
    signal.alarm(1)
    signal.alarm(0)
    return {"loss": 1.0}


def in_main_thread(config):
    assert threading.current_thread() is threading.main_thread()
    assert threading.active_count() == 1
    return {"loss": 1.0}


def asynchronous(config):
    async def count():
        await asyncio.sleep(0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)  # in a main thread only
        process = await asyncio.create_subprocess_exec("true")
        return await process.wait()

    assert asyncio.get_event_loop_policy().get_event_loop() is not None
    return {"loss": float(asyncio.run(count()))}


def square(x):
    return x * x


def with_processes(config):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(square, range(4)) == [0, 1, 4, 9]
    return {"loss": 1.0}


@pytest.mark.parametrize("function", [alarm, in_main_thread, asynchronous, with_processes])
def test_what_needs_a_main_thread(tmp_path, function):
    table, _ = run(function, tmp_path / "s", range(2))
    assert finished(table)


def test_what_needs_a_main_thread_on_ray(tmp_path, ray_cluster):
    table, _ = run(alarm, tmp_path / "s", range(4), workers=2)
    assert finished(table)
