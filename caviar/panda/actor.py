"""The keeper: the actor in which a Panda lives. It trains in small slices and listens between them.

Everything runs in the one event loop of the actor: a command is a coroutine that gets its turn after the slice,
so that none needs a lock, and each is answered within a slice or two.
"""

import asyncio
import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from caviar.errors import CaviarError
from caviar.files import open_store
from caviar.panda.commands import obey
from caviar.panda.session import Life, wake

SLICE = 0.02  # seconds of training between two moments of listening
LOOK = 0.05  # seconds between two looks of those who wait

Answer = dict[str, Any]


class Keeper:
    """A detached, restarting, asynchronous actor; each method answers with plain data, errors included.

    Args:
        folder: the Panda's, or its URI, which this node can read and write.
    """

    def __init__(self, folder: str) -> None:
        self._life: Life | None = None
        self._trouble = ""
        self._stirred = asyncio.Event()
        try:
            self._life = wake(open_store(folder))
        except CaviarError as error:
            self._trouble = str(error)
        self._task = asyncio.get_running_loop().create_task(self._live())

    async def _live(self) -> None:
        while self._life is not None:
            if not self._busy:
                self._stirred.clear()
                await self._stirred.wait()
            try:
                self._life.advance(SLICE)
            except CaviarError as error:
                self._trouble = str(error)
            except Exception as error:
                traceback.print_exc()
                self._trouble = f"training failed with {type(error).__name__}: {error}"
            await asyncio.sleep(0)

    @property
    def _busy(self) -> bool:
        return self._life is not None and self._life.working and not self._trouble

    async def tell(self, identity: str, command: str, arguments: Mapping[str, Any]) -> Answer:
        """A command (see `commands.py`), under an identity by which one that is sent twice is done once."""

        def done(life: Life) -> Answer:
            self._trouble = ""  # it is tried once more
            obey(life, identity, command, arguments)
            self._stirred.set()
            return {}

        return self._answer(done)

    async def status(self) -> Answer:
        """How it is."""
        return self._answer(
            lambda life: {
                "state": "in trouble" if self._trouble else life.state,
                "trouble": self._trouble,
                "data": life.dataset.name,
                "epoch": life.epoch,
                "step": life.memory.step,
                "left": life.memory.left,
                "config": dict(life.config),
                "rules": [repr(rule) for rule in life.rules],
                "checkpoints": sorted(map(int, life.memory.epochs)),
                "folder": str(life.place),
                "process": f"{socket.gethostname()}:{os.getpid()}",
            }
        )

    async def story(self) -> Answer:
        """Its history and its diary, as they stand in its memory."""
        return self._answer(lambda life: {"history": life.memory.history, "diary": life.memory.diary})

    async def settled(self, seconds: float) -> Answer:
        """Wait until it has nothing to do, but at most so many seconds."""
        until = time.monotonic() + seconds
        while self._busy and time.monotonic() < until:
            await asyncio.sleep(LOOK)
        return self._answer(lambda life: {"settled": not self._busy, "trouble": self._trouble})

    def _answer(self, question: Callable[[Life], Answer]) -> Answer:
        """An answer, or the error as plain data."""
        try:
            if self._life is None:
                return {"error": "StorageError", "sentence": self._trouble}
            return question(self._life)
        except CaviarError as error:
            return {"error": type(error).__name__, "sentence": str(error)}
