import os

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_AUTH_MODE"] = "token"

import pytest


@pytest.fixture(scope="session")
def ray_cluster():
    """One local Ray for the whole session: it takes seconds to start."""
    import ray

    from caviar.fleet.cluster import Placement, connected

    with connected(Placement(workers=4)):
        yield ray
