"""The notebooks, and a kernel that runs them start to end in a folder of their own."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import caviar

ROOT = Path(caviar.__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 240  # of one cell, on a machine that is busy with other things


def executed(path: Path, folder: Path, environment: Mapping[str, str]) -> tuple[Any, float]:
    """A notebook with fresh outputs, and the seconds that it took.

    Args:
        path: of the notebook, which stays as it is.
        folder: where it runs, and leaves its files.
        environment: variables for its kernel besides those of this process.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    begun = time.monotonic()
    with _environment(environment):
        client.execute()
    return notebook, time.monotonic() - begun


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that kernels started meanwhile find; `caviar` is the one that is tested."""
    before = dict(os.environ)
    code = os.pathsep.join(filter(None, [str(ROOT), before.get("PYTHONPATH")]))
    os.environ.update({"PYTHONPATH": code, **variables})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def kinds(notebook: Any) -> list[list[set[str]]]:
    """What each code cell shows: for each output its kind and MIME types, still pictures left out.

    Streams count once however many pieces they came in.
    """
    shown = []
    for cell in code_cells(notebook):
        outputs: list[set[str]] = []
        for output in cell.outputs:
            kind = {output.output_type, *output.get("data", {})} - {"image/png"}
            if output.output_type != "stream" or kind not in outputs:
                outputs.append(kind)
        shown.append(outputs)
    return shown


def code_cells(notebook: Any) -> list[Any]:
    """The cells that are run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
