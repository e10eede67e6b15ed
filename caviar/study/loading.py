"""Finds what a study trains: from what a user passes, or from what a journal says of it."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from caviar._checks import check_path, did_you_mean
from caviar.data.loaders import load, load_source
from caviar.data.source import Source, SourceKind, how_to_pass_again
from caviar.errors import InputError
from caviar.files import is_uri
from caviar.fleet.programs.program import Program
from caviar.study.importing import end_import, import_from
from caviar.study.own_code import Module, files_of, fingerprint, module_of, own_module, reference_of
from caviar.study.target import Target

logger = logging.getLogger("caviar")


def target_from(data: Any) -> Target:
    """Return the target of what a user passes to a study: a name, a data set, (x, y), a function, a program."""
    end_import()
    if isinstance(data, Target):
        return data
    if isinstance(data, Program):
        path, command = data.working_folder, data.command
        source = Source(SourceKind.COMMAND, path=path, command=command, fingerprint=data.fingerprint())
        return Target(data.name, source, function=data)
    if callable(data):
        return _function_target(data, module_of(data), reference_of(data))
    dataset = load(data)
    return Target(dataset.name, replace(dataset.source, fingerprint=dataset.fingerprint()), dataset=dataset)


def _function_target(function: Callable[..., Any], module: Module | None, reference: str) -> Target:
    path = str(module.root) if module else ""
    found = fingerprint(function, module, reference.rpartition(":")[2])
    source = Source(SourceKind.FUNCTION, path, function=reference, fingerprint=found)
    return Target(getattr(function, "__name__", type(function).__name__), source, function=function)


def target_from_source(source: Source) -> Target:
    """Load the target of a journal again; raise InputError for one that no file holds."""
    if source.kind is SourceKind.COMMAND:
        return target_from(Program(source.command, source.path))
    if source.kind is not SourceKind.FUNCTION:
        if source.path and not is_uri(source.path) and not Path(source.path).exists():
            raise InputError(
                f"there is no {source.path} any more; say where it is now: {how_to_pass_again('data/my.csv')}"
            )
        return target_from(load_source(source))
    module, _, name = source.function.rpartition(":")
    if "<" in name or module in ("", "__main__"):
        raise InputError(
            f"no module has the function {source.function!r}; pass it again: Study.open(folder, data=train), or "
            "caviar resume FOLDER --trainable train.py:train"
        )
    for imported in (sys.modules.get(module), sys.modules.get("__main__")):
        own = own_module(imported)
        if imported and own and (own.name, str(own.root)) == (module, source.path):
            return _target_in(imported, source.function)
    folder = Path(source.path or Path.cwd())
    if source.path and not any(file.is_file() for file in files_of(module, folder)):
        raise InputError(
            f"there is no {module} in {folder} any more; say where it is now: {how_to_pass_again('my_module:train')}"
        )
    return target_in_module(source.function, folder)


def same_target(data: Any, source: Source, folder: Path) -> Target:
    """Return the target of the study in a folder.

    Args:
        data: refused if it differs from the study's; None: load it again. A string says where it is now: the path of
            the table or of the program's folder, or a function as "module:function".
        source: of the study.
        folder: of the study.
    """
    end_import()
    if isinstance(data, str | Path) and source.kind is SourceKind.ARRAYS:
        data = None  # which no place holds
    elif isinstance(data, str | Path) and (source.path or source.kind is SourceKind.FUNCTION):
        data = _moved(source, str(data))
    target = target_from_source(source) if data is None else target_from(data)
    now, then = target.source.fingerprint, source.fingerprint
    if not (target.function and source.kind.is_code):
        if now != then:
            raise InputError(f"{folder} was started with different data from {target.name!r}; pass the original data")
    elif now and then and now != then:
        logger.warning(
            "%s, or what it uses, has changed since the study in %s began; its trials run the code as it is now",
            target.source.function or f"the program {target.name}",
            folder,
        )
    return target


def _moved(source: Source, place: str) -> Target:
    """Return the target of a source that is at another place now; a table for validation has moved with it."""
    if source.kind is SourceKind.FUNCTION:
        return target_in_module(place, Path.cwd())
    path, options = place if is_uri(place) else str(Path(check_path("data", place)).resolve()), dict(source.options)
    validation = options.get("validation")
    table = validation.get("table") if isinstance(validation, Mapping) else None
    if table and not is_uri(table) and not Path(table).exists():
        beside = Path(path).parent / os.path.relpath(table, Path(source.path).parent)
        options["validation"] = {"table": str(beside.resolve())}
    return target_from_source(replace(source, path=path, options=options))


def target_in_module(reference: str, folder: Path) -> Target:
    """Return the function "module:function" of a module in a folder, or of an installed one; or "file.py:function"."""
    end_import()
    module, _, name = reference.rpartition(":") if isinstance(reference, str) else ("", "", "")
    if not (module and name):
        raise InputError(f"trainable must be a module and its function such as 'my_module:train', got {reference!r}")
    if module.endswith(".py"):
        path = folder / module
        folder, module = path.parent, path.stem
    elif not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"trainable must name a module or a file, as in 'train.py:train', got {reference!r}")
    return _target_in(import_from(module, folder.resolve(), name), f"{module}:{name}")


def _target_in(module: ModuleType, reference: str) -> Target:
    """Return the target of a function in a module that has been imported."""
    module_name, _, name = reference.rpartition(":")
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{module_name} has no function {name!r}{did_you_mean(name, functions)}")
    return _function_target(function, own_module(module), reference)
