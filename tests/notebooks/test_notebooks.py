"""The notebooks run, and what is committed of them is what they show."""

import json

import nbformat
import pytest

from tests.notebooks.running import NOTEBOOKS, code_cells, executed, kinds

LIMIT = 240.0  # seconds of a notebook: each takes under 70 on two cores, and a busy machine is no mistake of theirs
SAID = {  # what an article claims, and still finds
    "04_batch_norm": (
        "batch norm reduces this shift",
        "batch norm increases this shift",
        "the two definitions disagree",
    ),
}
LARGEST = 1.5e6  # bytes of a notebook with its pictures
FOREIGN = ("/home/", "/root/", "/tmp/", "/work", "/Users/", "site-packages", "Traceback (most recent call last)")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_it_runs_and_shows_what_is_committed(path, tmp_path, ray_cluster):
    address = ray_cluster.get_runtime_context().gcs_address
    fresh, seconds = executed(path, tmp_path, {"RAY_ADDRESS": address, "PLOTLY_RENDERER": "plotly_mimetype"})
    assert kinds(fresh) == kinds(nbformat.read(path, as_version=4))
    shown = "".join(str(cell.outputs) for cell in code_cells(fresh))
    assert not [words for words in SAID.get(path.stem, ()) if words not in shown]
    assert seconds < LIMIT


def test_what_is_committed_is_whole_and_knows_no_machine(path):
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert not [word for word in FOREIGN if word in text]
    assert len(text) < LARGEST


def test_every_figure_has_a_picture_beside_it(path):
    shown = [
        output.get("data", {}) for cell in code_cells(nbformat.read(path, as_version=4)) for output in cell.outputs
    ]
    figures = [data for data in shown if "application/vnd.plotly.v1+json" in data]
    assert figures
    assert all("image/png" in data for data in figures)
    assert all(json.loads(json.dumps(data["application/vnd.plotly.v1+json"]))["data"] for data in figures)


def test_it_is_an_article(path):
    """Prose between small cells, with a title first."""
    notebook = nbformat.read(path, as_version=4)
    first, *rest = notebook.cells
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert sum(cell.cell_type == "markdown" for cell in rest) >= len(code_cells(notebook)) / 2
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 25
