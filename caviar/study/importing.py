"""Imports the module of a user's function from a folder. A script is run up to its first study."""

import importlib
import importlib.util
import sys
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

from caviar.errors import InputError, OwnCodeError
from caviar.fleet.pickling import pickle_by_value
from caviar.study.own_code import files_of, loaded_below, own_module

_importing = ContextVar("importing", default=False)


class _FirstStudy(BaseException):
    """A script has reached its first study, so that it has defined what that one trains."""


def end_import() -> None:
    """End the import of a script that is about to begin or continue a study of its own."""
    if _importing.get():
        raise _FirstStudy


def import_from(name: str, folder: Path, function: str) -> ModuleType:
    """Import a module; one in the folder comes first, and is sent to the trainers with what it imports from there.

    Args:
        name: of the module.
        folder: where its file, or its outermost package, may be.
        function: that it is imported for.

    Raises:
        InputError: there is no such module, or its name belongs to another one.
        OwnCodeError: it raised an error.
    """
    path = files_of(name, folder)[1]
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # for what it imports itself
    try:
        module = _run(name, path, function) if path.is_file() else importlib.import_module(name)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        missing = f"there is no module {error.name!r}" if error.name == name else f"{name} needs {error.name!r}"
        raise InputError(f"{missing}; put it into {folder} or install it") from None
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        raise OwnCodeError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error
    for own in loaded_below(folder):
        if own.name in sys.modules:  # which a script under another name is not
            pickle_by_value(sys.modules[own.name])
    return module


def _run(name: str, path: Path, function: str) -> ModuleType:
    """Run the file of a module up to its first study."""
    if (taken := sys.modules.get(name)) and taken.__spec__ and own_module(taken) is None:
        raise InputError(f"{path} has the name of a module that Caviar needs, {name}; rename the file")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    token = _importing.set(True)
    try:
        spec.loader.exec_module(module)
    except _FirstStudy:
        if not hasattr(module, function.partition(".")[0]):
            raise InputError(
                f"{path} begins a study before it defines {function}; begin that under `if __name__ == '__main__':`"
            ) from None
    finally:
        _importing.reset(token)
    return module
