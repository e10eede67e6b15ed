"""The tables of a report: shorter than those of the study, for people to read."""

import pandas as pd

from caviar.insight.figures.axes import fine_waves
from caviar.insight.figures.metric import BROKEN
from caviar.records.outcome import Outcome
from caviar.records.trial import ENDED, State


def key_figures(outcome: Outcome) -> dict[str, str]:
    """Return a study in a few figures, by name.

    Args:
        outcome: with at least one trial.
    """
    table, trials = outcome.table, outcome.settings.budget.trials
    states, confirming = table["state"], int(table["confirms"].notna().sum())
    searched = len(table) - confirming
    figures = {"trials": f"{searched:,} of {trials:,}" if searched < trials else f"{searched:,}"}
    if confirming:
        figures["confirming trials"] = str(confirming)
    figures["waves"] = str(len(outcome.waves))
    if outcome.has_finished:
        figures["winner"] = f"trial {outcome.best.trial}"
        figures |= _winner_metric(outcome)
    if stopped := int((states == State.STOPPED).sum()):
        figures["stopped early"] = f"{stopped:,}"
    figures["failed or diverged"] = f"{int(states.isin(BROKEN).sum()):,}"
    figures["seconds of training"] = f"{table['seconds'].sum():,.0f}"
    return figures


def _winner_metric(outcome: Outcome) -> dict[str, str]:
    """Return the winner's metric: the confirmed mean if there is one, else the metric of its only training."""
    metric = outcome.settings.objective.metric
    if len(outcome.confirmation):
        winner = outcome.confirmation.iloc[0]
        return {f"confirmed {metric}": f"{winner['mean']:.4g} ± {(winner['high'] - winner['low']) / 2:.2g}"}
    return {f"winner's {metric}": f"{outcome.best.metrics[metric]:.4g}"}


def held_out_metric(outcome: Outcome) -> str | None:
    """Return the name of the metric on held-out data, if the winner has one."""
    name = outcome.settings.objective.held_out
    return name if name in outcome.best.metrics else None


def ten_best(outcome: Outcome) -> pd.DataFrame:
    """Return a row for each of the ten best trials: hyperparameters, the metric, the held-out metric, and the cost."""
    trials = [result.trial for result in outcome.ranking[:10]]
    settings, held_out = outcome.settings, held_out_metric(outcome)
    metrics = [settings.objective.metric, *([held_out] if held_out else [])]
    columns = ["trial", "wave", *settings.space.names, *metrics, "epochs", "seconds"]
    return outcome.table.set_index("trial", drop=False).loc[trials, columns].reset_index(drop=True)


def short_waves(outcome: Outcome) -> pd.DataFrame:
    """Return a row for each wave, without its bounds (see `squares_of_waves`) and without states that are all 0."""
    waves, metric = outcome.waves, outcome.settings.objective.metric
    states = [state for state in ENDED if waves[state].any()]
    waves = waves.assign(square_share=[f"{share:.2%}" if share < 1 else "all" for share in waves["square_share"]])
    columns = ["wave", "kind", "trials", *states, "best", "median", "seconds", "square_share", "reason"]
    names = {"best": f"best {metric}", "median": f"median {metric}", "square_share": "share of the space"}
    return waves[columns].rename(columns=names)


def squares_of_waves(outcome: Outcome) -> pd.DataFrame:
    """Return a row for each hyperparameter: its range in the whole space, and in the square of each fine wave."""
    fine = fine_waves(outcome.waves).to_dict("records")
    rows = []
    for side in outcome.square.to_dict("records"):
        name, is_number = side["name"], not side["options"]
        row = {
            "hyperparameter": name,
            "whole space": _range(side["space_low"], side["space_high"]) if is_number else "all",
        }
        for wave in fine:
            inner = _range(wave[f"{name}_low"], wave[f"{name}_high"]) if is_number else wave[f"{name}_options"]
            row[f"wave {wave['wave']}"] = inner
        rows.append(row)
    return pd.DataFrame(rows).astype("str")


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """Return what did not finish: a row for each state and reason, with its number of trials and the first of them.

    >>> failures(pd.DataFrame({"trial": [0, 1], "state": ["finished", "failed"], "error": ["", "no disk"]}))
        state   reason  trials  first trial
    0  failed  no disk       1            1
    """
    unfinished = table[table["state"] != State.FINISHED]
    trials = unfinished.groupby(["state", "error"], dropna=False, sort=False)["trial"]
    counts = trials.agg(trials="size", first="min").reset_index()
    counts = counts.rename(columns={"error": "reason", "first": "first trial"})
    return counts.sort_values("trials", ascending=False, kind="stable", ignore_index=True)


def _range(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"
