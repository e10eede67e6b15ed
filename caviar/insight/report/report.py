"""The report of a study: what mattered, where it zoomed and why, whether to trust the winner, as one HTML file."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.errors import InputError
from caviar.insight.figures.curves import best, curves
from caviar.insight.figures.importance_bars import bars
from caviar.insight.figures.parallel import parallel
from caviar.insight.figures.squares import squares
from caviar.insight.importance import FEWEST, importance, usable
from caviar.insight.report.page import Picture, Section, write_page
from caviar.insight.report.reproduce import command
from caviar.insight.report.tables import facts, failures, held_out, squares_of_waves, ten_best, waves_in_short
from caviar.records.outcome import View
from caviar.records.versions import versions
from caviar.study.study import Study

PAIRED = 3  # the most important hyperparameters, whose pairs are drawn
SHARE = 0.02  # of the variance, below which a hyperparameter is not drawn in pairs


def report(study: Study, path: str | Path | None = None) -> Path:
    """Write a study's report: one HTML file that opens anywhere, with no server and no network.

    Args:
        study: with at least one trial that ended.
        path: the file; `report.html` in the study's folder if left out.

    Returns:
        The file.

    Raises:
        InputError: no trial has ended yet, or Plotly or scikit-learn is not installed.
        StorageError: the file cannot be written.
    """
    view, settings = View(study), study.settings
    if not len(view.table):
        raise InputError(f"no trial of {study.folder} has ended yet; run the study first")
    file = study.folder / "report.html" if path is None else Path(path)
    measured = _importance(view)
    sections = [_winner(view)] if view.finished else []
    sections += [_importance_section(view, measured)] if measured is not None else []
    sections += [_zoom(view, measured), *([_progress(view)] if view.finished else [])]
    sections += [_failures(view.table), _repeat(view)]
    lead = f"{settings.metric}, {settings.mode}imised over {study.space.dimension} hyperparameters by {settings.search}"
    return write_page(file, settings.name, f"A Caviar study: {lead}.", facts(view), sections)


def _importance(study: View) -> pd.DataFrame | None:
    enough = len(usable(study.table, study.settings.metric, study.settings.mode)) >= FEWEST
    return importance(study.study) if enough else None


def _winner(study: View) -> Section:
    """Whether to trust the winner: confirmed or estimated, the held-out figure, the luckiest number."""
    metric, winner = study.settings.metric, study.best
    choose = max if study.settings.mode == "max" else min
    lucky = choose(study.ranking, key=lambda result: result.metrics[metric])
    seen = f"its {metric} was {winner.metrics[metric]:.4g}"
    luckiest = f"the luckiest number of all was {lucky.metrics[metric]:.4g} (trial {lucky.trial})"
    if len(study.confirmation):
        first = study.confirmation.iloc[0]
        sentences = [
            f"Trial {winner.trial} of wave {winner.wave} was trained {first['replicates']:.0f} times more with fresh "
            f"seeds and reached a {metric} of {first['mean']:.4g} on average (95%: {first['low']:.4g} to "
            f"{first['high']:.4g}); of the {len(study.confirmation)} that were confirmed it is the best with a "
            f"probability of {first['probability']:.0%}. When it was chosen, {seen}; {luckiest}."
        ]
    else:
        sentences = [
            f"Trial {winner.trial} of wave {winner.wave} is chosen by its estimate, smoothed over its neighbours, so "
            f"that one lucky number does not decide: {seen}; {luckiest}."
        ]
    if (judge := held_out(study)) is not None:
        sentences.append(
            f"On data that no choice looked at, its {judge} is {winner.metrics[judge]:.4g}: that is what to "
            "expect of it; the metric that was tuned on is always a little flattered."
        )
    tables = {"Trained again with fresh seeds": study.confirmation} if len(study.confirmation) else {}
    return Section("The winner", sentences, tables=tables | {"The ten best": ten_best(study)})


def _importance_section(study: View, measured: pd.DataFrame) -> Section:
    first = measured.iloc[: 2 if len(measured) > 1 else 1]
    named = " and ".join(first["hyperparameter"])
    sentences = [
        f"{named} explain{'s' if len(first) == 1 else ''} {first['share'].sum():.0%} of the variance of "
        f"{study.settings.metric} alone (functional ANOVA on a random forest, over the whole space)."
        f" The forest predicts {max(0.0, measured.attrs['fit']):.0%} of the variance of trials it has not seen: the "
        "lower that is, the less these shares mean."
    ]
    differing = [f"{row['hyperparameter']} ({row['disagreement']})" for row in measured.to_dict("records")]
    differing = [text for text in differing if not text.endswith("()")]
    sentences += [f"Where the data disagree with the tiers: {'; '.join(differing)}."] if differing else []
    return Section("What mattered", sentences, [Picture(bars(measured), measured, width=340)])


def _zoom(study: View, measured: pd.DataFrame | None) -> Section:
    """Where the study zoomed and why."""
    table = study.table
    sentences = [
        f"Wave {row['wave']} was sampled from {_percent(row['square_share'])} of the space: {row['reason']}."
        for row in study.fine_waves
    ]
    sentences += [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in study.study.edges]
    varied = [dimension.name for dimension in study.space.dimensions]
    pictures = [Picture(parallel(study), _plain(table), width=96 * (len(varied) + 1), wide=True)]
    if measured is not None:
        matter = measured["hyperparameter"][(measured["share"] > SHARE) | (measured.index < 2)][:PAIRED]
        for x, y in combinations(matter, 2):
            pictures.append(Picture(squares(study, x, y), _plain(table, x, y, study.settings.metric)))
    tables = {"The waves": waves_in_short(study), "The squares": squares_of_waves(study)}
    return Section("Where it zoomed, and why", sentences or ["One wave over the whole space."], pictures, tables)


def _progress(study: View) -> Section:
    metric, table, history = study.settings.metric, study.table, study.history
    ten = [result.trial for result in study.ranking[:10]]
    pictures = [
        Picture(best(study, "trials"), _plain(table, metric, "seconds")),
        Picture(best(study, "seconds"), _plain(table, metric, "seconds")),
        Picture(curves(study), history[history["trial"].isin(ten)]),
    ]
    return Section("How it got there", pictures=pictures)


def _failures(table: pd.DataFrame) -> Section:
    found = failures(table)
    if not len(found):
        return Section("What did not finish, and why", ["Every trial finished."])
    stopped = int((table["state"] == "stopped").sum())
    broken = int((table["state"] != "finished").sum()) - stopped
    sentences = (
        [f"{stopped} of {len(table)} trials were stopped early, so that better ones could go on."] if stopped else []
    )
    sentences += [f"{f'{broken} of {len(table)}' if broken else 'No'} trials failed, diverged or took too long."]
    return Section("What did not finish, and why", sentences, tables={"Reasons": found})


def _repeat(study: View) -> Section:
    """The settings, the versions, and what repeats it all."""
    record: dict[str, Any] = study.settings.as_record()
    rows = [(name, str(value)) for name, value in record.items() if name not in ("space", "grow")]
    rows += [(f"space: {name}", repr(value)) for name, value in study.settings.space.hyperparameters.items()]
    rows += [(f"version of {name}", version) for name, version in (study.versions or versions()).items()]
    settings = pd.DataFrame(rows, columns=["setting", "value"]).astype("str")
    sentences = ["The same seed and data give the same table, whatever the number of workers."]
    if study.settings.early_stopping is not None and study.settings.early_stopping.asynchronous:
        sentences = ["Asynchronous early stopping depends on who was faster: another run gives another table."]
    if given := study.given:
        sentences.append(f"Before its first run the study was given {given}; the lines below do not repeat that.")
    return Section("How to repeat it", sentences, tables={"Settings": settings}, code=command(study.settings))


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%"


def _plain(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Some columns of the results; all that people read if none are named."""
    if columns:
        return table[list(dict.fromkeys(["trial", "wave", "state", *(c for c in columns if c in table)]))]
    return table.drop(columns=["seed", "worker", "confirms"])
