"""What a new interpreter does: load the user's function, and run a trial or fork trials."""

import importlib
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

import numpy.random  # noqa: F401 - so that no forked trial has to import it

from caviar.fleet.pickling import loads
from caviar.fleet.processes.child import prepare, run_trial
from caviar.fleet.processes.messages import FUNCTION, Connection, Request, Serve, Setup, Unusable
from caviar.fleet.worker.calls import taking_seed
from caviar.fleet.worker.errors import describe


def main(connection: Connection) -> None:
    """Load the function of the setup that arrives; then run the trial that comes with it, or fork trials."""
    sys.argv[1:] = []  # they are ours
    setup: Setup = connection.recv()
    try:
        task: Request | Serve = loads(connection.recv_bytes())
        _leave_trainer(forks=isinstance(task, Serve))
        function = taking_seed(loads(Path(setup.folder, FUNCTION).read_bytes()))
    except BaseException as error:
        connection.send(Unusable(_describe(error)))
        return
    if "torch" in sys.modules:
        importlib.import_module("torch._dynamo")  # as the first optimizer does, in every trial
    prepare(setup)
    if isinstance(task, Request):
        run_trial(function, setup, task, connection)
    elif sys.platform == "linux":
        leave_errors()
        from caviar.fleet.processes.forking import serve  # needs system calls that others lack

        serve(function, setup, connection)


def _leave_trainer(*, forks: bool) -> None:
    """Leave the trainer's standard input, and see to it that all processes end when the trainer does, and only then.

    Ray kills the children of a trainer that exits, but the parent of trials has to end those first, when the connection
    breaks. A single trial ends with the trainer.
    """
    if not forks:
        end_with_parent()
        return
    _leave_standard_input()
    if sys.platform != "win32" and os.fork():
        os._exit(0)


def end_with_parent() -> None:
    """Kill this process and its group when the one that started it has ended: then its standard input ends."""
    standard_input = os.dup(0)
    _leave_standard_input()
    threading.Thread(target=_end_with, args=(standard_input,), daemon=True).start()


def _leave_standard_input() -> None:
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)


def leave_errors() -> None:
    """Leave the file of what a new interpreter prints as it starts, which nobody reads any more."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)


def _end_with(standard_input: int) -> None:
    os.read(standard_input, 1)
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _describe(error: BaseException) -> str:
    """Return an error with the line that raised it, and the remedy if that is not to mend this line."""
    file, line = traceback.extract_tb(error.__traceback__)[-1][:2]
    remedy = ""
    if isinstance(error, ImportError):
        remedy = "; install what it needs there"
    elif file == loads.__code__.co_filename:  # the pickle of what it holds
        remedy = "; what it holds cannot be pickled and unpickled: create that inside the function"
    return f"{describe(error)} ({Path(file).name}, line {line}){remedy}"
