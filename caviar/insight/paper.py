"""The paragraph about a study in the methods section of a paper, with what a reader needs to repeat it."""

import re
from collections.abc import Iterator
from typing import Literal, get_args

from caviar.errors import InputError
from caviar.insight.formatting import format_range, format_value
from caviar.records.outcome import AnyStudy, Outcome, outcome_of
from caviar.records.stopping import Worth
from caviar.space import Choice
from caviar.space.hyperparameters import Hyperparameter
from caviar.space.references import named

Form = Literal["markdown", "latex"]
_SCALES = {"linear": "", "log": " on a log scale", "reverse log": " with one minus the value on a log scale"}
_PACKAGES = {"python": "Python", "numpy": "NumPy", "scipy": "SciPy"}  # those that change a number
_SEARCHES = {
    "coarse-to-fine": (
        "coarse to fine: the first wave covers the whole space evenly, and each later one is chosen by the expected "
        "improvement under a Gaussian process"
    ),
    "random": "at random",
    "sobol": "by a Sobol' sequence",
    "grid": "on a grid",
}
_LATEX = {character: rf"\{character}" for character in "&%$#_{}"} | {
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\textless{}",
    ">": r"\textgreater{}",
}  # fmt: skip


def methods(study: AnyStudy, form: Form = "markdown") -> str:
    """Return a paragraph for the methods section of a paper: what was searched, how, and what came of it.

    Args:
        study: a study, its outcome or its folder, of which at least one trial has finished.
        form: "markdown" or "latex".

    Raises:
        InputError: no trial has finished.

    >>> import caviar, tempfile
    >>> study = caviar.Study("digits", trials=4, epochs=1, workers=0, out=tempfile.mkdtemp() + "/first")
    >>> _ = study.run(progress=False)
    >>> methods(study.outcome).partition(" with ")[0]
    'Hyperparameters were tuned'
    """
    outcome = outcome_of(study)
    if form not in get_args(Form):
        raise InputError(f"form must be 'markdown' or 'latex', got {form!r}")
    trained = (*_ended(outcome), _space(outcome), *_trained(outcome))
    text = " ".join([_searched(outcome), *trained, *_found(outcome), _repeated(outcome)])
    return _to_latex(text) if form == "latex" else text


def _searched(outcome: Outcome) -> str:
    settings, versions = outcome.settings, outcome.versions
    confirming = sum(len(wave.points) for wave in outcome.begun if wave.confirms)
    trials = len(outcome.results) - confirming
    waves = len({wave.wave for wave in outcome.begun if not wave.confirms})
    how = _SEARCHES.get(settings.search, f"by the search `{settings.search}`")
    return (
        f"Hyperparameters were tuned with Caviar {versions.get('caviar', '')} in {trials} "
        f"trial{'s' * (trials != 1)}, in {waves} wave{'s' * (waves != 1)}, {how}. "
        f"The goal was to {settings.objective.mode}imise `{settings.objective.metric}`."
    )


def _ended(outcome: Outcome) -> Iterator[str]:
    """How the number of trials came about, if it was not fixed before."""
    if outcome.extended:
        more = ", then by ".join(map(str, outcome.extended))
        yield f"When the study had ended, it was extended by {more} trial{'s' * (outcome.extended[-1] != 1)}."
    if outcome.stopped:
        last, why = outcome.forecasts[-1], outcome.forecasts[-1].stop
        if isinstance(outcome.settings.stop, Worth):
            why = f"the next wave was expected to gain {last.gain:.2g}, and {last.enough:.2g} would have been worth it"
        planned = f"Up to {outcome.settings.budget.trials} trials were planned"
        yield f"{planned}; a rule ended them after wave {last.wave}: {why}."


def _space(outcome: Outcome) -> str:
    ranges = [f"`{d.name}` {_range(d.hyperparameter)}" for d in outcome.space.dimensions]
    return f"The space had {len(ranges)} hyperparameter{'s' * (len(ranges) != 1)}: {'; '.join(ranges)}."


def _range(hyperparameter: Hyperparameter) -> str:
    if isinstance(hyperparameter, Choice):
        return f"out of {', '.join(f'`{named(option)}`' for option in hyperparameter.options)}"
    step = f" in steps of {hyperparameter.step:g}" if hyperparameter.step and hyperparameter.step != 1 else ""
    scale = _SCALES.get(hyperparameter.scale.name, f" by the quantiles of `{hyperparameter.kind}`")
    return f"from {format_range(hyperparameter.low, hyperparameter.high)}{step}{scale}"


def _trained(outcome: Outcome) -> Iterator[str]:
    settings = outcome.settings
    epochs = f"up to {settings.epochs} epochs" if settings.early_stopping else f"{settings.epochs} epochs"
    if settings.source.kind.is_code:
        trained = f"Each trial ran `{settings.source.function or settings.source.command}`"
        yield f"{trained}{f' for {epochs}' if settings.epochs else ''}, with a seed of its own."
    else:
        yield (
            f"Each trial trained a multilayer perceptron with batch normalization (Ioffe and Szegedy, 2015) and Adam "
            f"(Kingma and Ba, 2015) for {epochs}, with a seed of its own, and was judged on the validation part."
        )
    if settings.early_stopping:
        kind = "asynchronous successive halving" if settings.early_stopping.asynchronous else "successive halving"
        by = ", by predicted ends; one trial in 8 was not stopped" if settings.early_stopping.predicted else ""
        yield f"Trials were stopped early by {kind}: at each rung, one in {settings.early_stopping.factor} went on{by}."


def _found(outcome: Outcome) -> Iterator[str]:
    metric, best = outcome.settings.objective.metric, outcome.best
    config = ", ".join(f"`{name}` {format_value(named(value))}" for name, value in best.config.items())
    if len(outcome.confirmation):
        first = outcome.confirmation.iloc[0]
        interval = format_range(first["low"], first["high"])
        yield (
            f"The {len(outcome.confirmation)} best configurations were trained {first['replicates']:.0f} more times "
            f"with fresh seeds; the best of them ({config}) reached a mean `{metric}` of {first['mean']:.4g} "
            f"(95% interval {interval})."
        )
    else:
        yield f"The best configuration ({config}) reached a `{metric}` of {best.metrics[metric]:.4g}."
    if test := outcome.test:
        interval = f" (95% interval {format_range(test.low, test.high)})"
        value = f"its {test.metric.removeprefix('test_')} was {test.metrics[test.metric]:.4g}"
        yield f"On {test.rows:,} rows that no choice depended on, {value}{interval}."


def _repeated(outcome: Outcome) -> str:
    versions = ", ".join(
        f"{title} {outcome.versions[name]}" for name, title in _PACKAGES.items() if name in outcome.versions
    )
    data = outcome.settings.source.fingerprint
    of_data = f"; the fingerprint of the data or the code is `{data[:16]}`" if data else ""
    return (
        f"All random numbers derive from the seed {outcome.settings.budget.seed}. The study ran on {versions}"
        f"{of_data}. Of its table, without what depends on the machine, the SHA-256 is `{outcome.fingerprint}`."
    )


def _to_latex(text: str) -> str:
    """Return Markdown with nothing but `names` as LaTeX."""
    parts = re.split(r"`([^`]*)`", text)
    escaped = ["".join(_LATEX.get(character, character) for character in part) for part in parts]
    return "".join(rf"\texttt{{{part}}}" if i % 2 else part for i, part in enumerate(escaped))
