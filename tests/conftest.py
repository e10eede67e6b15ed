import os
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = "0123456789abcdef" * 2  # Ray reads it once per process, so all test clusters share it

import pytest
from hypothesis import HealthCheck, settings

# the same examples every time, however slow the machine is
settings.register_profile("caviar", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("caviar")


def pytest_collection_modifyitems(items):
    """Let one process of `pytest -n 2` run all tests that use the Ray of the session; so do pages of documentation."""
    for item in items:
        if "ray_cluster" in item.fixturenames or "test_snippets" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(scope="session")
def ray_cluster():
    """Start one local Ray for the whole session, as it takes seconds to start."""
    os.environ.setdefault("KERAS_BACKEND", "torch")  # of the recipe for Keras: trainers have the environment of now
    import ray

    from caviar.fleet.cluster import connection
    from caviar.fleet.placement import Placement

    with connection(Placement(workers=4)):
        yield ray


@pytest.fixture
def imports(tmp_path, monkeypatch):
    """What a test imports from its own folder is forgotten when it ends, and the path to it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{tmp_path}{os.sep}"):
            del sys.modules[name]
