"""The models that can be read from a study's folder: which networks they consist of, and where those are."""

from typing import TYPE_CHECKING

from caviar.data.source import SourceKind
from caviar.errors import InputError
from caviar.model.trained.model import Model
from caviar.model.trained.network import TrainedNetwork
from caviar.records.model_files import ModelFiles
from caviar.records.trial import Result, State

if TYPE_CHECKING:
    from caviar.records.outcome import Outcome


def kept_model(outcome: "Outcome", trial: int | None, ensemble: bool) -> Model:
    """Return the model of a trial whose weights were kept; see `Outcome.model`."""
    check_network(outcome)
    results, schema = members_of(outcome, trial, ensemble), ModelFiles(outcome.folder).read_schema()
    networks = [kept_network(outcome, result) for result in results]
    kept = tuple(network for network in networks if network is not None)
    if schema is None or len(kept) < len(networks):
        missing = ", ".join(str(r.trial) for r, network in zip(results, networks, strict=True) if network is None)
        arguments = "" if trial is None else str(trial)
        raise InputError(
            f"the weights of trial {missing or results[0].trial} were not kept in {outcome.folder}; with the data, try "
            f"caviar.Study.open({str(outcome.folder)!r}).model({arguments}), which trains it again, to the same bits"
        )
    return Model(schema, kept)


def kept_network(outcome: "Outcome", result: Result) -> TrainedNetwork | None:
    """Return the network of a trial; None if its weights were not kept."""
    return ModelFiles(outcome.folder).read(result.trial)


def members_of(outcome: "Outcome", trial: int | None, ensemble: bool) -> list[Result]:
    """Return the trials whose networks make up a model: one, or those that confirmed it."""
    result = outcome.trial(trial)
    if ensemble:
        confirming = [r for r in outcome.results if r.confirms == result.trial and r.state is State.FINISHED]
        if not confirming:
            raise InputError(
                f"trial {result.trial} was not confirmed, so there is nothing to average; try a study with "
                "confirm=(3, 4), or ensemble=False"
            )
        return confirming
    if result.state not in (State.FINISHED, State.STOPPED):
        raise InputError(f"trial {result.trial} {result.state} ({result.error}), so it has no model; try another")
    return [result]


def check_network(outcome: "Outcome") -> None:
    """Raise InputError if the study is not one of the built-in network."""
    if outcome.settings.source.kind in (SourceKind.FUNCTION, SourceKind.COMMAND):
        raise InputError(
            f"the trials of {outcome.settings.name!r} are of your own code, which keeps its models itself; see "
            "study.best.folder for the files of the best one, and caviar.trial().folder for how to keep them"
        )
