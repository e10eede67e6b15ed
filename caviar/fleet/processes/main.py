"""What a new interpreter does: load the user's function, and run a trial or fork trials."""

import sys
import traceback
from pathlib import Path

import numpy.random  # noqa: F401 - so that no forked trial has to import it

from caviar.fleet.pickling import loads
from caviar.fleet.processes.child import prepare, run_trial
from caviar.fleet.processes.messages import Connection, Request, Serve, Setup, Unusable
from caviar.fleet.worker.calls import taking_seed


def main(connection: Connection) -> None:
    """Load the function of the setup that arrives; then run the trial that comes with it, or fork trials."""
    sys.argv[1:] = []  # they are ours
    setup: Setup = connection.recv()
    try:
        function = taking_seed(loads(setup.function))
        task: Request | Serve = loads(connection.recv_bytes())
    except BaseException as error:
        connection.send(Unusable(_describe(error)))
        return
    prepare(setup)
    if isinstance(task, Request):
        run_trial(function, setup, task, connection)
    elif sys.platform == "linux":
        from caviar.fleet.processes.forking import serve  # needs system calls that others lack

        serve(function, setup, connection, task.scratch)


def _describe(error: BaseException) -> str:
    """Return an error with the line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
