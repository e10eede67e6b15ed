"""BLAS threads: results must not depend on how many cores there are, nor on what was imported first."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import caviar

SEARCH = """
from threadpoolctl import threadpool_info
from caviar._threads import one_blas_thread
from caviar.search import Budget, CoarseToFine
from caviar.space import cube

{first}
search = CoarseToFine(cube(2), Budget(8))
with one_blas_thread():
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
search.estimates()
import scipy.linalg
assert len(blas) == len([library for library in threadpool_info() if library["user_api"] == "blas"])
print(*(library["num_threads"] for library in blas))
"""


@pytest.mark.parametrize("first", ["", "with one_blas_thread(): pass"])
def test_a_search_limits_the_blas_of_scipy_too_although_it_is_loaded_late(first):
    root = str(Path(caviar.__file__).parents[1])
    command = [sys.executable, "-c", SEARCH.format(first=first)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    assert set(done.stdout.split()) <= {"1"}  # none if it is one whose threads cannot be counted


def test_a_study_does_not_depend_on_what_the_program_has_told_numpy(tmp_path):
    tables = []
    for name, errors in (("default", {}), ("raise", {"all": "raise"})):
        with np.errstate(**errors):
            study = caviar.Study("digits", trials=16, epochs=2, workers=0, out=tmp_path / name)
            tables.append(study.run(progress=False).drop(columns=["seconds", "began", "ended", "worker"]))
            study.report()
    assert tables[0].equals(tables[1])
