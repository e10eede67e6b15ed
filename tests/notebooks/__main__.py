"""Run notebooks and store their outputs in them: `python -m tests.notebooks [01_quickstart ...]`, all if none is named.

Plotly figures are stored as such, for Jupyter, and as pictures beside, for viewers that draw nothing themselves. That
takes Chromium and one package more, which nothing else needs: `pip install kaleido`.
"""

import sys
import tempfile
from pathlib import Path

import nbformat

from caviar.fleet.cluster import Placement, connected
from tests.notebooks.running import NOTEBOOKS, executed

PICTURES = {"PLOTLY_RENDERER": "plotly_mimetype+png"}


def main(names: list[str]) -> None:
    """Run the notebooks of these names, or all."""
    import ray

    with connected(Placement(workers=4)):
        address = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address}
        for path in NOTEBOOKS:
            if not names or path.stem in names:
                with tempfile.TemporaryDirectory() as folder:
                    notebook, seconds = executed(path, Path(folder), PICTURES | address)
                path.write_text(nbformat.writes(notebook).replace(f"{folder}/", "") + "\n")  # no path of this machine
                print(f"{path.name}: {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main([name.removesuffix(".ipynb").rpartition("/")[2] for name in sys.argv[1:]])
