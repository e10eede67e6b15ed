"""Files of the study on the driver's machine, for trainers on machines that do not see its folder."""

from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from caviar.files import LocalStore
from caviar.records.trial_files import StudyFiles


class DriverStore:
    """The study's folder as a `FileStore`, behind an actor on the driver's machine that all trainers share."""

    def __init__(self, files: StudyFiles) -> None:
        self._files = files
        self._actor = self._find_actor()

    def __str__(self) -> str:
        return f"{self._files.driver}:{self._files.folder}"

    def read(self, name: str) -> bytes:
        return bytes(self._call("read", name))

    def write(self, name: str, content: bytes) -> None:
        self._call("write", name, content)

    def create(self, name: str, content: bytes) -> None:
        self._call("create", name, content)

    def sizes(self, folder: str = "") -> dict[str, int]:
        return dict(self._call("sizes", folder))

    def remove(self, name: str) -> None:
        self._call("remove", name)

    def _call(self, method: str, *arguments: object) -> Any:
        """Call a method of the actor; another one is started if the trainer that started it has ended."""
        try:
            return ray.get(getattr(self._actor, method).remote(*arguments))
        except RayActorError:
            self._actor = self._find_actor()
            return ray.get(getattr(self._actor, method).remote(*arguments))

    def _find_actor(self) -> Any:
        here = NodeAffinitySchedulingStrategy(self._files.node, soft=False)
        name = f"caviar files {self}"
        actor = ray.remote(LocalStore).options(name=name, get_if_exists=True, num_cpus=0, scheduling_strategy=here)
        return actor.remote(Path(self._files.folder))
