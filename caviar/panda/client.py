"""The client of a Panda: questions and commands to its actor, repeated while the actor restarts."""

import time
import uuid
from collections.abc import Sequence
from typing import TypeVar

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError

from caviar.errors import ClusterError, InputError, StorageError
from caviar.fleet.cluster import total_trainers
from caviar.panda.actor import PandaActor, Refusal, pack_rules
from caviar.panda.commands import Command, Follow
from caviar.panda.local_ray import NAMESPACE, PREFIX, panda_names
from caviar.panda.rules import Rule
from caviar.panda.serialization import command_to_plain
from caviar.panda.state import Activity, PandaStatus, Snapshot

T = TypeVar("T", PandaStatus, Snapshot)

POLL_SECONDS = 5.0  # of one call that waits


class PandaClient:
    """Calls to the actor of one Panda; this process is connected to its Ray.

    Args:
        name: of the Panda.
        actor: where it lives.
        folder: where it keeps its files, for errors.
        patience: seconds until a Panda that does not answer is given up: what a restart may take.
    """

    def __init__(self, name: str, actor: ActorHandle, folder: str = "", patience: float = 120.0) -> None:
        self._name, self._actor, self._folder, self._patience = name, actor, folder, patience

    @classmethod
    def start(cls, name: str, folder: str, rules: Sequence[Rule] = ()) -> "PandaClient":
        """Start the actor of a Panda: it outlives this process, and Ray restarts it whenever it dies.

        Args:
            name: of the Panda.
            folder: where its files are.
            rules: those that it may follow.

        Raises:
            InputError: a Panda of that name lives already.
            StorageError: the actor cannot read the folder.
            ClusterError: no CPU for it.
        """
        if total_trainers({"cpu": 1.0}) < 1:
            raise ClusterError("this Ray has no CPU for a Panda; add a node")
        options = {"name": PREFIX + name, "namespace": NAMESPACE, "lifetime": "detached"}
        own_rules = pack_rules(rules)
        try:
            actor = ray.remote(PandaActor).options(**options, max_restarts=-1, num_cpus=1).remote(folder, own_rules)
        except ValueError:  # another process was faster
            refuse_living(name)
            raise
        client = cls(name, actor, folder)
        try:
            client.status()
        except StorageError:  # of no use without its folder
            ray.kill(actor, no_restart=True)
            raise
        return client

    @classmethod
    def find(cls, name: str) -> "PandaClient | None":
        """Return the client of a Panda that lives already; None if there is none of that name."""
        try:
            return cls(name, ray.get_actor(PREFIX + name, namespace=NAMESPACE))
        except ValueError:
            return None

    def status(self) -> PandaStatus:
        """Return how the Panda is."""
        return self._call(PandaStatus, "status")

    def snapshot(self) -> Snapshot:
        """Return its status, history and diary."""
        return self._call(Snapshot, "snapshot")

    def send(self, command: Command) -> None:
        """Give a command; it is executed once, however often it has to be sent.

        Raises:
            InputError: the Panda refuses it.
        """
        own_rules = pack_rules(command.rules) if isinstance(command, Follow) else b""
        self._call(PandaStatus, "handle", uuid.uuid4().hex, command_to_plain(command), own_rules)

    def wait_idle(self) -> None:
        """Wait until it has nothing left to do; raises StorageError if it had to give up."""
        while (status := self._call(PandaStatus, "wait_idle", POLL_SECONDS)).busy:
            pass
        if status.trouble:
            raise StorageError(f"{self._name} has stopped training: {status.trouble}")

    def wait_fork(self) -> None:
        """Wait until its fork has ended, or is paused."""
        while self.status().state is Activity.FORKING:
            self._call(PandaStatus, "wait_idle", 0.2)

    def kill(self) -> None:
        """End the actor for good."""
        ray.kill(self._actor, no_restart=True)
        while self._name in panda_names():
            time.sleep(0.05)

    def _call(self, kind: type[T], method: str, *arguments: object) -> T:
        """Return the answer of a method of `PandaActor`, called again while the actor restarts.

        Raises:
            ClusterError: it is gone, or does not answer.
            CaviarError: what the Panda itself refuses.
        """
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = ray.get(getattr(self._actor, method).remote(*arguments), timeout=self._patience)
                break
            except (RayActorError, GetTimeoutError):
                self._check_living(deadline)
                time.sleep(0.1)
        if isinstance(answer, Refusal):
            raise answer.kind(answer.sentence)
        assert isinstance(answer, kind)
        return answer

    def _check_living(self, deadline: float) -> None:
        if not ray.is_initialized() or self._name not in panda_names():
            raise ClusterError(
                f"the Panda {self._name!r} is gone, but its folder is not; continue with "
                f"caviar.Panda.wake({self._name!r}, folder={self._folder!r})"
            ) from None
        if time.monotonic() > deadline:
            raise ClusterError(
                f"the Panda {self._name!r} has not answered for {self._patience:.0f} s; is there a free CPU for it, "
                "and does its node run?"
            ) from None


def refuse_living(name: str) -> None:
    """Raise InputError if a Panda of that name lives already."""
    if name in panda_names():
        raise InputError(f"a Panda named {name!r} lives already; attach to it, or choose another name")
