"""The notebooks, and a kernel that runs each from start to end in its own folder."""

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
SECONDS = 240  # for one cell, on a busy machine


def execute(path: Path, folder: Path, environment: Mapping[str, str]) -> tuple[Any, float]:
    """Run a notebook; return it with new outputs, and the seconds it took.

    Args:
        path: of the notebook, which is not changed.
        folder: where it runs and writes its files.
        environment: variables for its kernel, in addition to those of this process.
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
    start = time.monotonic()
    with _environment(environment):
        client.execute()
    return notebook, time.monotonic() - start


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the kernels that the block starts; they import the tested `caviar`."""
    before = dict(os.environ)
    code = os.pathsep.join(filter(None, [str(ROOT), before.get("PYTHONPATH")]))
    os.environ.update({"PYTHONPATH": code, **variables})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def output_kinds(notebook: Any) -> list[list[set[str]]]:
    """Return the kind and MIME types of each output of each code cell, without images.

    The pieces of a stream count as one.
    """
    cells = []
    for cell in code_cells(notebook):
        outputs: list[set[str]] = []
        for output in cell.outputs:
            kind = {output.output_type, *output.get("data", {})} - {"image/png"}
            if output.output_type != "stream" or kind not in outputs:
                outputs.append(kind)
        cells.append(outputs)
    return cells


def code_cells(notebook: Any) -> list[Any]:
    """Return the cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
