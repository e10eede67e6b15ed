"""The figures for notebooks show every trial, wave and hyperparameter of the outcome."""

import numpy as np
import pytest

import caviar
from caviar.errors import InputError
from caviar.insight.figures.style import escape_label
from caviar.insight.plots import Plots
from tests.insight.studies import cube, outcome_of


@pytest.fixture
def plots(outcome):
    return Plots(outcome)


def test_parallel_coordinates_show_every_trial_and_square(outcome, plots):
    traces = plots.parallel().data
    assert sum(len(trace.x) / trace.meta["points_per_trial"] for trace in traces if trace.meta) == len(outcome.table)
    assert sum(trace.name.startswith("square of wave") for trace in traces) == 2


def test_parallel_coordinates_begin_with_the_first_and_the_last_square(tmp_path):
    outcome = outcome_of(tmp_path, cube(3), lambda c, _: c["x2"], trials=40, waves=5, search="coarse-to-fine")
    bands = [trace for trace in Plots(outcome).parallel().data if trace.name.startswith("square of wave")]
    assert [band.visible for band in bands] == [True, "legendonly", "legendonly", True]


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


def test_slices_have_a_panel_for_each_hyperparameter_with_the_winner_in_it(outcome, plots):
    figure = plots.slices()
    names = [figure.layout[f"xaxis{n}"].title.text for n in ("", 2, 3, 4)]
    assert names == [dimension.name for dimension in outcome.space.dimensions]
    winners = [trace for trace in figure.data if trace.name == "the winner"]
    assert [trace.y[0] for trace in winners] == [outcome.best.metrics["score"]] * 4
    trials = [len(trace.x) for trace in figure.data if trace.name == "trials"]
    assert trials == [(outcome.table["state"] == "finished").sum()] * 4
    broken = [len(trace.x) for trace in figure.data if trace.name == "not finished"]
    assert broken == [len(outcome.table) - trials[0]] * 4
    assert "95% band" not in [trace.name for trace in plots.slices("kind").data]


def test_a_slice_shows_what_the_function_does_along_it(tmp_path):
    figure = Plots(outcome_of(tmp_path, cube(2), lambda c, _: -((c["x0"] - 0.3) ** 2) - c["x1"], trials=40)).slices(
        "x0"
    )
    expected = next(trace for trace in figure.data if trace.name == "expected")
    assert expected.x[np.argmax(expected.y)] == pytest.approx(0.3, abs=0.05)
    band = next(trace for trace in figure.data if trace.name == "95% band")
    assert len(band.x) == 2 * len(expected.x)


def test_a_contour_is_best_where_the_function_is(tmp_path):
    plots = Plots(outcome_of(tmp_path, cube(3), lambda c, _: (c["x0"] - 0.3) ** 2 + (c["x2"] - 0.6) ** 2, mode="min"))
    field = plots.contour("x0", "x2").data[0]
    row, column = np.unravel_index(np.argmin(field.z), field.z.shape)
    assert (field.x[column], field.y[row]) == pytest.approx((0.3, 0.6), abs=0.1)
    assert field.colorscale[0][1] == plots.contour("x2", "x0").data[0].colorscale[0][1]
    with pytest.raises(InputError, match="x and y must be two hyperparameters, got 'x0' twice"):
        plots.contour("x0", "x0")


def test_a_space_of_one_hyperparameter_has_no_pair(tmp_path):
    plots = Plots(outcome_of(tmp_path, cube(1), lambda c, _: c["x0"]))
    for plot in (plots.contour, plots.ranks):
        with pytest.raises(InputError, match=r"the space has a single hyperparameter; try plot.slices\(\)"):
            plot()


def test_ranks_are_counted_from_the_best(outcome, plots):
    dots, crosses = plots.ranks("rate", "units").data
    finished = outcome.table[outcome.table["state"] == "finished"]
    assert sorted(-dots.marker.color) == list(range(1, len(finished) + 1))
    first = dots.text[int(np.argmax(dots.marker.color))]
    assert first.startswith(f"rank 1: trial {finished.loc[finished['score'].idxmax(), 'trial']}:")
    assert len(crosses.x) == len(outcome.table) - len(finished)


def test_the_distribution_ends_at_the_share_of_finished_trials(outcome, plots):
    everything, first = plots.distribution().data
    assert everything.y[-1] == pytest.approx((outcome.table["state"] == "finished").mean())
    assert (np.diff(everything.x) >= 0).all()
    assert (np.diff(first.y) >= 0).all()
    assert [trace.name for trace in plots.distribution(again=outcome).data] == [
        escape_label(outcome.settings.name),
        "again",
    ]


def test_distributions_are_of_one_metric(tmp_path, plots):
    other = outcome_of(tmp_path, cube(1), lambda c, _: c["x0"], mode="min", trials=4)
    with pytest.raises(InputError, match="study 'other' has "):
        plots.distribution(other=other)


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


@pytest.mark.parametrize("name", ["parallel", "squares", "curves", "importance", "best", "timeline", "distribution"])
def test_figures_of_a_study_that_has_not_run_are_refused(tmp_path, name):
    space = caviar.Space(x=caviar.uniform(-1, 1), y=caviar.uniform(-1, 1))
    study = caviar.Study(lambda c: c["x"], space=space, metric="loss", mode="min", workers=0, out=tmp_path / "new")
    with pytest.raises(InputError, match=r"a figure needs a trial that has ended, got none in .*; run the study"):
        getattr(study.plot, name)()
