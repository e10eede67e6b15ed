"""Whether one study is better than another: pairs, groups, cost, differences, and what hyperparameters gain."""

import json
import math

import numpy as np
import pytest

import caviar
from caviar.cli.main import main
from caviar.errors import InputError
from caviar.insight.attribution import gains_between
from tests.insight.studies import EVIL, cube, outcome_of


def bowl(config, number):
    return sum(weight * (value - 0.3) ** 2 for weight, value in zip((1, 0.2, 0), config.values(), strict=False))


def noisy(scale):
    def train(config, seed):
        return {"score": bowl(config, 0) + scale * np.random.default_rng(seed).standard_normal()}

    return train


def study_of(folder, seed=0, *, trials=24, search="coarse-to-fine", noise=0.02, **settings):
    study = caviar.Study(
        noisy(noise), space=cube(2), metric="score", mode="min", trials=trials, seed=seed, search=search, workers=0,
        isolation="none", out=folder, **{"confirm": False, **settings},
    )  # fmt: skip
    study.run(progress=False)
    return study.outcome


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Folders of three studies each: waves, and random searches with the same seeds; and of other seeds."""
    root = tmp_path_factory.mktemp("comparison")
    for seed in range(3):
        study_of(root / "waves" / f"seed{seed}", seed)
        study_of(root / "random" / f"seed{seed}", seed, trials=12, search="random")
        study_of(root / "others" / f"seed{seed}", 10 + seed)
    return root


def test_studies_of_a_folder_are_paired_by_seed(root):
    found = caviar.compare(root / "random", root / "waves")
    assert found.seeds == (0, 1, 2)
    assert (found.a.name, found.b.name, found.a.studies) == ("random", "waves", 3)
    assert found.gain.value > 0
    assert found.probability > 0.8
    assert "waves is better than random on average over 3 pairs of studies with the same seed: score" in str(found)
    assert "Compared with random, waves took 2 times the trials, 2 times the epochs" in str(found)
    assert [(d.setting, d.a, d.b) for d in found.differences] == [
        ("trials", "12", "24"),
        ("search", "random", "coarse-to-fine"),
    ]


def test_the_other_way_round_it_is_the_opposite(root):
    one, other = (
        caviar.compare(*(root / name for name in names)) for names in (("random", "waves"), ("waves", "random"))
    )
    assert other.gain.value == pytest.approx(-one.gain.value)
    assert other.probability == pytest.approx(1 - one.probability)
    assert str(one).partition(":")[0] == str(other).partition(":")[0]


def test_studies_with_other_seeds_are_not_paired(root):
    found = caviar.compare(root / "waves", root / "others")
    assert found.seeds == ()
    assert found.gain.low < 0 < found.gain.high
    assert [d.setting for d in found.differences] == ["seed"]
    assert found.differences[0].a == "0, 1, 2"


def test_two_studies_are_compared_by_their_winners(root):
    found = caviar.compare(root / "random" / "seed0", root / "waves" / "seed0")
    assert (found.a.name, found.b.name) == ("a", "b")  # the folders have the same name
    assert "the winner of b is better than that of a" in str(found)
    assert found.gain.low < found.gain.value < found.gain.high
    same = caviar.compare(root / "waves" / "seed0", root / "waves" / "seed0")
    assert (same.gain.value, same.probability, same.differences, same.gains) == (0, 0.5, (), ())
    assert str(same).endswith("Settings, data and versions are the same.")


def test_an_outcome_a_list_and_one_against_several(root):
    outcomes = [caviar.Outcome.read(root / "waves" / f"seed{seed}") for seed in range(3)]
    found = caviar.compare(outcomes[0], outcomes[1:])
    assert (found.a.studies, found.b.studies, found.seeds) == (1, 2, ())
    assert math.isfinite(found.gain.low)
    assert caviar.compare(outcomes[0], [outcomes[1]]).b.name == "b"


def test_best_so_far_gets_better_until_the_end(root):
    table = caviar.compare(root / "random" / "seed0", root / "waves" / "seed0").table()
    assert table["trials"].tolist() == [1, 2, 4, 8, 12, 16, 24]
    assert table["b"].is_monotonic_decreasing
    assert table["a"].notna().tolist() == [True] * 5 + [False] * 2
    several = caviar.compare(root / "random", root / "waves").table()
    assert (several["b_low"] <= several["b"]).all()
    assert several["b"].iloc[-1] < several["b"].iloc[0]


def test_confirmed_winners_count_by_their_confirmation(tmp_path):
    outcomes = [study_of(tmp_path / str(k), k, noise=noise, confirm=(2, 30)) for k, noise in enumerate((0.05, 0.06))]
    found = caviar.compare(*outcomes)
    for side, outcome in zip((found.a, found.b), outcomes, strict=True):
        assert side.reached == outcome.confirmation["mean"].iloc[0]
        assert side.trials == 24 + 60
    widths = sum((o.confirmation["high"] - o.confirmation["low"]).iloc[0] for o in outcomes)
    assert found.gain.high - found.gain.low < widths


def test_what_each_hyperparameter_gains_adds_up(tmp_path):
    a, b = (study_of(tmp_path / str(k), k, noise=0.0, search="random") for k in range(2))
    gains = {each.hyperparameter: each for each in gains_between(a, b)}
    assert gains.keys() == {"x0", "x1"}
    for name, weight in (("x0", 1), ("x1", 0.2)):
        old, new = (weight * (outcome.best.config[name] - 0.3) ** 2 for outcome in (a, b))
        assert gains[name].gain.low - 1e-3 <= old - new <= gains[name].gain.high + 1e-3
    total = a.best.metrics["score"] - b.best.metrics["score"]
    assert sum(each.gain.value for each in gains.values()) == pytest.approx(total, abs=2e-3)


def test_a_choice_and_its_own_space_change_together(tmp_path):
    space = caviar.Space(
        y=caviar.uniform(0, 1), kind=caviar.choice({"a": caviar.Space(x=caviar.uniform(0, 1)), "b": None})
    )

    def value(config, number):
        return config["y"] + (config.get("x", 0) - 1) ** 2

    a, b = (outcome_of(tmp_path / str(k), space, value, mode="min", epochs=1, seed=k) for k in range(2))
    assert {each.hyperparameter for each in gains_between(a, b)} <= {"y", "kind"}


def test_nothing_is_said_of_hyperparameters_where_the_function_differs(tmp_path, root):
    other = study_of(tmp_path / "s", epochs=2)
    assert gains_between(caviar.Outcome.read(root / "waves" / "seed0"), other) == ()


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (("nowhere", "waves"), "a must be the folder of a study or of several, got '.*nowhere', which holds none"),
        (("waves", "nowhere"), "b must be the folder of a study or of several"),
    ],
)
def test_a_folder_must_hold_a_study(root, places, message):
    with pytest.raises(InputError, match=message):
        caviar.compare(*(root / place for place in places))


def test_the_metric_must_be_the_same(root, tmp_path):
    other = outcome_of(tmp_path / "s", cube(2), bowl, trials=8, mode="max", epochs=1)
    with pytest.raises(InputError, match="must have the same metric and mode, got max score and min score"):
        caviar.compare(root / "waves", other)
    with pytest.raises(InputError, match="b must hold at least one study"):
        caviar.compare(root / "waves", [])
    with pytest.raises(InputError, match=r"a study must be a caviar.Study, its outcome or its folder, got 3"):
        caviar.compare(root / "waves", 3)


def test_the_command_prints_it(root, capsys):
    main(["compare", str(root / "random"), str(root / "waves")])
    text = capsys.readouterr().out
    assert "waves is better than random" in " ".join(text.split())
    assert "Best so far, by trials" in text
    assert "coarse-to-fine" in text
    main(["compare", str(root / "random" / "seed0"), str(root / "waves" / "seed0"), "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["b"]["trials"] == 24
    assert data["progress"][-1]["a"] is None
    assert data["differences"][0] == {"setting": "trials", "a": "12", "b": "24"}


def test_a_place_without_a_study_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as end:
        main(["compare", "nowhere", "nowhere"])
    assert end.value.code == 2
    assert "no study named 'nowhere'" in capsys.readouterr().err


def test_other_code_is_a_difference(tmp_path):
    a = outcome_of(tmp_path / "a", cube(2), bowl, trials=8, mode="min", epochs=1)
    b = study_of(tmp_path / "b", trials=8)
    settings = [difference.setting for difference in caviar.compare(a, b).differences]
    assert "data or code" in settings
    assert "version of numpy" not in settings


def test_a_notebook_escapes_names(tmp_path):
    outcomes = [outcome_of(tmp_path / EVIL[:6] / str(k), cube(2), bowl, trials=8, epochs=1, seed=k) for k in range(2)]
    html = caviar.compare(outcomes[0], tmp_path / EVIL[:6])._repr_html_()
    assert EVIL[:6] not in html
    assert "<table" in html
