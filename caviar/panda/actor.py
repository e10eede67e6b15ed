"""The actor in which a Panda lives. It trains in short slices and answers between them.

Everything runs in the one event loop of the actor: a command is a coroutine that gets its turn after a slice, so that
no locks are needed and every answer comes within a slice or two. What is not an answer is a `Refusal`.
"""

import asyncio
import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import ray
from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put

from caviar.errors import CaviarError, InputError, StorageError
from caviar.files import open_store
from caviar.fleet.cluster import cloudpickle
from caviar.panda import interpreter
from caviar.panda.local_ray import NAMESPACE
from caviar.panda.rules import Rule
from caviar.panda.serialization import command_from_plain, is_built_in
from caviar.panda.session import Session, wake
from caviar.panda.state import Activity, PandaStatus, Snapshot

T = TypeVar("T")

SLICE_SECONDS = 0.02  # of training between two moments in which commands are answered
POLL_SECONDS = 0.05  # between two looks of `wait_idle`


@dataclass(frozen=True)
class Refusal:
    """A CaviarError as a plain value, which pickles whatever the error's own arguments are."""

    kind: type[CaviarError]
    sentence: str

    @classmethod
    def of(cls, error: CaviarError) -> "Refusal":
        """Return the refusal for an error."""
        return cls(InputError if isinstance(error, InputError) else StorageError, str(error))


class PandaActor:
    """A detached, restarting, asynchronous actor.

    Args:
        folder: the Panda's, or its URI, which this node can read and write.
        own_rules: the user's own rules that the Panda may follow, from `pack_rules`. They come through Ray from the
            user's process, never from the folder; Ray passes them again when it restarts the actor.
    """

    def __init__(self, folder: str, own_rules: bytes) -> None:
        self._session: Session | None = None
        self._trouble = ""
        self._failure: Refusal | None = None
        self._commanded = asyncio.Event()
        try:
            self._own_rules = unpack_rules(_recall() or own_rules)
            self._session = wake(open_store(folder), self._own_rules)
        except CaviarError as error:
            self._failure = Refusal(StorageError, str(error))
        self._task = asyncio.get_running_loop().create_task(self._live())

    async def _live(self) -> None:
        while self._session is not None:
            if not self._busy:
                self._commanded.clear()
                await self._commanded.wait()
            try:
                interpreter.advance(self._session, SLICE_SECONDS)
            except CaviarError as error:
                self._trouble = str(error)
            except Exception as error:
                traceback.print_exc()
                self._trouble = f"training failed with {type(error).__name__}: {error}"
            await asyncio.sleep(0)

    @property
    def _busy(self) -> bool:
        return self._session is not None and self._session.busy and not self._trouble

    async def handle(self, identity: str, command: Mapping[str, object], own_rules: bytes) -> PandaStatus | Refusal:
        """Execute a command once, however often it is sent under its identity.

        Args:
            identity: of the command.
            command: its plain data.
            own_rules: the user's own rules that it names, from `pack_rules`.
        """

        def run(session: Session) -> PandaStatus:
            rules = unpack_rules(own_rules)
            self._trust(rules)
            self._trouble = ""  # it may try again
            interpreter.handle(session, identity, command_from_plain(command, rules))
            self._commanded.set()
            return self._status(session)

        return self._answer(run)

    async def status(self) -> PandaStatus | Refusal:
        """Return how the Panda is."""
        return self._answer(self._status)

    async def snapshot(self) -> Snapshot | Refusal:
        """Return its status, history and diary."""
        return self._answer(lambda session: Snapshot(self._status(session), session.state.history, session.state.diary))

    async def wait_idle(self, seconds: float) -> PandaStatus | Refusal:
        """Return its status once it has nothing left to do, after that many seconds at most."""
        deadline = time.monotonic() + seconds
        while self._busy and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
        return self._answer(self._status)

    def _status(self, session: Session) -> PandaStatus:
        return PandaStatus(
            state=Activity.IN_TROUBLE if self._trouble else session.activity,
            busy=self._busy,
            trouble=self._trouble,
            data=session.dataset.name,
            epoch=session.epoch,
            step=session.state.step,
            epochs_remaining=session.state.epochs_remaining,
            config=dict(session.config),
            rules=tuple(map(repr, session.state.rules)),
            checkpoints=tuple(sorted(session.state.checkpoints)),
            folder=str(session.store),
            process=f"{socket.gethostname()}:{os.getpid()}",
        )

    def _answer(self, question: Callable[[Session], T]) -> T | Refusal:
        if self._session is None:
            return self._failure or Refusal(StorageError, "the Panda has not started; wake it again")
        try:
            return question(self._session)
        except CaviarError as error:
            return Refusal.of(error)

    def _trust(self, rules: Sequence[Rule]) -> None:
        """Keep rules that came with a command for a restart: in Ray, since a checkpoint must not hold code."""
        unknown = tuple(rule for rule in rules if rule not in self._own_rules)
        if unknown:
            self._own_rules = (*self._own_rules, *unknown)
            _internal_kv_put(_key(), pack_rules(self._own_rules), namespace=NAMESPACE)


def pack_rules(rules: Sequence[Rule]) -> bytes:
    """Return the user's own ones among rules, pickled for the actor; b"" where all are Caviar's.

    Raises:
        InputError: one of them cannot be pickled.
    """
    own_rules = tuple(rule for rule in rules if not is_built_in(rule))
    try:
        return cloudpickle.dumps(own_rules) if own_rules else b""
    except Exception as error:  # a pickler passes on whatever an object's own code raises
        raise InputError(f"rules must be picklable, got {own_rules!r} ({error}); keep open files out of them") from None


def unpack_rules(packed: bytes) -> tuple[Rule, ...]:
    """Return the rules that `pack_rules` packed in the user's process; never called with what a folder holds.

    Raises:
        InputError: their module cannot be imported here.
    """
    try:
        rules: tuple[Rule, ...] = cloudpickle.loads(packed) if packed else ()
    except Exception as error:
        raise InputError(
            f"the Panda's own rules cannot be loaded on its node ({error}); install their module on the cluster"
        ) from None
    return rules


def _recall() -> bytes | None:
    """Return the rules that commands brought before Ray restarted this actor."""
    packed: bytes | None = _internal_kv_get(_key(), namespace=NAMESPACE)
    return packed


def _key() -> str:
    return f"panda-rules:{ray.get_runtime_context().get_actor_id()}"  # the same after a restart
