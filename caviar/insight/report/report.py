"""The report of a study as one HTML file: what mattered, where the search zoomed in and why, how sure the winner is."""

from itertools import combinations
from pathlib import Path

import pandas as pd

from caviar.errors import InputError
from caviar.insight.figures.axes import fine_waves
from caviar.insight.figures.curves import best_so_far, learning_curves
from caviar.insight.figures.importance_bars import importance_bars
from caviar.insight.figures.parallel import parallel_coordinates
from caviar.insight.figures.squares import nested_squares
from caviar.insight.importance import MIN_TRIALS, importance, scored_trials
from caviar.insight.report.page import Picture, Section, write_page
from caviar.insight.report.reproduce import reproduction, settings_table
from caviar.insight.report.tables import failures, held_out_metric, key_figures, short_waves, squares_of_waves, ten_best
from caviar.records.outcome import Outcome
from caviar.records.trial import State

PAIRED = 3  # the most important hyperparameters, which are drawn in pairs
MIN_SHARE = 0.02  # of the variance; a hyperparameter with less is not drawn in pairs, unless it is among the first two


def report(outcome: Outcome, path: str | Path | None = None) -> Path:
    """Write a study's report: one HTML file that opens anywhere, with no server and no network.

    Args:
        outcome: with at least one trial that ended.
        path: the file; `report.html` in the study's folder by default.

    Returns:
        The file.

    Raises:
        InputError: no trial has ended yet, or Plotly or scikit-learn is not installed.
        StorageError: the file cannot be written.

    >>> import caviar, tempfile
    >>> def train(config, seed):
    ...     return {"loss": (config["x"] - 0.3) ** 2}
    >>> space = caviar.Space(x=caviar.uniform(0, 1))
    >>> folder = tempfile.mkdtemp()
    >>> study = caviar.Study(train, space=space, metric="loss", mode="min", trials=7, workers=0, out=folder)
    >>> _ = study.run(progress=False)
    >>> report(study.outcome).name
    'report.html'
    """
    settings = outcome.settings
    if not len(outcome.table):
        raise InputError(f"a report needs a trial that has ended, got none in {outcome.folder}; try running the study")
    file = outcome.folder / "report.html" if path is None else Path(path)
    has_importance = len(scored_trials(outcome.table, settings.objective)) >= MIN_TRIALS
    shares = importance(outcome) if has_importance else None
    sections = [_winner(outcome)] if outcome.has_finished else []
    sections += [_importance(outcome, shares)] if shares is not None else []
    sections += [_zoom(outcome, shares)]
    sections += [_progress(outcome)] if outcome.has_finished else []
    sections += [_failures(outcome.table), _reproduction(outcome)]
    goal = f"{settings.objective.mode}imise {settings.objective.metric}"
    lead = f"A Caviar study: {goal} over {outcome.space.dimension} hyperparameters by {settings.search} search."
    return write_page(file, settings.name, lead, key_figures(outcome), sections)


def _winner(outcome: Outcome) -> Section:
    """Return how sure the winner is: confirmed or estimated, its held-out metric, the best single value."""
    objective, winner, confirmation = outcome.settings.objective, outcome.best, outcome.confirmation
    metric = objective.metric
    record = objective.best(result.metrics[metric] for result in outcome.ranking)
    holder = next(result.trial for result in outcome.ranking if result.metrics[metric] == record)
    single = (
        f"its {metric} was {winner.metrics[metric]:.4g}; the best single {metric} was {record:.4g} (trial {holder})"
    )
    tables = {"The ten best": ten_best(outcome)}
    if len(confirmation):
        first = confirmation.iloc[0]
        sentences = [
            f"Trial {winner.trial} of wave {winner.wave} was trained {first['replicates']:.0f} more times with fresh "
            f"seeds and reached a mean {metric} of {first['mean']:.4g} (95% interval {first['low']:.4g} to "
            f"{first['high']:.4g}). It is the best of the {len(confirmation)} confirmed trials with a probability of "
            f"{first['probability']:.0%}. When it was chosen, {single}."
        ]
        tables = {"Trained again with fresh seeds": confirmation, **tables}
    else:
        sentences = [
            f"Trial {winner.trial} of wave {winner.wave} has the best estimate, which is smoothed over similar trials "
            f"so that a single lucky value does not decide: {single}."
        ]
    if held_out := held_out_metric(outcome):
        sentences.append(
            f"On held-out data, which no choice depended on, its {held_out} is {winner.metrics[held_out]:.4g}. Expect "
            "this value of it: the metric that was tuned on is always a little optimistic."
        )
    return Section("The winner", sentences, tables=tables)


def _importance(outcome: Outcome, shares: pd.DataFrame) -> Section:
    first = shares.iloc[:2]
    sentences = [
        f"{' and '.join(first['hyperparameter'])} alone explain{'s' if len(first) == 1 else ''} "
        f"{first['share'].sum():.0%} of the variance of {outcome.settings.objective.metric} (functional ANOVA on a "
        f"random forest, over the whole space). The forest predicts {max(0.0, shares.attrs['fit']):.0%} of the "
        "variance of trials it has not seen; the lower this is, the less the shares mean."
    ]
    disagreeing = shares[shares["disagreement"] != ""].to_dict("records")
    if disagreeing:
        named = "; ".join(f"{row['hyperparameter']} ({row['disagreement']})" for row in disagreeing)
        sentences.append(f"The data disagree with these tiers: {named}.")
    return Section("What mattered", sentences, [Picture(importance_bars(shares), shares, width=340)])


def _zoom(outcome: Outcome, shares: pd.DataFrame | None) -> Section:
    """Return where the search zoomed in and why."""
    sentences = [
        f"Wave {row['wave']} was sampled from {100 * row['square_share']:.2g}% of the space: {row['reason']}."
        for row in fine_waves(outcome.waves).to_dict("records")
    ]
    sentences += [f"{sentence}." for sentence in outcome.edges]
    table, width = outcome.table, 96 * (outcome.space.dimension + 1)
    readable = table.drop(columns=["seed", "worker", "confirms"])
    pictures = [Picture(parallel_coordinates(outcome), readable, width=width, wide=True)]
    if shares is not None:
        drawn = shares["hyperparameter"][(shares["share"] > MIN_SHARE) | (shares.index < 2)][:PAIRED]
        for x, y in combinations(drawn, 2):
            columns = _columns(table, x, y, outcome.settings.objective.metric)
            pictures.append(Picture(nested_squares(outcome, x, y), columns))
    tables = {"The waves": short_waves(outcome), "The squares": squares_of_waves(outcome)}
    title = "Where the search zoomed in, and why"
    return Section(title, sentences or ["One wave was sampled from the whole space."], pictures, tables)


def _progress(outcome: Outcome) -> Section:
    columns = _columns(outcome.table, outcome.settings.objective.metric, "seconds")
    history = outcome.history
    ten = [result.trial for result in outcome.ranking[:10]]
    pictures = [
        Picture(best_so_far(outcome, "trials"), columns),
        Picture(best_so_far(outcome, "seconds"), columns),
        Picture(learning_curves(outcome), history[history["trial"].isin(ten)]),
    ]
    return Section("How it got there", pictures=pictures)


def _failures(table: pd.DataFrame) -> Section:
    reasons = failures(table)
    if not len(reasons):
        return Section("What did not finish, and why", ["Every trial finished."])
    stopped = int((table["state"] == State.STOPPED).sum())
    broken = int((table["state"] != State.FINISHED).sum()) - stopped
    sentences = [f"{stopped} of {len(table)} trials were stopped early in favour of better ones."] if stopped else []
    sentences += [f"{f'{broken} of {len(table)}' if broken else 'No'} trials failed, diverged or timed out."]
    return Section("What did not finish, and why", sentences, tables={"Reasons": reasons})


def _reproduction(outcome: Outcome) -> Section:
    """Return the settings, the versions, and the code that reproduces the study."""
    settings = outcome.settings
    sentences = ["The same seed and data give the same table, whatever the number of workers."]
    if settings.early_stopping is not None and settings.early_stopping.asynchronous:
        sentences = ["Asynchronous early stopping depends on which trials are faster: another run gives another table."]
    if outcome.given:
        sentences.append(f"Before its first run the study was given {outcome.given}; the code below does not add them.")
    tables = {"Settings": settings_table(outcome)}
    return Section("How to reproduce it", sentences, tables=tables, code=reproduction(settings))


def _columns(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return some columns of the results, with the number, wave and state of each trial."""
    return table[["trial", "wave", "state", *(name for name in dict.fromkeys(names) if name in table)]]
