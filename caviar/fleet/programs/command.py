"""The command of a program: words with placeholders such as {learning_rate}, filled in for each trial.

No shell reads the command, so nothing in a value is ever executed.
"""

import json
import os
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from caviar._checks import check_string, did_you_mean
from caviar.errors import InputError
from caviar.records.trial import Config

OWN_NAMES = ("config", "folder", "seed", "trial")  # placeholders that are no hyperparameters
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class ProgramError(InputError):
    """A program that could not be started, or that failed."""


def words_of(command: str) -> list[str]:
    """Return the words of a command, split as a shell does; raise InputError for quotes or braces without a partner.

    >>> words_of("python train.py --lr {lr} --name 'a name'")
    ['python', 'train.py', '--lr', '{lr}', '--name', 'a name']
    """
    check_string("command", command)
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"the command {command!r} cannot be split ({error}); close its quotes") from None
    if not words:
        raise InputError(f"command must name a program, got {command!r}; try 'python train.py --lr {{learning_rate}}'")
    for word in words:
        if any(match[0] in ("{", "}") for match in _BRACES.finditer(word)):
            raise InputError(
                f"a brace in {word!r} has no partner; write {{{{ and }}}} for braces, and put quotes around {{a name}}"
            )
    if _names_in(words[0]):
        raise InputError(f"the command must start with a program, got {words[0]!r}; try `env {words[0]} ...`")
    return words


def check_placeholders(command: str, names: Collection[str], varying: Collection[str]) -> None:
    """Raise InputError for an unknown placeholder, or for a hyperparameter that has none while others do.

    Args:
        command: of a program.
        names: of all hyperparameters and constants of a space.
        varying: those among them with more than one value.

    >>> check_placeholders("train --lr {lr}", ["lr", "units"], ["lr", "units"])
    Traceback (most recent call last):
    caviar.errors.InputError: the command has no placeholder {units}; add it, or {config}, which has all values as JSON
    """
    used = [name for word in words_of(command) for name in _names_in(word)]
    for name in used:
        if name in names and name in OWN_NAMES:
            raise InputError(f"{{{name}}} in the command has a meaning of its own; rename the hyperparameter {name!r}")
        if name not in (*names, *OWN_NAMES):
            code = not name.isidentifier()  # as in awk '{print $1}'
            hint = "; write {{ and }} for braces" if code else did_you_mean(name, [*names, *OWN_NAMES])
            raise InputError(f"the command has a placeholder {{{name}}} that is not a hyperparameter{hint}")
    if "config" in used or not set(used) & set(varying):
        return  # it may read all values from CAVIAR_CONFIG
    for name in varying:
        if name not in used:
            raise InputError(
                f"the command has no placeholder {{{name}}}; add it, or {{config}}, which has all values as JSON"
            )


def fill(command: str, values: Mapping[str, object]) -> list[str]:
    """Return the words of a command with a trial's values in place of its placeholders.

    A hyperparameter that is not active in the trial takes its option with it.

    >>> fill("train --lr {lr} --beta {beta} --gamma={gamma} {{}}", {"lr": 0.1})
    ['train', '--lr', '0.1', '{}']
    """
    filled: list[str] = []
    previous = ""
    for word in words_of(command):
        names = _names_in(word)
        if all(name in values for name in names):
            filled.append(_BRACES.sub(lambda match: _replacement(match, values), word))
        elif re.fullmatch(r"\{[^{}]*\}", word) and re.fullmatch(r"-[^={}]+", previous):
            filled.pop()
        previous = word
    return filled


def text_of(value: object) -> str:
    """Return a value as a program receives it: strings as they are, everything else as JSON.

    >>> text_of("adam"), text_of(0.1), text_of(True), text_of([8, 8])
    ('adam', '0.1', 'true', '[8, 8]')
    """
    return value if isinstance(value, str) else as_json(value)


def as_json(value: object) -> str:
    """Return a value as JSON: NumPy's as Python's, and what JSON does not know as its repr, as in the journal.

    >>> as_json({"x": 1e-05, "z": 1j})
    '{"x": 1e-05, "z": "1j"}'
    """
    return json.dumps(value, default=lambda other: other.tolist() if hasattr(other, "tolist") else repr(other))


def executable(word: str, folder: Path) -> str:
    """Return the path of the program that a command starts with; raise ProgramError if it cannot be started here."""
    host = socket.gethostname()
    if not folder.is_dir():
        raise ProgramError(
            f"there is no folder {folder} on {host}; use one that all machines share, or send it with `caviar submit`"
        )
    named = bool(os.path.dirname(word))  # by a path, and not to be looked up
    path = folder / word
    if found := shutil.which(str(path) if named else word, path=search_path()):
        return found
    if not named:
        beside = f"./{word}, which is in {folder}" if path.is_file() else "its path"
        raise ProgramError(f"there is no program {word!r} on the PATH of {host}; install it there, or give {beside}")
    if not path.is_file():
        raise ProgramError(f"there is no program {path} on {host}; paths are relative to {folder}")
    raise ProgramError(f"{path} is not executable; try `chmod +x {word}`, or name its interpreter, as in `sh {word}`")


def search_path() -> str:
    """Return PATH, with the virtual environment that runs Caviar first, as if it were activated."""
    path = os.environ.get("PATH", os.defpath)
    if sys.prefix == sys.base_prefix or not sys.executable:
        return path
    return os.pathsep.join([os.path.dirname(sys.executable), path])


def values_of(config: Config, seed: int, trial: int, folder: Path) -> dict[str, object]:
    """Return what the placeholders of a command stand for in a trial."""
    return {"config": as_json(config), "folder": str(folder), "seed": seed, "trial": trial, **config}


def _names_in(word: str) -> list[str]:
    return [match[1] for match in _BRACES.finditer(word) if match[1] is not None]


def _replacement(match: re.Match[str], values: Mapping[str, object]) -> str:
    return match[0][0] if match[1] is None else text_of(values[match[1]])
