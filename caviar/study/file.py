"""A study as a TOML file: what is trained, the space, the objective and the budget.

The keys are the arguments of `Study`, with `trainable` for a function in a module beside the file, `command` for a
program that runs in the file's folder, or `data` and the arguments of `load_table` for a table beside it. `[space]`
holds the hyperparameters, `[resources]` what a trainer takes, `[columns]` what columns of the table become.
"""

import inspect
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from caviar._interface import Interface, using
from caviar._other_names import FILE_KEYS, Names, hint
from caviar.data.table import load_table
from caviar.errors import InputError
from caviar.files import LocalStore, is_uri
from caviar.fleet.programs.program import program
from caviar.records.early_stopping import Halving
from caviar.records.journal import holds_study
from caviar.space.serialization import from_plain
from caviar.study import schema
from caviar.study.loading import target_in_module
from caviar.study.study import Study

NAME = "study.toml"
TRAINED = ("data", "trainable", "command")  # of which a file has one
TABLE = tuple(name for name in inspect.signature(load_table).parameters if name not in ("table", "name", "seed"))

TEMPLATE = """\
#:schema ./study.schema.json
# A study for `caviar run study.toml`. The lines that are commented out show other settings and their defaults.

data = "digits"                    # or a table beside this one (CSV, Parquet, Feather), with the column to predict:
# data = "my.csv"
# target = "label"
# task = "classification"          # or "regression"; left out: guessed from the target, with a message
# validation = 0.15                # or { folds = 5 }, { group = "patient" }, { time = "date" }, { column = "split" },
                                   # { table = "other.csv" }
# sample_weight = "weight"         # the column that says how much each row counts
# class_weight = "balanced"        # or a table, { yes = 10, no = 1 }
# trainable = "my_module:train"    # or your own code: def train(config, seed) in my_module.py beside this file;
                                   # it returns the metric or a dict, or yields one each epoch
# command = "python train.py --lr {learning_rate}"  # or a program, which reports lines such as {"loss": 0.3}

metric = "val_accuracy"            # what to optimise, and which way: "min" or "max"
mode = "max"
# metrics = ["f1_macro"]           # other scorers of scikit-learn that the built-in network reports

trials = 64                        # how many configurations to train
waves = "auto"                     # how many waves, their sizes (3, [32, 16, 16]), or "continuous"
seed = 0                           # the same seed gives the same table
# epochs = 20                      # how long the built-in network trains; left out: 20, or more for few rows
# search = "coarse-to-fine"        # or "random", "sobol", "grid"
# early_stopping = "halving"       # stop the worse half at every rung; or "asha"; left out: never stop early
# stop = "worth"                   # end when the next wave is not worth it; or { gain = 0.001, minutes = 10 },
                                   # "plateau", { val_accuracy = 0.98 }; left out: train all trials
# grow = true                      # extend bounds of the space that the best values lie against
# confirm = [3, 4]                 # train the best 3 again, 4 times each; or false
# trial_timeout = 60.0             # seconds
# timeout = 3600.0
# isolation = "none"               # call the function in the trainer; left out: each trial has a process of its own
# workers = 4                      # left out: one for each free CPU
# address = "auto"                 # a Ray cluster; left out: a temporary Ray on this machine
# name = "my study"
# out = "runs/first"               # left out: runs/NAME-TIME

# [columns]                        # of the table, where the guess is wrong
# id = "drop"                      # or "number", "category", "date", "keep"
# cut = ["Fair", "Good", "Ideal"]  # levels in their order

# [resources]                      # of a trainer
# cpu = 1
# gpu = 0.5
# memory = 2e9                     # bytes; on Linux, a trial that allocates more fails

[space]                            # bounds are included; tier 1 matters most
learning_rate = { loguniform = [1e-4, 1.0], tier = 1 }
momentum = { reverseloguniform = [0.9, 0.999], tier = 2, default = 0.9 }
hidden_units = { randint = [50, 100], tier = 2 }
batch_size = { choice = [32, 64, 128, 256], tier = 2, default = 64 }
hidden_layers = { randint = [1, 4], tier = 3, default = 2 }
lr_decay = { loguniform = [1e-3, 1.0], tier = 3 }
# optimizer = "adam"               # a constant; a list is a choice, { constant = [1, 2] } the list itself
# weight_decay = { loguniform = [1e-5, 1e-2], tier = 3 }  # or dropout, clip_norm, schedule, warmup, dtype, ...
"""


def write_template(folder: Path) -> Path:
    """Write a commented study.toml and its schema into a folder, return its path; refuse to replace a study.toml."""
    path, store = folder / NAME, LocalStore(folder)
    try:
        store.create(NAME, TEMPLATE.encode())
    except FileExistsError:
        raise InputError(f"{path} exists already; edit it or choose another folder") from None
    store.write(schema.NAME, (json.dumps(schema.study_schema(), indent=2) + "\n").encode())
    return path


def study_from_file(path: Path, **overrides: Any) -> Study:
    """Return the study that a TOML file describes; `overrides` are arguments of `Study` that replace the file's."""
    with using(Interface.STUDY_FILE):
        arguments = read_arguments(path)
        for key in TRAINED:
            if key in overrides and (others := [other for other in TRAINED if other in arguments and other != key]):
                raise InputError(f"{key}={overrides[key]!r} cannot replace {others[0]} of {path}; leave it out")
        return _study(path, {**arguments, **overrides})


def _study(path: Path, arguments: dict[str, Any]) -> Study:
    trained = {key: arguments.pop(key) for key in TRAINED if key in arguments}
    table = {key: arguments.pop(key) for key in TABLE if key in arguments}
    if len(trained) != 1:
        found = " and ".join(trained) or "none of them"
        raise InputError(f"{path} must set exactly one of {', '.join(TRAINED)}; it sets {found}")
    if "space" in arguments:
        arguments["space"] = from_plain(_table(path, "space", arguments["space"]), toml=True)
    if isinstance(stopping := arguments.get("early_stopping"), Mapping):
        _check_keys(f"{path}: early_stopping", stopping, [field.name for field in fields(Halving)], {})
        arguments["early_stopping"] = Halving(**stopping)
    return Study(_trained(trained, table, path.parent), **arguments)


def _trained(trained: Mapping[str, Any], table: Mapping[str, Any], folder: Path) -> Any:
    """Return what a study trains, from the one key of its file that says so."""
    match trained:
        case {"trainable": reference}:
            return target_in_module(reference, folder)
        case {"command": command}:
            return program(command, folder)
    if not table:
        if isinstance(data := trained["data"], str) and data != "digits":
            raise InputError(f'data is "digits" or a table with a target, got {data!r}; add target = "label"')
        return data
    validation = table.get("validation")
    if isinstance(validation, str):
        table = {**table, "validation": beside(folder, validation)}
    elif isinstance(validation, Mapping) and isinstance(validation.get("table"), str):
        table = {**table, "validation": {**validation, "table": beside(folder, validation["table"])}}
    return load_table(beside(folder, trained["data"]), **table)


def beside(folder: Path, path: str) -> str:
    """Return a path that is relative to a folder; a URL is returned as it is.

    >>> beside(Path("studies"), "my.csv"), beside(Path("studies"), "s3://bucket/my.csv")
    ('studies/my.csv', 's3://bucket/my.csv')
    """
    return path if is_uri(path) else (folder / path).as_posix()


def read_arguments(path: Path) -> dict[str, Any]:
    """Return the keys of a study's file; raise InputError for an invalid file or an unknown key."""
    is_toml = path.suffix == ".toml"
    remedy = "`caviar init` writes one" if is_toml else f"data are passed as `--data {path}`"
    try:
        arguments = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; {remedy}") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; {_remedy_for(path)}") from None
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}; {'save it as UTF-8' if is_toml else remedy}") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}{'' if is_toml else f'; {remedy}'}") from None
    _check_keys(str(path), arguments, (*TRAINED, *TABLE, *inspect.signature(Study).parameters), FILE_KEYS)
    if "resources" in arguments:
        _table(path, "resources", arguments["resources"])
    for key in ("data", "target", "out"):
        if not isinstance(arguments.get(key, ""), str):
            raise InputError(f"{path}: {key} must be a string, got {arguments[key]!r}")
    for key in TABLE:
        if key in arguments and "data" not in arguments:
            raise InputError(f'{path} sets {key}, which is about a table, but no data; add data = "my.csv"')
        if key in arguments and "target" not in arguments:
            raise InputError(f'{path} sets {key}, which is about a table, but no target; add target = "label"')
    return arguments


def _remedy_for(folder: Path) -> str:
    """Return what a user may have meant who passes a folder in place of a study's file."""
    if holds_study(folder):
        return f"continue its study with `caviar resume {folder}`"
    file = folder / NAME
    return f"pass {file}" if file.is_file() else "pass a study's file, such as `caviar init` writes"


def _table(path: Path, key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: {key} must be a table, [{key}] with a line for each entry, got {value!r}")
    return value


def _check_keys(source: str, table: Mapping[str, object], keys: Iterable[str], others: Names) -> None:
    for key in table:
        if key not in keys:
            raise InputError(f"{source} has an unknown key {key!r}{hint(key, others, keys)}")
