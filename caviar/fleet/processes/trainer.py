"""What a trainer in a process of its own does: it trains the leases that arrive, and sends their events."""

import contextlib
import signal

from caviar._threads import limit_all_threads
from caviar.fleet.pickling import loads
from caviar.fleet.processes.main import end_with_parent
from caviar.fleet.processes.messages import Connection, Discard, LeaseEnded, TrainerReady
from caviar.fleet.worker.stacks import StackRunner


def main(connection: Connection) -> None:
    """Train lease after lease until the connection ends."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides
    trainable, metric, trial_timeout, threads = loads(connection.recv_bytes())
    limit_all_threads(threads)
    runner = StackRunner(trainable, metric, trial_timeout)
    with contextlib.suppress(EOFError, OSError):
        connection.send(TrainerReady(runner.name))
        while True:
            order = loads(connection.recv_bytes())
            if isinstance(order, Discard):
                runner.discard(order.trials)
                continue
            for stack in order:
                for event in runner.train(stack):
                    connection.send(event)
            connection.send(LeaseEnded())
