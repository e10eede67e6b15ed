"""The figures for notebooks show every trial, wave and hyperparameter of the outcome."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.insight.plots import Plots
from tests.insight.studies import cube, outcome_of


@pytest.fixture
def plots(outcome):
    return Plots(outcome)


def test_parallel_coordinates_show_every_trial_and_square(outcome, plots):
    traces = plots.parallel().data
    assert sum(len(trace.x) / trace.meta["points_per_trial"] for trace in traces if trace.meta) == len(outcome.table)
    assert sum(trace.name.startswith("square of wave") for trace in traces) == 2


def test_squares_show_every_trial_and_square(outcome, plots):
    figure = plots.squares("rate", "units")
    assert sum(len(trace.x) for trace in figure.data) == len(outcome.table)
    assert len(figure.layout.shapes) == 2
    assert figure.layout.xaxis.ticktext == ("0.0001", "0.001", "0.01", "0.1", "1")


def test_squares_are_of_the_most_important_hyperparameters_by_default(tmp_path):
    plots = Plots(outcome_of(tmp_path, cube(3), lambda c, _: 9 * c["x2"] + 5 * c["x0"], trials=30))
    for names, axes in (((), ("x2", "x0")), (("x0",), ("x0", "x2")), ((None, "x2"), ("x0", "x2"))):
        layout = plots.squares(*names).layout
        assert (layout.xaxis.title.text, layout.yaxis.title.text) == axes


def test_importance_has_a_bar_for_each_hyperparameter(outcome, plots):
    assert len(plots.importance().data[0].y) == outcome.space.dimension


def test_curves_draw_the_ten_best_with_the_winner_on_top(outcome, plots):
    trials = [trace.meta["trial"] for trace in plots.curves().data if trace.meta]
    assert trials[::-1] == [result.trial for result in outcome.ranking[:10]]


@pytest.mark.parametrize("over", ["trials", "seconds"])
def test_the_best_so_far_never_gets_worse(plots, over):
    assert (np.diff(plots.best(over).data[-1].y) >= 0).all()


@pytest.mark.parametrize(("mode", "best"), [("min", min), ("max", max)])
def test_the_best_so_far_ends_at_the_best(tmp_path, mode, best):
    space = caviar.Space(x=caviar.uniform(-1, 1))
    outcome = outcome_of(tmp_path, space, lambda c, _: c["x"], trials=9, mode=mode)
    assert Plots(outcome).best().data[-1].y[-1] == best(outcome.table["score"])


def test_wrong_arguments_are_errors_that_name_the_right_ones(plots):
    message = "x and y must be hyperparameters that vary, got 'rat'; did you mean 'rate'"
    with pytest.raises(InputError, match=message):
        plots.squares("rat", "units")
    with pytest.raises(InputError, match="over must be 'trials' or 'seconds', got 'hours'"):
        plots.best("hours")


def test_squares_show_trials_where_a_conditional_hyperparameter_is_inactive(tmp_path):
    space = caviar.Space(kind=caviar.choice({"plain": None, "curved": caviar.Space(beta=caviar.uniform(0, 1))}))
    outcome = outcome_of(tmp_path, space, lambda c, _: c.get("beta", 2.0), trials=20)
    traces = Plots(outcome).squares("kind", "beta").data
    assert sum(np.isfinite(trace.y).sum() for trace in traces) == 20
