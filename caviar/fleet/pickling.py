"""Unpickles a user's function without importing Ray, which the process of a trial need not pay for."""

import importlib.util
import io
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_CLOUDPICKLE = "ray.cloudpickle.cloudpickle"  # Ray's copy, which its pickles name


def loads(content: bytes) -> Any:
    """Return what Ray's cloudpickle has pickled; it must come from a study's own driver.

    >>> from caviar.fleet.cluster import cloudpickle
    >>> loads(cloudpickle.dumps(lambda x: x + 1))(2)
    3
    """
    return _Unpickler(io.BytesIO(content)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """As pickle does, which would import the package of a module that is there already."""
        return getattr(_cloudpickle(), name) if module == _CLOUDPICKLE else super().find_class(module, name)


def _cloudpickle() -> ModuleType:
    """Return Ray's copy of cloudpickle; code that imports Ray later shares it."""
    if _CLOUDPICKLE not in sys.modules:
        ray = importlib.util.find_spec("ray")
        assert ray
        assert ray.origin
        spec = importlib.util.spec_from_file_location(
            _CLOUDPICKLE, Path(ray.origin).with_name("cloudpickle") / "cloudpickle.py"
        )
        assert spec
        assert spec.loader
        module = sys.modules[_CLOUDPICKLE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[_CLOUDPICKLE]
