"""BLAS threads: results must not depend on how many cores there are, nor on what was imported first."""

import subprocess
import sys
from pathlib import Path

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
