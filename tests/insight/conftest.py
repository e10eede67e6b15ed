import pytest

from tests.insight.studies import EVIL, mixed_space, mixed_value, outcome_of


@pytest.fixture(scope="session")
def outcome(tmp_path_factory):
    """A study of three waves with trials that failed and diverged, and names that a page must escape."""
    folder = tmp_path_factory.mktemp("insight") / "study"
    return outcome_of(folder, mixed_space(), mixed_value, trials=60, waves=3, search="coarse-to-fine", name=EVIL)
