"""The actor that runs a Panda. It trains in short slices and answers commands between them.

Everything runs in the actor's single event loop: a command is a coroutine that runs after a slice, so no locks are
needed and answers come within a slice or two. Errors are returned rather than raised, since Ray would wrap them.
"""

import asyncio
import os
import socket
import time
import traceback
from typing import Any

import ray

from caviar.errors import CaviarError, InputError, StorageError
from caviar.files import open_store
from caviar.fleet.cluster import cloudpickle, read_cluster_value, write_cluster_value
from caviar.panda import interpreter
from caviar.panda.checkpoints import PandaFiles
from caviar.panda.commands import Command, Follow, Stop
from caviar.panda.local_ray import NAMESPACE
from caviar.panda.rules import Rule
from caviar.panda.session import Session, wake
from caviar.panda.state import PandaStatus

Answer = PandaStatus | CaviarError | None

_SLICE_SECONDS = 0.02  # of training before waiting commands are answered
_POLL_SECONDS = 0.05  # between the checks of a `status` call that waits


class PandaActor:
    """A detached, restarting, asynchronous actor.

    Custom rules are pickled in the user's process and never come from the folder. Ray passes them again when it
    restarts the actor.
    """

    def __init__(self, folder: str, packed_rules: bytes) -> None:
        self._session: Session | None = None
        self._stopped = False
        self._commanded = asyncio.Event()
        try:
            # Ray stores the rules that came with commands before a restart, since a checkpoint must not hold code
            self._rules: tuple[Rule, ...] = _unpack(read_cluster_value(_key(), NAMESPACE) or packed_rules)
            self._session = wake(PandaFiles(open_store(folder)), self._rules)
        except CaviarError as error:
            self._failure = StorageError(str(error))
        self._task = asyncio.get_running_loop().create_task(self._live())

    async def handle(self, identity: str, packed_command: bytes) -> Answer:
        """Execute a command packed by `pack`, only once even if it is sent again with the same identity.

        Returns None after a stop: the process is about to end, and no command may take effect until then.
        """
        session = self._session
        if session is None:
            return self._failure
        try:
            command: Command = _unpack(packed_command)
            if self._stopped and not isinstance(command, Stop):
                return None
            if isinstance(command, Follow):
                self._trust(command.rules)
            session.trouble = ""  # try again
            self._commanded.set()
            interpreter.handle(session, identity, command)
            self._stopped = isinstance(command, Stop)
        except CaviarError as error:
            return InputError(str(error)) if isinstance(error, InputError) else StorageError(str(error))  # both pickle
        return _status(session)

    async def status(self, seconds: float = 0.0) -> Answer:
        """Return the Panda's status once its activity changes, nothing is left to do, or `seconds` have passed."""
        session = self._session
        if session is None:
            return self._failure
        deadline, activity = time.monotonic() + seconds, session.activity
        while session.busy and session.activity is activity and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
        return _status(session)

    async def _live(self) -> None:
        while self._session is not None and not self._stopped:
            if not self._session.busy:
                self._commanded.clear()
                await self._commanded.wait()
            try:
                interpreter.advance(self._session, _SLICE_SECONDS)
            except CaviarError as error:
                self._session.trouble = str(error)
            except Exception as error:
                traceback.print_exc()
                self._session.trouble = f"training failed with {type(error).__name__}: {error}"
            await asyncio.sleep(0)

    def _trust(self, rules: tuple[Rule, ...]) -> None:
        """Store rules that came with a command, so that they survive a restart."""
        unknown = tuple(rule for rule in rules if rule not in self._rules)
        if unknown:
            self._rules = (*self._rules, *unknown)
            write_cluster_value(_key(), pack(self._rules), NAMESPACE)


def pack(value: Command | tuple[Rule, ...]) -> bytes:
    """Return a command or rules pickled for the actor; raise InputError if a custom rule cannot be pickled."""
    try:
        return bytes(cloudpickle.dumps(value))
    except Exception as error:  # pickling can raise whatever the object's own code raises
        raise InputError(f"rules must be picklable, got {value!r} ({error}); keep open files out of them") from None


def _unpack(packed: bytes) -> Any:
    """Return what `pack` packed in the user's process; never called on the contents of a folder."""
    try:
        return cloudpickle.loads(packed)
    except Exception as error:
        remedy = "install their module on the cluster"
        raise InputError(f"the Panda's custom rules cannot be loaded on its node ({error}); {remedy}") from None


def _status(session: Session) -> PandaStatus:
    state = session.state
    return PandaStatus(
        state=session.activity,
        busy=session.busy,
        trouble=session.trouble,
        data=session.training.dataset.name,
        epoch=session.epoch,
        step=state.step,
        epochs_remaining=state.epochs_remaining,
        config=dict(session.config),
        rules=tuple(map(repr, state.rules)),
        checkpoints=tuple(sorted(state.checkpoints)),
        folder=str(session.files),
        process=f"{socket.gethostname()}:{os.getpid()}",
        history=state.history,
        diary=state.diary,
    )


def _key() -> str:
    return f"panda-rules:{ray.get_runtime_context().get_actor_id()}"  # the same after a restart
