"""The tables of a report: shorter than those of the study, for people to read."""

import pandas as pd

from caviar.records.outcome import View


def facts(study: View) -> dict[str, str]:
    """A study in a few figures, by name; at least one trial has ended."""
    table, settings = study.table, study.settings
    states, confirming = table["state"], int(table["confirms"].notna().sum())
    searched = len(table) - confirming
    of = f" of {settings.trials:,}" if searched < settings.trials else ""
    facts = {"trials": f"{searched:,}{of}"} | ({"and to confirm": str(confirming)} if confirming else {})
    facts["waves"] = str(len(study.waves))
    if study.finished:
        facts["winner"] = f"trial {study.best.trial}"
        facts |= _reached(study)
    if stopped := int((states == "stopped").sum()):
        facts["stopped early"] = f"{stopped:,}"
    facts["failed or diverged"] = f"{int((~states.isin(['finished', 'stopped'])).sum()):,}"
    facts["seconds of training"] = f"{table['seconds'].sum():,.0f}"
    return facts


def _reached(study: View) -> dict[str, str]:
    """What the winner reached: confirmed, or else in the study."""
    metric = study.settings.metric
    if len(study.confirmation):
        winner = study.confirmation.iloc[0]
        return {f"confirmed {metric}": f"{winner['mean']:.4g} ± {(winner['high'] - winner['low']) / 2:.2g}"}
    return {f"its {metric}": f"{study.best.metrics[metric]:.4g}"}


def held_out(study: View) -> str | None:
    """The metric on data that no choice looked at, where the winner has one."""
    name = study.settings.metric.replace("val_", "test_")
    return name if name != study.settings.metric and name in study.best.metrics else None


def ten_best(study: View) -> pd.DataFrame:
    """The rows of the ten best trials: hyperparameters, the metric, how held-out data judge it, and the cost."""
    numbers = [result.trial for result in study.ranking[:10]]
    names, judge = study.settings.space.names, held_out(study)
    columns = ["trial", "wave", *names, study.settings.metric, *([judge] if judge else []), "epochs", "seconds"]
    return study.table.set_index("trial", drop=False).loc[numbers, columns].reset_index(drop=True)


def waves_in_short(study: View) -> pd.DataFrame:
    """A row a wave without its bounds, which `squares_of_waves` has, and without states that no trial is in."""
    waves = study.waves
    kept = ["wave", "kind", "trials"]
    kept += [name for name in ("finished", "stopped", "diverged", "failed", "timed_out") if waves[name].any()]
    waves = waves.assign(square_share=[f"{share:.2%}" if share < 1 else "all" for share in waves["square_share"]])
    short = waves[[*kept, "best", "median", "seconds", "square_share", "reason"]]
    metric = study.settings.metric
    names = {"best": f"best {metric}", "median": f"median {metric}", "square_share": "share of the space"}
    return short.rename(columns=names)


def squares_of_waves(study: View) -> pd.DataFrame:
    """A row a hyperparameter: its whole range, then what is left of it in the square of each fine wave."""
    whole, fine = study.square, study.fine_waves
    rows = []
    for row in whole.to_dict("records"):
        name, numbers = row["name"], not row["options"]
        found = {
            "hyperparameter": name,
            "whole space": _range(row["space_low"], row["space_high"]) if numbers else "all",
        }
        for wave in fine:
            inner = _range(wave[f"{name}_low"], wave[f"{name}_high"]) if numbers else wave[f"{name}_options"]
            found[f"wave {wave['wave']}"] = inner
        rows.append(found)
    return pd.DataFrame(rows).astype("str")


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """What did not finish: a row a state and reason, with how many trials and the first of them."""
    rows = table[table["state"] != "finished"]
    grouped = rows.groupby(["state", "error"], dropna=False, sort=False)["trial"]
    counted = grouped.agg(trials="size", first="min").reset_index()
    counted = counted.rename(columns={"error": "reason", "first": "first trial"})
    return counted.sort_values("trials", ascending=False, kind="stable", ignore_index=True)


def _range(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"
