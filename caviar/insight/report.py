"""The report of a study: what mattered, where it zoomed and why, whether to trust the winner, as one HTML file."""

import shlex
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.errors import InputError
from caviar.insight import figures
from caviar.insight.importance import FEWEST, importance, usable
from caviar.insight.page import Picture, Section, write_page
from caviar.insight.view import View
from caviar.space.defaults import default_space
from caviar.space.space import Space
from caviar.study.settings import Settings
from caviar.study.study import Study
from caviar.study.versions import versions

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
    return write_page(file, settings.name, f"A Caviar study: {lead}.", _facts(view), sections)


def ten_best(study: View) -> pd.DataFrame:
    """The rows of the ten best trials, by estimate, without what only a machine needs."""
    numbers = [result.trial for result in study.ranking[:10]]
    rows = study.table.set_index("trial", drop=False).loc[numbers]
    return rows.drop(columns=[c for c in ("state", "seed", "worker", "error", "confirms") if c in rows])


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """What did not finish: a row a state and reason, with how many trials and the first of them."""
    rows = table[table["state"] != "finished"]
    grouped = rows.groupby(["state", "error"], dropna=False, sort=False)["trial"]
    counted = grouped.agg(trials="size", first="min").reset_index()
    counted = counted.rename(columns={"error": "reason", "first": "first trial"})
    return counted.sort_values("trials", ascending=False, kind="stable", ignore_index=True)


def command(settings: Settings) -> str:
    """What repeats the study: a command where its data are a file or built in and its space is the usual one."""
    data, chosen = settings.data, [f"--trials {settings.trials}", f"--seed {settings.seed}"]
    waves = settings.waves if isinstance(settings.waves, int | str) else ",".join(map(str, settings.waves))
    chosen += [f"--waves {waves}", f"--epochs {settings.epochs}", f"--search {settings.search}"]
    chosen += [f"--metric {settings.metric}", f"--mode {settings.mode}"]
    source = f"--data {shlex.quote(data['csv'])} --target {shlex.quote(data['target'])} " if "csv" in data else ""
    if ("csv" in data or "digits" in data) and settings.space == default_space() and settings.same_shape == 1:
        return f"caviar run {source}{' '.join(chosen)}"
    given = repr(data.get("csv") or ("digits" if "digits" in data else "...  # the same data or function"))
    if "csv" in data:
        given = f"caviar.load_csv({data['csv']!r}, target={data['target']!r}, seed={data.get('seed', 0)!r})"
    elif "digits" not in data:
        given = f"...,  # {data.get('function') or 'the arrays that the study was given'}"
    names = ("metric", "mode", "trials", "waves", "seed", "epochs", "search", "same_shape")
    lines = [given if given.startswith("...") else f"{given},", f"space={_pasted(settings.space)},"]
    lines += [f"{name}={getattr(settings, name)!r}," for name in names]
    body = "\n".join(f"    {line}" for line in lines)
    return f"import caviar\n\nstudy = caviar.Study(\n{body}\n)\nstudy.run()"


def _pasted(space: Space) -> str:
    """The repr of a space, as `import caviar` lets one write it."""
    parts = ", ".join(
        f"{name}=caviar.{value!r}" if hasattr(value, "tier") else f"{name}={value!r}"
        for name, value in space.hyperparameters.items()
    )
    return f"caviar.Space({parts.replace('Space(', 'caviar.Space(')})"


def _importance(study: View) -> pd.DataFrame | None:
    enough = len(usable(study.table, study.settings.metric, study.settings.mode)) >= FEWEST
    return importance(study.study) if enough else None


def _facts(study: View) -> dict[str, str]:
    table, settings = study.table, study.settings
    finished = table["state"] == "finished"
    facts = {"trials": f"{len(table):,} of {settings.trials:,}", "waves": str(len(study.waves))}
    if study.finished:
        facts["winner"] = f"trial {study.best.trial}"
        facts[f"its {settings.metric}"] = f"{study.best.metrics[settings.metric]:.4g}"
    facts["did not finish"] = f"{int((~finished).sum()):,}"
    facts["seconds of training"] = f"{table['seconds'].sum():,.0f}"
    return facts


def _winner(study: View) -> Section:
    """Whether to trust the winner: the estimate, the held-out figure, the luckiest number."""
    metric, best = study.settings.metric, study.best
    choose = max if study.settings.mode == "max" else min
    lucky = choose(study.ranking, key=lambda result: result.metrics[metric])
    sentences = [
        f"Trial {best.trial} of wave {best.wave} is chosen by its estimate, smoothed over its neighbours, so that one "
        f"lucky number does not decide: its {metric} was {best.metrics[metric]:.4g}; the luckiest of all was "
        f"{lucky.metrics[metric]:.4g} (trial {lucky.trial})."
    ]
    held_out = metric.replace("val_", "test_")
    if held_out != metric and held_out in best.metrics:
        sentences.append(
            f"On data that no choice looked at, its {held_out} is {best.metrics[held_out]:.4g}: that is what to "
            "expect of it; the metric that was tuned on is always a little flattered."
        )
    return Section("The winner", sentences, tables={"The ten best": ten_best(study)})


def _importance_section(study: View, measured: pd.DataFrame) -> Section:
    first = measured.iloc[: 2 if len(measured) > 1 else 1]
    named = " and ".join(first["hyperparameter"])
    sentences = [
        f"{named} explain{'s' if len(first) == 1 else ''} {first['share'].sum():.0%} of the variance of "
        f"{study.settings.metric} alone (functional ANOVA on a random forest, over the whole space)."
        f" The forest predicts {max(0.0, measured.attrs['fit']):.0%} of the variance of trials it has not seen: the "
        "lower that is, the less these shares mean."
    ]
    sentences += [
        f"{name}: {text}."
        for name, text in zip(measured["hyperparameter"], measured["disagreement"], strict=True)
        if text
    ]
    return Section("What mattered", sentences, [Picture(figures.bars(measured), measured, width=340)])


def _zoom(study: View, measured: pd.DataFrame | None) -> Section:
    """Where the study zoomed and why."""
    waves, table = study.waves, study.table
    sentences = [f"Wave {row['wave']}: {row['reason']}." for row in waves.to_dict("records") if row["kind"] == "fine"]
    sentences += [f"{sentence[0].upper()}{sentence[1:]}." for sentence in study.study.edges]
    varied = [dimension.name for dimension in study.space.dimensions]
    pictures = [Picture(figures.parallel(study), _plain(table), width=96 * (len(varied) + 1))]
    if measured is not None:
        matter = measured["hyperparameter"][(measured["share"] > SHARE) | (measured.index < 2)][:PAIRED]
        for x, y in combinations(matter, 2):
            pictures.append(Picture(figures.squares(study, x, y), _plain(table, x, y, study.settings.metric)))
    tables = {"The waves": waves, "The last square, and the whole space": study.square}
    return Section("Where it zoomed, and why", sentences or ["One wave over the whole space."], pictures, tables)


def _progress(study: View) -> Section:
    metric, table = study.settings.metric, study.table
    ten = [result.trial for result in study.ranking[:10]]
    history = study.history
    pictures = [
        Picture(figures.best(study, "trials"), _plain(table, metric, "seconds")),
        Picture(figures.best(study, "seconds"), _plain(table, metric, "seconds")),
        Picture(figures.curves(study), history[history["trial"].isin(ten)]),
    ]
    return Section("How it got there", pictures=pictures)


def _failures(table: pd.DataFrame) -> Section:
    found = failures(table)
    if not len(found):
        return Section("What did not finish", ["Every trial finished."])
    ended = int((table["state"] != "finished").sum())
    return Section("What did not finish", [f"{ended} of {len(table)} trials."], tables={"Reasons": found})


def _repeat(study: View) -> Section:
    """The settings, the versions, and what repeats it all."""
    record: dict[str, Any] = study.settings.as_record()
    rows = [(name, str(value)) for name, value in record.items() if name not in ("space", "grow")]
    rows += [(f"space: {name}", repr(value)) for name, value in study.settings.space.hyperparameters.items()]
    rows += [(f"version of {name}", version) for name, version in (study.versions or versions()).items()]
    settings = pd.DataFrame(rows, columns=["setting", "value"]).astype("str")
    sentence = "The same seed and data give the same table, whatever the number of workers."
    return Section("How to repeat it", [sentence], tables={"Settings": settings}, code=command(study.settings))


def _plain(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Some columns of the results; all that people read if none are named."""
    if columns:
        return table[list(dict.fromkeys(["trial", "wave", "state", *(c for c in columns if c in table)]))]
    return table.drop(columns=["seed", "worker"])
