"""Caviar's search as a Ray Tune searcher."""

import math
import subprocess
import sys

import numpy as np
import optuna
import pytest
from ray import tune

import caviar
from caviar.errors import InputError
from caviar.tune import CaviarSearch

DOMAINS = {
    "uniform": (tune.uniform(-1, 2), lambda v: -1 <= v <= 2),
    "loguniform": (tune.loguniform(1e-4, 1), lambda v: 1e-4 <= v <= 1),
    "quniform": (tune.quniform(0.5, 2.5, 0.5), lambda v: v in (0.5, 1.0, 1.5, 2.0, 2.5)),
    "qloguniform": (tune.qloguniform(0.1, 1.0, 0.1), lambda v: math.isclose(v * 10, round(v * 10)) and 0.1 <= v <= 1),
    "randn": (tune.randn(5, 1), lambda v: 0 <= v <= 10),
    "randint": (tune.randint(3, 6), lambda v: v in (3, 4, 5)),
    "lograndint": (tune.lograndint(1, 9), lambda v: v in range(1, 9)),
    "qrandint": (tune.qrandint(10, 30, 10), lambda v: v in (10, 20, 30)),
    "qlograndint": (tune.qlograndint(5, 20, 5), lambda v: v in (5, 10, 15, 20)),
    "choice": (tune.choice(["a", None, [1, 2]]), lambda v: v in ("a", None, [1, 2])),
}


def bowl(config):
    return (math.log10(config["lr"]) + 2) ** 2 + (config["net"]["units"] - 70) ** 2 / 1000


def is_unlucky(config):
    return config["net"]["units"] == UNLUCKY


def train(config):
    if is_unlucky(config):
        raise RuntimeError("an unlucky number")
    return {"loss": bowl(config)}


UNLUCKY = 30  # one of the first four trials of seed 0
SPACE = {"lr": tune.loguniform(1e-5, 1), "net": {"units": tune.qrandint(10, 200, 10), "kind": "mlp"}}


def run(search, trials, objective=bowl, sign=1):
    """Run trials one after the other; return their configs and values."""
    pairs = []
    for number in range(trials):
        config = search.suggest(str(number))
        pairs.append((config, sign * objective(config)))
        search.on_trial_complete(str(number), {search.metric: pairs[-1][1]})
    return pairs


def new(space=SPACE, **settings):
    return CaviarSearch(space, metric="loss", mode="min", **{"trials": 30, **settings})


@pytest.mark.parametrize("kind", DOMAINS)
def test_all_bounded_domains_are_searched(kind):
    domain, holds = DOMAINS[kind]
    seen = [config["x"]["y"] for config, _ in run(new({"x": {"y": domain}}), 20, lambda config: 0.0)]
    assert all(holds(value) for value in seen)
    assert type(seen[0]) is type(domain.sample()) or kind == "choice"
    assert len({str(value) for value in seen}) >= 3


def test_a_caviar_space_with_a_sub_space_is_searched():
    under = caviar.choice({"adam": caviar.Space(beta2=caviar.uniform(0.9, 0.999)), "momentum": None})
    space = caviar.Space(optimizer=under, constant=3)
    for config, _ in run(new(space), 10, lambda config: 0.0):
        assert set(config) - {"beta2"} == {"optimizer", "constant"}
        assert ("beta2" in config) == (config["optimizer"] == "adam")


def test_it_beats_random_search_and_the_seed_decides():
    trials = run(new(), 30)
    assert trials == run(new(), 30) != run(new(seed=1), 30)
    assert trials == [(c, -v) for c, v in run(CaviarSearch(SPACE, metric="x", mode="max", trials=30), 30, sign=-1)]
    random = np.random.default_rng(0)
    values = [bowl({"lr": 10 ** random.uniform(-5, 0), "net": {"units": random.integers(10, 201)}}) for _ in range(30)]
    assert min(value for _, value in trials) < 0.1 < min(values)


def test_a_restored_search_continues_with_the_same_trials(tmp_path):
    search, restored = new(), CaviarSearch()
    run(search, 12)
    search.suggest("running")
    search.save(str(tmp_path / "state"))
    restored.restore(str(tmp_path / "state"))
    assert restored.suggest("a") == search.suggest("a")
    for either in (restored, search):
        either.on_trial_complete("running", {"loss": 1.0})
        either.on_trial_complete("a", error=True)
        either.on_trial_complete("unknown", {"loss": 1.0})
    assert run(restored, 5) == run(search, 5)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"x": tune.qrandn(0, 1, 0.5)}, "x: a .* Float of Ray Tune has no bounds; try uniform"),
        ({"x": tune.sample_from(lambda spec: 1)}, "x: a .* Function of Ray Tune has no bounds"),
        ({"x": {"y": tune.grid_search([1, 2])}}, "x/y must be a domain with bounds, got a grid"),
        ({"x": tune.choice([{"y": tune.uniform(0, 1)}])}, "caviar.Space"),
        ({"x": tune.uniform(0, 1), "y": [caviar.uniform(0, 1)]}, r"must hold Tune's domains, got uniform\(0, 1\)"),
        ({"x": tune.uniform(0, 1), "y": optuna.distributions.IntDistribution(1, 3)}, "Tune's domains.* of optuna"),
        ({"x/y": tune.uniform(0, 1), "x": {"y": tune.uniform(2, 3)}}, "two hyperparameters are named 'x/y'"),
        ([tune.uniform(0, 1)], "space must be a caviar.Space or a dict of domains, got .*; try"),
    ],
)
def test_domains_without_bounds_are_rejected(space, words):
    with pytest.raises(InputError, match=words):
        CaviarSearch(space)


def test_missing_settings_are_named():
    with pytest.raises(InputError, match="param_space"):
        CaviarSearch(metric="loss", mode="min").suggest("a")
    with pytest.raises(InputError, match="metric and mode must be set"):
        CaviarSearch(SPACE).suggest("a")


@pytest.mark.parametrize("space", [{"x": 1}, {"x": tune.choice(["a"])}, caviar.Space(x=1)])
def test_a_space_in_which_nothing_varies_is_an_error(space):
    with pytest.raises(InputError, match="nothing varies in Space"):
        CaviarSearch(space, metric="loss", mode="min").suggest("a")


def test_a_wrong_metric_or_mode_is_an_error():
    with pytest.raises(InputError, match="mode must be 'min' or 'max', got 'minimum'"):
        CaviarSearch(SPACE, metric="loss", mode="minimum")
    with pytest.raises(InputError, match="metric must be a non-empty string"):
        CaviarSearch(SPACE, metric=["loss", "time"], mode=["min", "min"])


@pytest.mark.parametrize("value", [None, "high", [1.0], pytest.param(10**400, id="huge")])
def test_a_trial_whose_metric_is_no_number_counts_as_failed(value):
    search, failed = (CaviarSearch(SPACE, metric="loss", mode="min", trials=20) for _ in range(2))
    for number in range(12):
        assert search.suggest(str(number)) == failed.suggest(str(number))
        search.on_trial_complete(str(number), {"loss": value if number == 3 else float(number)})
        failed.on_trial_complete(str(number), {"loss": float(number)}, error=number == 3)


def test_a_search_with_functions_among_its_constants_is_saved(tmp_path):
    search, restored = CaviarSearch(SPACE | {"f": lambda x: x + 1}, metric="loss", mode="min"), CaviarSearch()
    search.save(str(tmp_path / "state"))
    restored.restore(str(tmp_path / "state"))
    assert restored.suggest("a")["f"](1) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_a_tuner_runs_the_suggestions_and_is_restored(tmp_path):
    tuner = tune.Tuner(
        train,
        param_space=SPACE,
        tune_config=tune.TuneConfig(
            search_alg=CaviarSearch(seed=0),
            metric="loss",
            mode="min",
            num_samples=4,
            max_concurrent_trials=1,
            reuse_actors=True,  # a new actor per trial would cost seconds
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), name="t", verbose=0),
    )
    results = tuner.fit()
    expected = run(new(trials=4), 4, lambda config: math.nan if is_unlucky(config) else bowl(config))
    assert [result.config for result in results] == [config for config, _ in expected]
    assert len(results.errors) == sum(is_unlucky(config) for config, _ in expected) == 1
    assert results.get_best_result().metrics["loss"] == min(value for _, value in expected if value == value)
    restored = tune.Tuner.restore(str(tmp_path / "t"), train, resume_errored=True).fit()
    assert {str(result.config) for result in restored} == {str(result.config) for result in results}


def test_without_ray_tune_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['pyarrow'] = None\nimport caviar\ntry: caviar.tune\nexcept ImportError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "caviar.tune needs Ray Tune; install it with: pip install 'caviar-tune[tune]'\n"


def test_ascending_numbers_are_searched_in_their_order():
    search = new({"lr": tune.loguniform(1e-4, 1), "size": tune.choice([32, 64, 128]), "kind": tune.choice(["a", "b"])})
    assert dict(zip((d.name for d in search._space.dimensions), search._space.categorical, strict=True)) == {
        "lr": False,
        "size": False,
        "kind": True,
    }
    assert search.suggest("0")["size"] in (32, 64, 128)
