"""What the first trainer does, in a process of its own: it trains the stacks that arrive, and sends their events."""

import contextlib
import pickle
import signal

from caviar._threads import limit_all_threads
from caviar.fleet.processes.main import end_with_parent
from caviar.fleet.processes.messages import Connection
from caviar.fleet.worker.stacks import StackRunner


def main(connection: Connection) -> None:
    """Train stack after stack until the connection ends; lists of numbers are of paused trials to discard."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides
    trainable, metric, trial_timeout, threads = pickle.loads(connection.recv_bytes())
    limit_all_threads(threads)
    runner = StackRunner(trainable, metric, trial_timeout)
    with contextlib.suppress(EOFError, OSError):
        connection.send(runner.name)
        while True:
            order = connection.recv()
            if isinstance(order, list):
                runner.discard(order)
                continue
            for event in runner.train(order):
                connection.send(event)
            connection.send(None)  # the stack has ended
