"""How a setting is written where the user writes it: in Python, on the command line, in study.toml."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Interface(Enum):
    """Where the settings of a study come from."""

    PYTHON = auto()
    COMMAND_LINE = auto()
    STUDY_FILE = auto()


_current = ContextVar("interface", default=Interface.PYTHON)


@contextmanager
def using(interface: Interface) -> Iterator[None]:
    """Write settings in the messages of a block as this interface takes them."""
    token = _current.set(interface)
    try:
        yield
    finally:
        _current.reset(token)


def setting(name: str, value: Any = None) -> str:
    """Return how a setting is written; without a value, its beginning.

    >>> setting("task", "regression"), setting("columns", {"id": "keep"}), setting("separator")
    ("task='regression'", 'columns={"id": "keep"}', 'separator=')
    >>> with using(Interface.COMMAND_LINE):
    ...     setting("task", "regression"), setting("columns", {"my id": "keep"}), setting("separator")
    ('--task regression', "--column 'my id=keep'", '--separator')
    >>> with using(Interface.STUDY_FILE):
    ...     setting("task", "regression"), setting("columns", {"id": "keep"}), setting("separator")
    ('task = "regression"', '[columns] id = "keep"', 'separator =')
    """
    match _current.get():
        case Interface.PYTHON:
            shown = _json(value) if isinstance(value, Mapping) else repr(value)
            return f"{name}={'' if value is None else shown}"
        case Interface.COMMAND_LINE:
            return _option(name, value)
        case _:
            return _line(name, value)


def _option(name: str, value: Any) -> str:
    option = f"--{'column' if name == 'columns' else name.replace('_', '-')}"
    if value is None or value is True:
        return option
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={','.join(word) if isinstance(word, list) else word}" for key, word in value.items())
    text = str(value)
    return f"{option} {shlex.quote(text) if text.isprintable() else '$' + repr(text)}"


def _line(name: str, value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"{name} = {'' if value is None else _json(value)}".rstrip()
    pairs = ", ".join(
        f"{key if _BARE_KEY.fullmatch(key) else _json(key)} = {_json(word)}" for key, word in value.items()
    )
    return f"[columns] {pairs}" if name == "columns" else f"{name} = {{ {pairs} }}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")  # which TOML does not take
