"""Panda: one model, babysat: tweaked as it trains, rewound when it goes wrong."""

from caviar.panda.panda import Panda
from caviar.panda.rules import (
    LowerOnPlateau,
    RaiseWhileSmooth,
    RewindOnDivergence,
    Rule,
    StopWhenNothingHelps,
    Tweak,
)

__all__ = [
    "LowerOnPlateau",
    "Panda",
    "RaiseWhileSmooth",
    "RewindOnDivergence",
    "Rule",
    "StopWhenNothingHelps",
    "Tweak",
]
