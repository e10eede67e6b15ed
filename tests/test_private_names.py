"""Private names of Ray and scikit-learn: each is still there, and one file of Caviar uses each package's.

A failure here with a new version says what broke: mend the file that is named, then raise the upper bound of the
package in pyproject.toml.
"""

import importlib
import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "caviar"
RAY, SKLEARN = "fleet/cluster.py", "sklearn/internals.py"
NAMES = [  # the file, the module, its name, and what Caviar uses it for
    (RAY, "ray._private.authentication.authentication_token_setup", "_enable_token_auth", "to send a Panda's token"),
    (RAY, "ray._private.worker", "_global_node", "to find the folder of a session's logs"),
    (RAY, "ray._private.node", "Node.get_logs_dir_path", "to find the folder of a session's logs"),
    (RAY, "ray.experimental.internal_kv", "_internal_kv_get", "to read the rules of a Panda"),
    (RAY, "ray.experimental.internal_kv", "_internal_kv_put", "to store the rules of a Panda"),
    (RAY, "ray.job_submission", "JobSubmissionClient._do_request", "to read a study's files through the Jobs API"),
    (SKLEARN, "sklearn.base", "_fit_context", "to check arguments before a fit"),
    (SKLEARN, "sklearn.metrics._scorer", "_MultimetricScorer", "to know a search with several metrics"),
    (SKLEARN, "sklearn.utils.validation", "_check_method_params", "to index the parameters of a fit"),
    (SKLEARN, "sklearn.utils.metaestimators", "_safe_split", "to give a fold's rows to callbacks"),
    *(
        (SKLEARN, "sklearn.model_selection._validation", name, "to score folds as scikit-learn does")
        for name in ("_fit_and_score", "_warn_or_raise_about_fit_failures", "_insert_error_scores")
    ),
    *(
        (SKLEARN, "sklearn.model_selection._search", f"BaseSearchCV.{name}", "to present the results of a search")
        for name in (
            "_check_refit_for_multimetric",
            "_format_results",
            "_get_routed_params_for_fit",
            "_get_scorers",
            "_select_best_index",
        )
    ),
]


@pytest.mark.parametrize(("file", "module", "name", "purpose"), NAMES, ids=[name for _, _, name, _ in NAMES])
def test_a_private_name_is_still_there(file, module, name, purpose):
    package = {RAY: "ray", SKLEARN: "scikit-learn"}[file]
    if file == SKLEARN:
        pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    broken = f"{package} {version(package)} has no {module}.{name}, which caviar/{file} uses {purpose}"
    try:
        value = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError):
        pytest.fail(broken)
    assert name.rpartition(".")[2] in (ROOT / file).read_text(), f"caviar/{file} does not use {name} any more"


def test_no_other_file_uses_private_names():
    private = re.compile(
        r"^\s*(?:from|import) (ray|sklearn)\S*\._|^\s*from (?:ray|sklearn)\S* import .*\b_[a-z]|\bray\._"
    )
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).as_posix() not in (RAY, SKLEARN):
            found = [line for line in path.read_text().splitlines() if private.search(line)]
            assert not found, f"{path} uses private names: {found}; move them to {RAY} or {SKLEARN}"
