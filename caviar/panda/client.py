"""The line to a Panda: questions and commands to the actor that it lives in, repeated while it comes back to life."""

import time
import uuid
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError

from caviar import errors
from caviar.errors import ClusterError, InputError, StorageError
from caviar.fleet.cluster import total_trainers
from caviar.panda.actor import Keeper
from caviar.panda.local_ray import NAMESPACE, PREFIX, living

PATIENCE = 120.0  # seconds until a Panda that does not answer is given up: what a restart may take
TURN = 5.0  # seconds of one turn of waiting


class Line:
    """The line to one Panda; this process is connected to its Ray.

    Args:
        name: of the Panda.
        actor: where it lives.
        folder: where it keeps its files, to name it where it is gone.
    """

    def __init__(self, name: str, actor: Any, folder: str = "") -> None:
        self._name, self._actor, self._folder = name, actor, folder

    @classmethod
    def summon(cls, name: str, folder: str) -> "Line":
        """Start the actor of a Panda: it outlives this process, and Ray restarts it as often as it dies.

        Raises:
            InputError: one of that name lives already.
            StorageError: the actor cannot read the folder.
            ClusterError: no CPU for it.
        """
        if total_trainers({"cpu": 1.0}) < 1:
            raise ClusterError("this Ray has no CPU for a Panda; add a node")
        wanted = {"name": PREFIX + name, "namespace": NAMESPACE, "lifetime": "detached"}
        try:
            actor = ray.remote(Keeper).options(**wanted, max_restarts=-1, num_cpus=1).remote(folder)
        except ValueError:  # somebody was faster
            refuse_living(name)
            raise
        line = cls(name, actor, folder)
        try:
            line.ask("status")
        except StorageError:  # of no use without its folder
            ray.kill(actor, no_restart=True)
            raise
        return line

    @classmethod
    def find(cls, name: str) -> "Line | None":
        """The line to a Panda that lives already; None where there is none of that name."""
        try:
            return cls(name, ray.get_actor(PREFIX + name, namespace=NAMESPACE))
        except ValueError:
            return None

    def ask(self, method: str, *arguments: Any) -> dict[str, Any]:
        """The answer to a question (see `Keeper`), asked again while the Panda comes back to life.

        Raises:
            ClusterError: it is gone, or does not answer.
            CaviarError: what the Panda itself refuses.
        """
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answer: dict[str, Any] = ray.get(getattr(self._actor, method).remote(*arguments), timeout=PATIENCE)
                break
            except (RayActorError, GetTimeoutError):
                self._check_living(until)
                time.sleep(0.1)
        if "error" in answer:
            raise getattr(errors, answer["error"])(answer["sentence"])
        self._folder = answer.get("folder", self._folder)
        return answer

    def tell(self, command: str, **arguments: Any) -> None:
        """Give a command (see `commands.py`); it is done once, however often it has to be sent."""
        self.ask("tell", uuid.uuid4().hex, command, arguments)

    def wait(self) -> None:
        """Wait until it has nothing left to do; raises StorageError where it had to give up."""
        while not (answer := self.ask("settled", TURN))["settled"]:
            pass
        if answer["trouble"]:
            raise StorageError(f"{self._name} has stopped training: {answer['trouble']}")

    def cut(self) -> None:
        """End the actor for good."""
        ray.kill(self._actor, no_restart=True)
        while self._name in living():
            time.sleep(0.05)

    def _check_living(self, until: float) -> None:
        if not ray.is_initialized() or self._name not in living():
            raise ClusterError(
                f"the Panda {self._name!r} is gone, but its folder is not; go on with "
                f"caviar.Panda.wake({self._name!r}, folder={self._folder!r})"
            ) from None
        if time.monotonic() > until:
            raise ClusterError(
                f"the Panda {self._name!r} has not answered for {PATIENCE:.0f} s; is there a free CPU for it, "
                "and does its node run?"
            ) from None


def refuse_living(name: str) -> None:
    """Raise InputError where a Panda of that name lives already."""
    if name in living():
        raise InputError(f"a Panda named {name!r} lives already; attach to it, or choose another name")
