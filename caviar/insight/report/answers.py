"""What a report says about whether a study was worth it, and about what went wrong."""

from caviar.errors import InputError
from caviar.insight.cost import compare_cost
from caviar.insight.counterfactual import random_search
from caviar.insight.diagnosis.diagnose import diagnose
from caviar.insight.report import tables
from caviar.insight.report.page import Section
from caviar.records.outcome import Outcome
from caviar.records.trial import BROKEN, BROKEN_WORDS, State


def worth_section(outcome: Outcome) -> Section:
    """Return the section about what random search would have reached, and about the forecast of its cost, if any."""
    listed = {}
    try:
        found = random_search(outcome)
        sentences = [str(found)]
        if not found.doubt:
            sentences.append("Both are what a winner would reach if it were trained again, with 80% intervals.")
            listed["What random searches would reach"] = found.table()
    except InputError as error:
        sentences = [f"What random search would have reached cannot be estimated: {error}."]
    if cost := compare_cost(outcome):
        sentences.append(f"The study was {cost}.")
        listed["The forecast and the truth"] = cost.table()
    return Section("Was it worth it", sentences, tables=listed)


def wrong_section(outcome: Outcome) -> Section:
    """Return the section about what was found wrong, and about the trials that did not finish."""
    table, reasons = outcome.table, tables.failures(outcome.table)
    diagnosis = diagnose(outcome)
    sentences = [f"{_capital(str(finding))}." for finding in diagnosis.findings] or ["No problems were found."]
    stopped, broken = int((table["state"] == State.STOPPED).sum()), int(table["state"].isin(BROKEN).sum())
    if stopped:
        sentences.append(f"{stopped} of {len(table)} trials were stopped early in favour of better ones.")
    if broken or stopped:
        sentences.append(f"{f'{broken} of {len(table)}' if broken else 'No'} trials {BROKEN_WORDS}.")
    else:
        sentences.append("Every trial finished.")
    if diagnosis.unseen:
        sentences.append(f"Not checked: {'; '.join(diagnosis.unseen)}.".replace("`", ""))
    return Section("What went wrong", sentences, tables={"Reasons": reasons} if len(reasons) else {})


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
