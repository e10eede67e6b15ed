"""What the next wave is worth, and whether a study ends instead: decided when a wave has ended."""

import numpy as np

from caviar.records.events import ForecastMade
from caviar.records.replay import StudyState
from caviar.records.search_log import Observed
from caviar.records.stopping import LEAST_SHARE, Goal, Plateau, Stopping, Worth
from caviar.search.forecast import Forecast
from caviar.space.scales import Array


def judge(state: StudyState, forecast: Forecast, trials: int, workers: int) -> ForecastMade:
    """Return what the next wave is worth by a forecast, and why it does not begin if the study's rule says so.

    The same results give the same words, except for the minutes: those are wall time, and so is what they decide. What
    is returned goes to the journal, so that a study that is resumed does not decide again.

    Args:
        state: of the study, whose last wave has ended.
        forecast: what the search makes of the next wave.
        trials: of the next wave.
        workers: how many trials run at once.
    """
    rule, progress = state.settings.stop, _progress(state, forecast)
    last = state.waves[-1]
    seconds = float(np.mean([state.results[number].seconds for number in last.numbers])) * trials
    minutes = seconds / max(1, min(workers, trials)) / 60
    enough = (rule if isinstance(rule, Worth) else Worth()).enough(minutes, seconds / 3600, progress)
    stop = "" if state.extended else _reason(rule, state, forecast, enough, progress)
    return ForecastMade(last.wave, trials, forecast.gain, enough, forecast.probability(enough), minutes, stop)


def _reason(rule: Stopping | None, state: StudyState, forecast: Forecast, enough: float, progress: float) -> str:
    """Return why the study ends here; "" if it does not."""
    match rule:
        case Worth() if forecast.gain <= enough:  # both are 0 if the metric is constant
            return "that is not worth it"
        case Plateau(count):
            waves = [wave for wave in state.waves if not wave.confirms]
            late = forecast.late(-sum(len(wave.points) for wave in waves[-count:])) if len(waves) > count else np.inf
            if late <= LEAST_SHARE * progress:  # 0 if the metric is constant
                waves_have = f"the last {count} waves have" if count > 1 else "that wave has"
                return f"{waves_have} gained {late:.2g}"
        case Goal(value) if state.best is not None:
            objective = state.settings.objective
            if objective.to_minimise(state.best.metrics) <= objective.sign * value:
                return f"trial {state.best.trial} has reached {state.best.metrics[objective.metric]:.6g}"
    return ""


def _progress(state: StudyState, forecast: Forecast) -> float:
    """Return what the study has gained so far, from the median of its first wave to its best trial, >= 0."""
    entries = (entry for entry in state.search_log if isinstance(entry, Observed) and entry.counted)
    finite: Array = next((v for entry in entries if (v := entry.values[np.isfinite(entry.values)]).size), np.zeros(0))
    return max(0.0, float(np.median(finite)) - forecast.best) if finite.size else 0.0
