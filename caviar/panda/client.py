"""The client of a Panda: sends queries and commands to its actor, and repeats them while the actor restarts."""

import time
import uuid
from collections.abc import Callable

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError

from caviar.errors import CaviarError, ClusterError, InputError, StorageError
from caviar.fleet.cluster import total_trainers
from caviar.panda.actor import Answer, PandaActor, pack
from caviar.panda.commands import Command
from caviar.panda.local_ray import NAMESPACE, PREFIX, panda_names
from caviar.panda.rules import Rule
from caviar.panda.state import PandaStatus

_POLL_SECONDS = 5.0  # for which one call waits


class PandaClient:
    """Calls to the actor of one Panda, which give up after `patience` seconds without an answer."""

    def __init__(self, name: str, actor: ActorHandle, patience: float = 120.0) -> None:
        self._name, self._actor, self._patience = name, actor, patience
        self._folder = ""  # once it has answered

    @classmethod
    def start(cls, name: str, folder: str, rules: tuple[Rule, ...] = ()) -> "PandaClient":
        """Start the actor of a Panda: it outlives this process, and Ray restarts it whenever it dies."""
        if total_trainers({"cpu": 1.0}) < 1:
            raise ClusterError("this Ray has no CPU for a Panda; add a node")
        options = {"name": PREFIX + name, "namespace": NAMESPACE, "lifetime": "detached"}
        try:
            actor = ray.remote(PandaActor).options(**options, max_restarts=-1, num_cpus=1).remote(folder, pack(rules))
        except ValueError:
            refuse_living(name)  # another process was faster
            raise
        client = cls(name, actor)
        try:
            client.status()
        except StorageError:  # useless without its folder
            ray.kill(actor, no_restart=True)
            raise
        return client

    @classmethod
    def find(cls, name: str, patience: float = 120.0) -> "PandaClient | None":
        """Return the client of a running Panda; None if there is none with that name."""
        try:
            return cls(name, ray.get_actor(PREFIX + name, namespace=NAMESPACE), patience)
        except ValueError:
            return None

    def status(self) -> PandaStatus:
        """Return the Panda's status."""
        return self._call("status")

    def send(self, command: Command) -> None:
        """Send a command, which is executed only once even if it must be sent again; raise the Panda's error."""
        self._call("handle", uuid.uuid4().hex, pack(command))

    def wait_while(self, working: Callable[[PandaStatus], bool]) -> PandaStatus:
        """Wait while a condition on the status holds; raise StorageError if an error stopped the Panda."""
        while working(status := self._call("status", _POLL_SECONDS)):
            pass
        if status.trouble:
            raise StorageError(f"{self._name} has stopped training: {status.trouble}")
        return status

    def kill(self) -> None:
        """End the actor for good."""
        ray.kill(self._actor, no_restart=True)
        while self._name in panda_names():
            time.sleep(0.05)

    def _call(self, method: str, *arguments: object) -> PandaStatus:
        """Call a method of `PandaActor`, again while the actor restarts; return its answer, or raise it."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer: Answer = ray.get(getattr(self._actor, method).remote(*arguments), timeout=self._patience)
                break
            except (RayActorError, GetTimeoutError):
                self._check_living(deadline)
                time.sleep(0.1)
        if answer is None:
            raise self._not_running()
        if isinstance(answer, CaviarError):
            raise answer
        self._folder = answer.folder
        return answer

    def _not_running(self) -> ClusterError:
        folder = f", folder={self._folder!r}" if self._folder else ""
        remedy = f"continue with caviar.Panda.wake({self._name!r}{folder})"
        return ClusterError(f"the Panda {self._name!r} is not running, but its folder remains; {remedy}")

    def _check_living(self, deadline: float) -> None:
        if not ray.is_initialized() or self._name not in panda_names():
            raise self._not_running() from None
        if time.monotonic() > deadline:
            raise ClusterError(
                f"the Panda {self._name!r} has not answered for {self._patience:.0f} s; "
                "check that its node is up and has a free CPU"
            ) from None


def refuse_living(name: str) -> None:
    """Raise InputError if a Panda with that name is already running."""
    if name in panda_names():
        raise InputError(f"a Panda named {name!r} is already running; attach to it, or choose another name")


def refuse_shared(folder: str) -> None:
    """Raise InputError if a running Panda keeps its checkpoints in a folder; two would remove each other's."""
    for name in panda_names():
        client = PandaClient.find(name, patience=5.0)
        try:
            taken = client is not None and client.status().folder == folder
        except CaviarError:  # one that has ended or does not answer keeps no other from waking
            continue
        if taken:
            raise InputError(f"the Panda {name!r} is running in {folder}; attach to it, or stop it first")
