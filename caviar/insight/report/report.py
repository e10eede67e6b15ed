"""A study's report as one HTML file. It begins with what a reader of one minute needs: the winner and whether to trust
it, whether the search was worth it, what mattered, what went wrong, how to repeat it. Then come the pictures.
"""

import textwrap
from itertools import combinations
from pathlib import Path

import pandas as pd

from caviar._checks import check_path
from caviar.errors import InputError
from caviar.insight.figures.axes import fine_waves
from caviar.insight.figures.curves import best_so_far, learning_curves
from caviar.insight.figures.importance_bars import importance_bars
from caviar.insight.figures.parallel import parallel_coordinates
from caviar.insight.figures.slices import slices
from caviar.insight.figures.squares import nested_squares
from caviar.insight.figures.timeline import timeline
from caviar.insight.formatting import config_as_code
from caviar.insight.importance import MIN_TRIALS, importance, scored_trials
from caviar.insight.paper import methods
from caviar.insight.report import tables
from caviar.insight.report.answers import worth_section, wrong_section
from caviar.insight.report.page import Picture, Section, write_page
from caviar.insight.report.reproduce import reproduction, settings_table
from caviar.insight.report.unseen import data_section, unseen_section
from caviar.insight.surrogate import LEAST
from caviar.records.outcome import AnyStudy, Outcome, outcome_of

LINE = 110  # characters of LaTeX
PAIRED = 3  # this many of the most important hyperparameters are drawn in pairs
MIN_FIT = 0.3  # of the variance that the forest predicts; below, its shares are not to be trusted
MIN_SHARE = 0.02  # of the variance; a hyperparameter with less is not drawn in pairs, unless it is among the first two
_SHARE = (
    "A share of the space is the product of the shares of all hyperparameters: of a range on its scale, by whole "
    "values where they are integers, or of options by their probabilities."
)


def report(study: AnyStudy, path: str | Path | None = None) -> Path:
    """Write a study's report: one HTML file that opens anywhere, with no server and no network.

    Args:
        study: a study, its outcome or its folder, with at least one trial that has ended.
        path: the file; `report.html` in the study's folder by default.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp())
    >>> _ = study.run(progress=False)
    >>> report(study.outcome).name
    'report.html'
    """
    outcome = outcome_of(study)
    settings = outcome.settings
    if not len(outcome.table):
        raise InputError(f"a report needs a trial that has ended, got none in {outcome.folder}; try running the study")
    shares = None
    if len(scored_trials(outcome)) >= MIN_TRIALS:
        shares = importance(outcome)
    sections: list[Section] = []
    if outcome.has_finished:
        unseen = [unseen_section(outcome, outcome.test)] if outcome.test else []
        sections += [_winner(outcome), *unseen, worth_section(outcome)]
    if shares is not None:
        sections.append(_importance(outcome, shares))
    sections += [wrong_section(outcome), _reproduction(outcome)]
    if outcome.has_finished:
        sections.append(_paper(outcome))
    sections.append(_zoom(outcome, shares))
    if outcome.has_finished:
        sections.append(_progress(outcome))
    if outcome.notes:
        sections.append(data_section(outcome.notes))
    goal = f"{settings.objective.mode}imise {settings.objective.metric}"
    lead = f"A Caviar study: {goal} over {outcome.space.dimension} hyperparameters by {settings.search} search."
    lead += tables.when_sentence(outcome.table)
    file = outcome.folder / "report.html" if path is None else Path(check_path("path", path))
    return write_page(file, settings.name, lead, tables.key_figures(outcome), sections)


def _winner(outcome: Outcome) -> Section:
    sentences = [tables.winner_sentence(outcome)]
    if not outcome.test and (held_out := tables.held_out_metric(outcome)):  # of a study from before evaluations
        sentences.append(
            f"On held-out data, which no choice depended on, its {held_out} is {outcome.best.metrics[held_out]:.4g}. "
            "Expect this value: the metric that the search optimised is always a little optimistic."
        )
    confirmation = outcome.confirmation.rename(columns={"seen": "when chosen"})
    again = {"Trained again with fresh seeds": confirmation} if len(confirmation) else {}
    listed = {**again, "The ten best": tables.ten_best(outcome)}
    return Section("The winner", sentences, tables=listed, code=config_as_code(outcome.best.config))


def _importance(outcome: Outcome, shares: pd.DataFrame) -> Section:
    first, fit = shares.iloc[:2], max(0.0, shares.attrs["fit"])
    explained = (
        f"{' and '.join(first['hyperparameter'])} alone explain{'s' if len(first) == 1 else ''} "
        f"{first['share'].sum():.0%} of the variance of {outcome.settings.objective.metric} (functional ANOVA on a "
        "random forest, over the whole space)."
    )
    predicted = f"The forest predicts {fit:.0%} of the variance of trials it has not seen"
    if fit < MIN_FIT:
        sentences = [f"These trials do not show it. {predicted}, so the shares below mean little. By them, {explained}"]
    else:
        sentences = [f"{explained} {predicted}; the lower this is, the less the shares mean."]
    if disagreements := [sentence for sentence in shares["disagreement"] if sentence]:
        sentences.append(f"The data disagree with the tiers: {'; '.join(disagreements)}.")
    pictures = [Picture(importance_bars(shares), shares, width=340)]
    if len(outcome.ranking) >= LEAST:
        columns = _columns(outcome.table, *shares["hyperparameter"], outcome.settings.objective.metric)
        pictures.append(Picture(slices(outcome), columns, width=680))
    return Section("What mattered", sentences, pictures)


def _zoom(outcome: Outcome, shares: pd.DataFrame | None) -> Section:
    sentences = [tables.wave_sentence(row) for _, row in fine_waves(outcome.waves).iterrows()] or [
        "Every wave was sampled from the whole space."
    ]
    if len(fine_waves(outcome.waves)):
        sentences.append(_SHARE)
    sentences += [f"{sentence}." for sentence in (*outcome.edges, outcome.stopped) if sentence]
    table = outcome.table
    readable = table.drop(columns=["began", "ended", "seed", "worker", "confirms"], errors="ignore")
    pictures = [Picture(parallel_coordinates(outcome), readable, width=96 * (outcome.space.dimension + 1))]
    if shares is not None:
        drawn = shares["hyperparameter"][(shares["share"] > MIN_SHARE) | (shares.index < 2)][:PAIRED]
        for x, y in combinations(drawn, 2):
            columns = _columns(table, x, y, outcome.settings.objective.metric)
            pictures.append(Picture(nested_squares(outcome, x, y), columns))
    return Section(
        "Where the search zoomed in, and why",
        sentences,
        pictures,
        {"The waves": tables.short_waves(outcome), "The squares": tables.squares_of_waves(outcome)},
    )


def _progress(outcome: Outcome) -> Section:
    history, ten = outcome.history, [result.trial for result in outcome.ranking[:10]]
    columns = _columns(outcome.table, outcome.settings.objective.metric, "seconds")
    pictures = [
        Picture(best_so_far(outcome, "trials"), columns),
        Picture(learning_curves(outcome), history[history["trial"].isin(ten)]),
    ]
    if "began" in outcome.table:
        times = outcome.table[["trial", "worker", "began", "ended", "seconds", "state"]]
        pictures.append(Picture(timeline(outcome), times, width=680))
    return Section("How it got there", pictures=pictures)


def _reproduction(outcome: Outcome) -> Section:
    settings = outcome.settings
    sentences = ["The same seed and data give the same table, whatever the number of workers."]
    if settings.early_stopping is not None and settings.early_stopping.asynchronous:
        sentences = [
            "Asynchronous early stopping depends on which trials are faster: another run gives a different table."
        ]
    elif settings.budget.waves == "continuous":
        sentences = ["The same seed and data give the same table with one worker; with more, the order may differ."]
    if outcome.initial_trials:
        sentences.append(
            f"Before its first run the study was given {outcome.initial_trials}; the code below does not add them."
        )
    listed = {"Settings": settings_table(outcome)}
    return Section(
        "How to reproduce it", sentences, tables=listed, code=reproduction(outcome.began or settings, outcome.extended)
    )


def _paper(outcome: Outcome) -> Section:
    latex = textwrap.fill(methods(outcome, "latex"), LINE, break_long_words=False, break_on_hyphens=False)
    return Section("For a paper", [methods(outcome).replace("`", ""), "The same in LaTeX:"], code=latex)


def _columns(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return some columns of the results, with the number, wave and state of each trial."""
    return table[["trial", "wave", "state", *(name for name in dict.fromkeys(names) if name in table)]]
