"""What a report says about a study: its key figures, its winner, and shorter versions of its tables."""

import pandas as pd

from caviar.insight.figures.axes import fine_waves
from caviar.insight.formatting import format_range, format_share, format_value
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS, ENDED, State


def key_figures(outcome: Outcome) -> dict[str, str]:
    """Return a few key figures, by name, of a study with at least one trial."""
    table, trials, metric = outcome.table, outcome.settings.budget.trials, outcome.settings.objective.metric
    states, confirming = table["state"], int(table["confirms"].notna().sum())
    tried = len(table) - confirming
    figures = {"trials": f"{tried:,} of {trials:,}" if tried < trials else f"{tried:,}"}
    if confirming:
        figures["confirming trials"] = str(confirming)
    figures["waves"] = str(len(outcome.waves))
    if outcome.has_finished:
        figures["winner"] = f"trial {outcome.best.trial}"
        if len(outcome.confirmation):
            first = outcome.confirmation.iloc[0]
            half = (first["high"] - first["low"]) / 2
            figures[f"confirmed {metric}"] = f"{first['mean']:.4g} ±\N{NO-BREAK SPACE}{half:.2g}"
        else:
            figures[f"winner's {metric}"] = f"{outcome.best.metrics[metric]:.4g}"
    if test := outcome.test:
        figures[f"{test.metric.removeprefix('test_')} on unseen rows"] = format_value(test.metrics[test.metric])
    if stopped := int((states == State.STOPPED).sum()):
        figures["stopped early"] = f"{stopped:,}"
    figures[BROKEN_WORDS] = f"{int(states.isin(BROKEN).sum()):,}"
    figures["seconds of training"] = f"{table['seconds'].sum():,.0f}"
    return figures


def when_sentence(table: pd.DataFrame) -> str:
    """Return when a study ran, for how long and where, with a space before it; "" if it is not known.

    >>> times = pd.to_datetime(["2026-11-27 10:00", "2026-11-27 10:03"], utc=True)
    >>> when_sentence(pd.DataFrame({"began": times, "ended": times, "worker": ["a:1", "a:2"]}))
    ' It ran from 2026-11-27 10:00 to 10:03 UTC, on 2 trainers of 1 machine.'
    """
    if "began" not in table or table["began"].isna().all():
        return ""
    first, last = table["began"].min(), table["ended"].max()
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    trainers = {worker for worker in table["worker"] if worker}
    machines = {trainer.rpartition(":")[0] for trainer in trainers}
    on = f"{len(trainers)} trainer{'s' * (len(trainers) != 1)} of {len(machines)} machine{'s' * (len(machines) != 1)}"
    return f" It ran from {first:%Y-%m-%d %H:%M} to {end} UTC, on {on}."


def winner_sentence(outcome: Outcome) -> str:
    """Return how certain the winner is: confirmed or estimated, compared with the best single value."""
    objective, winner, metric = outcome.settings.objective, outcome.best, outcome.settings.objective.metric
    record = objective.best(result.metrics[metric] for result in outcome.ranking)
    holder = next(result.trial for result in outcome.ranking if result.metrics[metric] == record)
    single = (
        f"its {metric} was {winner.metrics[metric]:.4g}; the best single {metric} was {record:.4g} (trial {holder})."
    )
    who = f"Trial {winner.trial} of wave {winner.wave}"
    if not len(outcome.confirmation):
        return (
            f"{who} has the best estimate, which is smoothed over similar trials so that a single lucky value does "
            f"not decide: {single}"
        )
    first = outcome.confirmation.iloc[0]
    return (
        f"{who} was trained {first['replicates']:.0f} more times with fresh seeds and reached a mean {metric} of "
        f"{first['mean']:.4g} (95% interval {format_range(first['low'], first['high'])}). It is the best of the "
        f"{len(outcome.confirmation)} confirmed trials with a probability of {first['probability']:.0%}. When it was "
        f"chosen, {single}"
    )


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


def wave_sentence(wave: pd.Series) -> str:
    """Return where a fine wave, a row of `Outcome.waves`, was sampled from, and why not from there alone.

    >>> wave_sentence(pd.Series({"wave": 2, "square_share": 0.25, "reason": "because", "trials": 8, "outside": 1}))
    'Wave 2 was sampled from 25% of the space: because; 1 of its 8 trials lies outside, where too little is known.'
    """
    sentence = (
        f"Wave {wave['wave']} was sampled from {format_share(wave['square_share'])} of the space: {wave['reason']}"
    )
    if not (outside := wave["outside"]):
        return f"{sentence}."
    lie = "lies" if outside == 1 else "lie"
    return f"{sentence}; {outside} of its {wave['trials']} trials {lie} outside, where too little is known."


def short_waves(outcome: Outcome) -> pd.DataFrame:
    """Return a row for each wave, without its bounds (see `squares_of_waves`) and without states that are all 0."""
    waves, metric = outcome.waves, outcome.settings.objective.metric
    states = [state for state in ENDED if waves[state].any()]
    shares = waves["square_share"].map(format_share).where(waves["kind"] != "confirm", "")
    columns = ["wave", "kind", "trials", *states, "best", "median", "seconds", "square_share", "outside", "reason"]
    names = {"best": f"best {metric}", "median": f"median {metric}", "square_share": "share of the space"}
    return waves.assign(square_share=shares)[columns].rename(columns=names)


def squares_of_waves(outcome: Outcome) -> pd.DataFrame:
    """Return a row for each hyperparameter: its range in the whole space, and in the square of each fine wave."""
    fine = fine_waves(outcome.waves).to_dict("records")
    rows = []
    for side in outcome.square.to_dict("records"):
        name = side["name"]
        if side["options"]:
            ranges = ["all", *(wave[f"{name}_options"] for wave in fine)]
        else:
            bounds = [(wave[f"{name}_low"], wave[f"{name}_high"]) for wave in fine]
            ranges = [format_range(*ends) for ends in [(side["space_low"], side["space_high"]), *bounds]]
        rows.append([name, *ranges])
    columns = ["hyperparameter", "whole space", *(f"wave {row['wave']}" for row in fine)]
    return pd.DataFrame(rows, columns=columns, dtype="str")


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that did not finish: a row for each state and reason, with their number and the first one.

    >>> failures(pd.DataFrame({"trial": [0, 1], "state": ["finished", "failed"], "error": ["", "no disk"]}))
        state   reason  trials  first trial
    0  failed  no disk       1            1
    """
    unfinished = table[table["state"] != State.FINISHED]
    trials = unfinished.groupby(["state", "error"], dropna=False, sort=False)["trial"]
    counts = trials.agg(trials="size", first="min").reset_index()
    counts = counts.rename(columns={"error": "reason", "first": "first trial"})
    return counts.sort_values("trials", ascending=False, kind="stable", ignore_index=True)
