"""A study as a TOML file: what is trained, the space, the metric and the budget.

The keys are the arguments of `Study`, with `trainable` for a function in a module beside the file, or `data` and
`target` for a CSV file beside it; `[space]` holds the hyperparameters, `[resources]` what a trainer takes.
"""

import inspect
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caviar._checks import did_you_mean
from caviar.data.loaders import load_csv
from caviar.errors import InputError, StorageError
from caviar.space.serialization import from_plain
from caviar.study.study import Study
from caviar.study.target import subject_in_module

NAME = "study.toml"

TEMPLATE = """\
# A study for `caviar run study.toml`. The lines that are commented out show other settings and their defaults.

data = "digits"                    # or a CSV file beside this one, with the column to predict:
# data = "my.csv"
# target = "label"
# trainable = "my_module:train"    # or your own code: def train(config, seed) in my_module.py beside this file,
                                   # that returns a dict of metrics, or yields one an epoch

metric = "val_accuracy"            # what to optimise, and which way: "min" or "max"
mode = "max"

trials = 64                        # how many configurations to train
waves = "auto"                     # how many waves, their sizes (3, [32, 16, 16]), or "continuous"
seed = 0                           # the same seed gives the same table
epochs = 20                        # how long the built-in network trains
# search = "coarse-to-fine"        # or "random", "sobol", "grid"
# early_stopping = "halving"       # stop the worse two thirds at every rung; or "asha"; left out: train all to the end
# confirm = [3, 4]                 # train the best 3 again, 4 times each; or false
# trial_timeout = 60.0             # seconds
# timeout = 3600.0
# workers = 4                      # left out: as many as there are free CPUs
# address = "auto"                 # a Ray cluster; left out: Ray is started on this machine
# name = "my study"
# out = "runs/first"               # left out: runs/NAME-TIME

# [resources]                      # of a trainer
# cpu = 1
# gpu = 0.5
# memory = 2e9                     # bytes; a trial that allocates more fails

[space]                            # bounds are included; tier 1 matters most
learning_rate = { loguniform = [1e-4, 1.0], tier = 1 }
momentum = { reverseloguniform = [0.9, 0.999], tier = 2, default = 0.9 }
hidden_units = { randint = [50, 100], tier = 2 }
batch_size = { choice = [32, 64, 128, 256], tier = 2, default = 64 }
hidden_layers = { randint = [1, 4], tier = 3, default = 2 }
lr_decay = { loguniform = [1e-3, 1.0], tier = 3 }
# optimizer = "adam"               # a constant
# weight_decay = { loguniform = [1e-5, 1e-2], tier = 3 }  # or dropout, clip_norm, schedule, warmup, dtype, ...
"""


def write_template(folder: Path) -> Path:
    """Write a commented study.toml into a folder; returns its path.

    Raises:
        InputError: there is one already.
        StorageError: the folder cannot be written.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise InputError(f"{path} is there already; edit it, or choose another folder") from None
    except OSError as error:
        raise StorageError(f"cannot write {path} ({error.strerror}); choose another folder") from None
    return path


def study_of_file(path: Path, **instead: Any) -> Study:
    """The study that a TOML file describes.

    Args:
        path: the file.
        instead: arguments of `Study` that count instead of the file's.

    Raises:
        InputError: no such file, no TOML, an unknown key, or a setting that cannot be.
    """
    settings = {**read_settings(path), **instead}
    data, target, trainable = (settings.pop(key, None) for key in ("data", "target", "trainable"))
    if (data is None) == (trainable is None):
        raise InputError(f"{path} is to name either data or a trainable; it names {'both' if data else 'neither'}")
    if trainable is not None:
        subject: Any = subject_in_module(trainable, path.parent)
    else:
        subject = data if target is None else load_csv(path.parent / data, target=target)
    if "space" in settings:
        settings["space"] = from_plain(_table(path, "space", settings["space"]))
    return Study(subject, **settings)


def read_settings(path: Path) -> dict[str, Any]:
    """The keys of a study's file, known ones only.

    Raises:
        InputError: no such file, no TOML, or an unknown key.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; `caviar init` writes one") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML: {error}") from None
    known = ("trainable", "target", *(name for name in inspect.signature(Study).parameters))
    for key in settings:
        if key not in known:
            raise InputError(f"{path} has an unknown key {key!r}{did_you_mean(key, known)}")
    if "resources" in settings:
        _table(path, "resources", settings["resources"])
    for key in ("data", "target", "out"):
        if not isinstance(settings.get(key, ""), str):
            raise InputError(f"{path}: {key} is a text; got {settings[key]!r}")
    if "target" in settings and "data" not in settings:
        raise InputError(f'{path} names a target, a column of data, and no data; add data = "my.csv"')
    return settings


def _table(path: Path, key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: {key} is a table, [{key}] with a line each; got {value!r}")
    return value
