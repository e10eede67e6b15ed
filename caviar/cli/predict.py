"""caviar predict: the predictions of a study's model, or of a saved one, for the rows of a file."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Unpack

import click

from caviar.cli.jobs import local_copy, study_command
from caviar.cli.options import FormatOptions, format_options
from caviar.csv import to_csv
from caviar.errors import InputError
from caviar.files import unfinished_path, writing

if TYPE_CHECKING:
    import pandas as pd

    from caviar.data.reading.format import Format
    from caviar.model.trained.estimators import Estimator

_ROWS = 65_536  # at a time
_NOT_TEXT = (".arrow", ".bz2", ".feather", ".gz", ".json", ".parquet", ".xls", ".xlsx", ".xz", ".zip", ".zst")


@click.command()
@study_command
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--proba", is_flag=True, help="Print the probability of each class instead of the most probable one.")
@format_options
@click.option("--out", type=click.Path(path_type=Path), help="The CSV file to write. [default: standard output]")
def predict(
    name: str, address: str | None, file: str, proba: bool, out: Path | None, **options: Unpack[FormatOptions]
) -> None:
    """Predict the rows of a table, "-" for standard input, and print CSV.

    FILE may be what caviar run --data takes: CSV, Parquet or Feather, a file or a URL.

    NAME is a study's name, its folder, the URI of its mirror, or a file that model.save(path) wrote.
    """
    from caviar.data.reading.format import Format

    printed = sys.stdout.buffer
    with contextlib.redirect_stdout(sys.stderr):  # what is logged does not go among the predictions
        model = _model(name, address)
        if proba and not hasattr(model, "predict_proba"):
            raise InputError("--proba is for classes, and this model predicts numbers; leave it out")
        if out is not None and out.exists() and Path(file).exists() and out.samefile(file):
            raise InputError(f"--out must not be the table itself, which it would replace, got {out}")
        with _opened(out, printed) as destination:
            for number, chunk in enumerate(_chunks(file, Format(**options), model)):
                if not number:
                    _tell_unused(model, chunk)
                destination.write(to_csv(_predictions(model, chunk, proba), header=not number))


def _model(name: str, address: str | None) -> "Estimator":
    """The model, from a file or from a study, where it is trained again if its weights were not kept."""
    from caviar.model.trained.estimators import load_model

    if Path(name).is_file():
        return load_model(name)
    from caviar.records.model_files import ModelFiles
    from caviar.records.models import check_network
    from caviar.records.outcome import Outcome

    outcome = Outcome.read(local_copy(name, address, models=True))
    if outcome.best.trial in ModelFiles(outcome.folder).numbers():
        return outcome.model()
    check_network(outcome.settings)  # before the function that it names is imported
    from caviar.study.study import Study

    try:
        study = Study.open(outcome.folder)
    except InputError as error:
        raise InputError(
            f"the weights of trial {outcome.best.trial} were not kept in {outcome.folder}, so it must be trained "
            f"again, but {error}; its .model().save('model.npz') writes a file that caviar predict takes"
        ) from None
    return study.model()


def _chunks(file: str, form: "Format", model: "Estimator") -> Iterator["pd.DataFrame"]:
    """The rows of a table, some at a time; at least one chunk, which may have no rows."""
    from caviar.data.reading.read import read_chunks

    preparation = model.model.schema.preparation
    kinds = preparation.kinds if preparation is not None and model.model.schema.has_names else {}
    with _seekable(file) as path:  # all others, dates too, are read as text
        yield from read_chunks(path, form, _ROWS, {name: kind for name, kind in kinds.items() if kind != "date"})


@contextlib.contextmanager
def _seekable(file: str) -> Iterator[str]:
    """The path of a file; of standard input, whose beginning is read twice to detect its format, a copy."""
    if file != "-":
        yield file
        return
    from caviar._temporary import temporary_folder, writing_temporary

    with temporary_folder() as folder:
        copy = folder / "rows"
        with writing_temporary(), copy.open("wb") as destination:
            shutil.copyfileobj(sys.stdin.buffer, destination)
        try:
            yield str(copy)
        except InputError as error:
            raise InputError(str(error).replace(str(copy), "standard input")) from None


def _tell_unused(model: "Estimator", chunk: "pd.DataFrame") -> None:
    """Say which columns the model does not use."""
    schema = model.model.schema
    if not schema.has_names:
        return
    unused = [name for name in map(str, chunk.columns) if name not in schema.columns]
    if schema.target in unused:
        unused.remove(schema.target)
        click.echo(f"the column {schema.target!r} is what the model predicts; it is ignored", err=True)
    if unused:
        columns = "column" if len(unused) == 1 else "columns"
        click.echo(f"the model does not use the {columns} {', '.join(map(repr, unused))}; ignored", err=True)


def _predictions(model: "Estimator", chunk: "pd.DataFrame", proba: bool) -> "pd.DataFrame":
    import pandas as pd

    if proba:
        return pd.DataFrame(model.predict_proba(chunk), columns=[str(label) for label in model.classes_])
    return pd.DataFrame({model.model.schema.target or "prediction": model.predict(chunk)})


@contextlib.contextmanager
def _opened(out: Path | None, printed: IO[bytes]) -> Iterator[IO[bytes]]:
    """Standard output, whose reader may leave early, or a file, which is written whole or not at all."""
    if out is None:
        try:
            yield printed
            printed.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), printed.fileno())  # for Python, which flushes at its end
        return
    if out.is_dir():
        raise InputError(f"--out must be a file, got the folder {out}; try --out {out / 'predictions.csv'}")
    if out.suffix.lower() in _NOT_TEXT:
        as_csv = f"{str(out.with_suffix('')).removesuffix('.csv')}.csv"  # also of p.csv.gz
        raise InputError(f"--out is written as CSV, got {out}; try --out {as_csv}")
    unfinished = unfinished_path(out)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        file = unfinished.open("wb")
    try:
        with file:
            yield file
        with writing(out):
            os.replace(unfinished, out)
    finally:
        unfinished.unlink(missing_ok=True)
