"""The models that can be read from a study's folder: which networks they consist of, and where those are."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from caviar.errors import InputError
from caviar.model.trained.model import Model
from caviar.records.model_files import ModelFiles
from caviar.records.settings import Settings
from caviar.records.trial import Result, State


def check_network(settings: Settings) -> None:
    """Raise InputError if a study is not one of the built-in network."""
    if settings.source.kind.is_code:
        raise InputError(
            f"the trials of {settings.name!r} run your own code, which keeps its models itself; see "
            "study.best.folder for the files of the best one, and caviar.trial().folder for how to keep them"
        )


def members_of(result: Result, results: Iterable[Result], ensemble: bool) -> list[Result]:
    """Return the trials whose networks make up a trial's model: itself, or those of `results` that confirmed it."""
    if ensemble:
        confirming = [r for r in results if r.confirms == result.trial and r.state is State.FINISHED]
        if not confirming:
            raise InputError(
                f"trial {result.trial} was not confirmed, so there is nothing to average; try a study with "
                "confirm=(3, 4), or ensemble=False"
            )
        return confirming
    if result.state not in (State.FINISHED, State.STOPPED):
        raise InputError(f"trial {result.trial} {result.state.words} ({result.error}), so it has no model; try another")
    return [result]


def kept_model(folder: Path, members: Sequence[Result]) -> Model:
    """Return the model of trials whose weights were kept in a study's folder or at its mirror."""
    files = ModelFiles(folder)
    schema, networks = files.read_schema(), [files.read(member.trial) for member in members]
    kept = tuple(network for network in networks if network is not None)
    if schema is None or len(kept) < len(networks):
        missing = [member.trial for member, network in zip(members, networks, strict=True) if network is None]
        raise InputError(
            f"the weights of trial {(missing or [members[0].trial])[0]} were not kept in {folder}; with the data, try "
            f"caviar.Study.open({str(folder)!r}).model(...), which trains it again, to the same bits"
        )
    return Model(schema, kept)
