"""The article on batch norm runs start to end on a real Ray, and what it says is what it still finds."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import caviar

ROOT = Path(caviar.__file__).parents[1]
PATH = ROOT / "notebooks" / "04_batch_norm.ipynb"


@pytest.mark.timeout(900)
def test_the_article_runs(tmp_path, monkeypatch, ray_cluster):
    monkeypatch.setenv("RAY_ADDRESS", ray_cluster.get_runtime_context().gcs_address)
    monkeypatch.setenv("PLOTLY_RENDERER", "plotly_mimetype")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    notebook = nbformat.read(PATH, as_version=4)
    committed = [len([o for o in cell.outputs if o.output_type != "stream"]) for cell in code(notebook)]
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    assert [len([o for o in cell.outputs if o.output_type != "stream"]) for cell in code(notebook)] == committed
    shown = "".join(str(cell.outputs) for cell in code(notebook))
    assert "batch norm reduces this shift" in shown
    assert "batch norm increases this shift" in shown
    assert "the two definitions disagree" in shown


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
