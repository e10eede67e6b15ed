"""Panda: babysit one model, tweak it as it trains, rewind it when it goes wrong."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caviar.panda.panda import Panda
    from caviar.panda.rules import (
        LowerOnPlateau,
        RaiseWhileSmooth,
        RewindOnDivergence,
        Rule,
        StopWhenNothingHelps,
        Tweak,
    )

__all__ = ["LowerOnPlateau", "Panda", "RaiseWhileSmooth", "RewindOnDivergence", "Rule", "StopWhenNothingHelps", "Tweak"]


def __getattr__(name: str) -> object:  # imported on first use: Ray takes a second to load; `caviar --help` does without
    if name not in __all__:
        raise AttributeError(f"module 'caviar.panda' has no attribute {name!r}")
    return getattr(import_module("caviar.panda.panda" if name == "Panda" else "caviar.panda.rules"), name)
