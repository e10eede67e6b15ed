"""What a trainer in a process of its own does: it trains the leases that arrive, and sends their events."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable

from caviar._threads import limit_all_threads
from caviar.errors import CaviarError
from caviar.fleet.messages import Event
from caviar.fleet.pickling import loads
from caviar.fleet.processes.main import end_with_parent, leave_errors
from caviar.fleet.processes.messages import Connection, Discard, LeaseEnded, TrainerReady, TrainerSetup, Unusable
from caviar.fleet.worker.stacks import StackRunner

_PRINT_SECONDS = 0.2  # between two looks at what trials have printed


def main(connection: Connection) -> None:
    """Train lease after lease until the connection ends."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides
    setup: TrainerSetup = loads(connection.recv_bytes())
    limit_all_threads(setup.threads)
    try:
        runner, sending = StackRunner(setup.trainable, setup.metric, setup.trial_timeout), threading.Lock()
    except CaviarError as error:
        connection.send(Unusable(str(error)))
        return
    leave_errors()

    def send(message: Event | TrainerReady | LeaseEnded) -> None:
        with sending:
            connection.send(message)

    threading.Thread(target=_send_output, args=(runner, send), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        send(TrainerReady(runner.name))
        while True:
            order = loads(connection.recv_bytes())
            if isinstance(order, Discard):
                runner.discard(order.trials)
                continue
            for stack in order:
                for event in runner.train(stack):
                    send(event)
            send(LeaseEnded())


def _send_output(runner: StackRunner, send: Callable[[Event], None]) -> None:
    """Send what trials print while they run, about once a second."""
    with contextlib.suppress(OSError):  # the driver has ended
        while True:
            time.sleep(_PRINT_SECONDS)
            for event in runner.printed():
                send(event)
