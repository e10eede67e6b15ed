"""Imports the module of a user's function from a folder. A script is run up to its first study."""

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

from caviar.errors import InputError
from caviar.fleet.worker.trainables import pickle_by_value
from caviar.study.own_code import loaded_below, own_module

_importing = ContextVar("importing", default=False)


class _FirstStudy(BaseException):
    """A script has reached its first study, so that it has defined what that one trains."""


def end_import() -> None:
    """End the import of a script that is about to begin or continue a study of its own."""
    if _importing.get():
        raise _FirstStudy


def import_from(name: str, folder: Path) -> ModuleType:
    """Import a module; one in the folder comes first, and is sent to the trainers with what it imports from there.

    Raises:
        InputError: there is no such module, it cannot be imported, or its name belongs to another one.
    """
    path = folder.joinpath(*name.split("."))
    path = path.with_name(f"{path.name}.py")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # for what it imports itself
    try:
        if path.is_file():
            _check_name(name, path)
            module = _run(name, path)
        else:
            module = importlib.import_module(name)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        missing = f"there is no module {error.name!r}" if error.name == name else f"{name} needs {error.name!r}"
        raise InputError(f"{missing}; put it into {folder} or install it") from None
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        raise InputError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
    for own in loaded_below(folder):
        if own.name in sys.modules:  # which a script under another name is not
            pickle_by_value(sys.modules[own.name])
    return module


def _check_name(name: str, path: Path) -> None:
    """Raise InputError for the name of a module that Python or Caviar itself has imported."""
    taken = sys.modules.get(name)
    if getattr(taken, "__spec__", None) and taken is not None and own_module(taken) is None:
        raise InputError(f"{path} has the name of a module that Caviar needs, {name}; rename the file")


def _run(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    with _until_first_study():
        spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _until_first_study() -> Iterator[None]:
    token = _importing.set(True)
    try:
        with contextlib.suppress(_FirstStudy):
            yield
    finally:
        _importing.reset(token)
