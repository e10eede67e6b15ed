"""Run notebooks and store their outputs in them: `python -m tests.notebooks [01_quickstart ...]`, by default all.

Plotly figures are stored as figures, for Jupyter, and as images, for viewers without JavaScript. Images require
Chromium and a package that nothing else needs: `pip install kaleido`.
"""

import sys
import tempfile
from pathlib import Path

import nbformat

from caviar.fleet.cluster import connection
from caviar.fleet.placement import Placement
from tests.notebooks.running import NOTEBOOKS, execute

PICTURES = {"PLOTLY_RENDERER": "plotly_mimetype+png"}


def main(names: list[str]) -> None:
    """Run the notebooks with these names, or all."""
    import ray

    with connection(Placement(workers=4)):
        address = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address}
        for path in NOTEBOOKS:
            if not names or path.stem in names:
                with tempfile.TemporaryDirectory() as folder:
                    notebook, seconds = execute(path, Path(folder), PICTURES | address)
                path.write_text(nbformat.writes(notebook).replace(f"{folder}/", "") + "\n")  # a path on this machine
                print(f"{path.name}: {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main([name.removesuffix(".ipynb").rpartition("/")[2] for name in sys.argv[1:]])
