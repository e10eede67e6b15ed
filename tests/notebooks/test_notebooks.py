"""The notebooks run, and their outputs match the committed ones."""

import nbformat
import pytest

from tests.notebooks.running import NOTEBOOKS, code_cells, execute, output_kinds

MAX_SECONDS = 450.0  # for a notebook on a slow machine; each takes less than 70 on two idle cores
CONCLUSIONS = {  # what each article claims, and must reproduce
    "04_batch_norm": (
        "batch norm reduces this shift",
        "batch norm increases this shift",
        "the two definitions disagree",
    ),
}
MAX_BYTES = 1.5e6  # of a notebook with its images
MACHINE_SPECIFIC = (
    "/home/",
    "/root/",
    "/tmp/",
    "/work",
    "/Users/",
    "site-packages",
    "Traceback (most recent call last)",
)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_notebook_runs_and_shows_its_committed_outputs(path, tmp_path, ray_cluster):
    address = ray_cluster.get_runtime_context().gcs_address
    notebook, seconds = execute(path, tmp_path, {"RAY_ADDRESS": address, "PLOTLY_RENDERER": "plotly_mimetype"})
    assert output_kinds(notebook) == output_kinds(nbformat.read(path, as_version=4))
    outputs = "".join(str(cell.outputs) for cell in code_cells(notebook))
    assert not [words for words in CONCLUSIONS.get(path.stem, ()) if words not in outputs]
    assert seconds < MAX_SECONDS


def test_a_committed_notebook_is_complete_and_machine_independent(path):
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert not [word for word in MACHINE_SPECIFIC if word in text]
    assert len(text) < MAX_BYTES


def test_each_figure_has_an_image(path):
    outputs = [
        output.get("data", {}) for cell in code_cells(nbformat.read(path, as_version=4)) for output in cell.outputs
    ]
    figures = [data for data in outputs if "application/vnd.plotly.v1+json" in data]
    assert figures
    assert all("image/png" in data for data in figures)
    assert all(data["application/vnd.plotly.v1+json"]["data"] for data in figures)


def test_a_notebook_is_an_article(path):
    """A title comes first, and prose separates small cells."""
    notebook = nbformat.read(path, as_version=4)
    first, *rest = notebook.cells
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert sum(cell.cell_type == "markdown" for cell in rest) >= len(code_cells(notebook)) / 2
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 25
