"""Leaves out the modules whose optional package is not installed, and says so at the end of a run."""

from importlib.util import find_spec

NEEDS = {  # a module or folder, and the package without which it cannot be imported
    "caviar/tune.py": "pyarrow",  # Ray Tune needs it
    "tests/jobs/end_to_end.py": "moto",
    "tests/jobs/test_cluster.py": "nbclient",
    "tests/notebooks": "nbclient",
    "tests/space/test_entries.py": "pyarrow",
    "tests/test_tune.py": "pyarrow",
}
MISSING = {file: package for file, package in NEEDS.items() if find_spec(package) is None}
collect_ignore = [*MISSING]


def pytest_terminal_summary(terminalreporter):
    for file, package in MISSING.items():
        terminalreporter.write_line(f"{file} is left out: {package} is not installed (it is a part of test-all)")
