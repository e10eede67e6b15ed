"""Pickles a user's function with Ray's cloudpickle, and unpickles it without importing Ray.

Neither a study of the built-in network in this process nor the process of a trial should pay for that import.
"""

import importlib.util
import io
import pickle
import sys
import threading
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from caviar.errors import InputError

_CLOUDPICKLE = "ray.cloudpickle.cloudpickle"  # Ray's copy, which its pickles name
_IMPORTING = threading.Lock()  # another thread must not see a module that is half imported


def dumps(value: object) -> bytes:
    """Return a value pickled with what the user's script defines."""
    file = io.BytesIO()
    pickler = cloudpickle().Pickler(file)
    pickler.persistent_id = _name_in_cloudpickle
    pickler.dump(value)
    return file.getvalue()


def pickle_by_value(module: ModuleType) -> None:
    """Pickle what a module defines by value from now on, because trainers may not find its file."""
    cloudpickle().register_pickle_by_value(module)


def loads(content: bytes) -> Any:
    """Return what `dumps` has pickled; it must come from a study's own driver.

    >>> loads(dumps(lambda x: x + 1))(2)
    3
    """
    return _Unpickler(io.BytesIO(content)).load()


def _name_in_cloudpickle(value: object) -> str | None:
    """Return the name of what cloudpickle defines; pickle would import the package of its module, which is Ray."""
    if isinstance(value, FunctionType | type) and value.__module__ == _CLOUDPICKLE:
        return value.__qualname__
    return None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: str) -> Any:
        """Return what cloudpickle defines under a name."""
        return getattr(cloudpickle(), name)


def cloudpickle() -> ModuleType:
    """Return Ray's copy of cloudpickle; code that imports Ray later shares it."""
    with _IMPORTING:
        if _CLOUDPICKLE not in sys.modules:
            _import_cloudpickle()
    return sys.modules[_CLOUDPICKLE]


def _import_cloudpickle() -> None:
    ray = importlib.util.find_spec("ray")
    assert ray
    assert ray.origin
    if not ray.submodule_search_locations:
        raise InputError(f"{ray.origin} hides the package ray, which Caviar needs; rename the file")
    spec = importlib.util.spec_from_file_location(
        _CLOUDPICKLE, Path(ray.origin).with_name("cloudpickle") / "cloudpickle.py"
    )
    assert spec
    assert spec.loader
    module = sys.modules[_CLOUDPICKLE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
