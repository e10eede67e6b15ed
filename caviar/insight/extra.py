"""The optional extra `caviar[report]`: imported when needed, named in a sentence where it is missing."""

import importlib
from typing import Any

from caviar.errors import MissingError


def optional(module: str, wanted_for: str) -> Any:
    """A module of the extra.

    Args:
        module: its name, such as "plotly.graph_objects".
        wanted_for: what cannot be done without it, for the sentence.

    Raises:
        MissingError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not module.startswith((error.name or "?").split(".")[0]):
            raise
        package = {"sklearn": "scikit-learn"}.get(module.split(".")[0], module.split(".")[0])
        raise MissingError(wanted_for, package, "report") from None
