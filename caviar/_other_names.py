"""What other tuners call things that have another name here, so that an error can say the right one.

The values of the tables are names of Caviar, or a remedy that begins with "try".
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from caviar._checks import did_you_mean
from caviar.errors import InputError

Class = TypeVar("Class", bound=type)
Names = Mapping[str, str]


def _named(**names: str) -> dict[str, str]:
    """Return a table from the other names, given as one string for each of ours."""
    return {other: ours for ours, others in names.items() for other in others.split()}


ARGUMENTS: Names = {  # of `Study`
    **_named(
        data="objective objective_function func function fn train_fn trainable model estimator dataset",
        space="param_space search_space param_distributions param_grid params parameters hyperparameters config bounds",
        trials="n_trials num_trials max_trials max_num_trials num_samples n_iter n_calls max_evals iterations",
        epochs="max_t max_epochs num_epochs n_epochs max_resource max_iters",
        seed="random_state random_seed rng",
        metric="scoring scorer monitor metric_name",
        mode="direction directions goal",
        search="sampler search_alg searcher algorithm algo strategy tuner",
        early_stopping="pruner scheduler stopper",
        name="study_name exp_name experiment_name project_name",
        out="storage storage_path local_dir output_dir log_dir directory folder path",
        workers="n_jobs num_workers n_workers max_workers max_concurrent_trials max_concurrent concurrency",
        address="ray_address cluster",
        resources="resources_per_trial resources_per_worker",
        timeout="time_budget_s time_budget max_time max_duration",
        trial_timeout="timeout_per_trial max_trial_time",
    ),
    "max_iter": "try trials, the number of configs, or epochs, the length of each",
    "num_cpus": "try resources={'cpu': 2}",
    "num_gpus": "try resources={'gpu': 1}",
    "points_to_evaluate": "try study.enqueue(config)",
    "load_if_exists": "try Study.open(folder), which continues a study",
    "resume": "try Study.open(folder), which continues a study",
    "callbacks": "try study.run(callbacks=[...])",
    "verbose": "try study.run(progress=False)",
    "show_progress_bar": "try study.run(progress=False)",
}

FILE_KEYS: Names = {  # of study.toml, where a function has a key of its own
    **ARGUMENTS,
    **{other: "trainable" for other, ours in ARGUMENTS.items() if ours == "data" and other != "dataset"},
    **_named(command="program script cmd executable trial_command trialCommand"),
}

_IN_SCIKIT_LEARN = _named(
    estimator="data",
    n_iter="trials",
    random_state="seed",
    n_jobs="workers",
    scoring="metric mode",
    cv="epochs",
    out="name",
    trial_timeout="timeout",
)
SEARCH_ARGUMENTS: Names = {  # of `CaviarSearchCV`
    **{other: _IN_SCIKIT_LEARN.get(ours, ours) for other, ours in ARGUMENTS.items() if not ours.startswith("try ")},
    **_IN_SCIKIT_LEARN,
    "max_iter": "n_iter",
    "factor": "early_stopping",
    "callbacks": "try search.set_callbacks(...)",
}

ATTRIBUTES: Names = {  # of `Study` and `Outcome`
    **{
        other: f"study.{ours}"
        for other, ours in {
            **_named(
                best="best_trial best_trials best_result best_results get_best_result get_best_trial",
                table="trials trials_dataframe get_trials dataframe results_df get_dataframe results cv_results_",
                folder="path experiment_path storage local_dir",
            ),
            "best_index_": "best.trial",
        }.items()
    },
    **dict.fromkeys(("best_params", "best_config", "best_params_", "get_best_config"), "study.best.config"),
    **dict.fromkeys(("best_value", "best_values", "best_score", "best_score_"), "study.best.metrics"),
    **dict.fromkeys(("optimize", "fit", "tune", "minimize", "maximize", "search"), "study.run()"),
    **dict.fromkeys(("enqueue_trial", "points_to_evaluate"), "study.enqueue(config)"),
    **dict.fromkeys(("add_trial", "add_trials"), "study.warm_start(table)"),
    **dict.fromkeys(("get_param_importances", "importances", "param_importances"), "study.importance()"),
    **dict.fromkeys(("direction", "directions"), "study.settings.objective.mode"),
    "study_name": "study.settings.name",
    "sampler": "study.settings.search",
    **dict.fromkeys(
        ("best_estimator_", "best_model", "get_best_models", "get_best_model", "best_model_"), "study.model()"
    ),
    "ask": "try study.run(), which asks and tells by itself, or caviar.search",
    "tell": "try study.run(), which asks and tells by itself, or caviar.search",
    "stop": "try Ctrl-C, or run(...) with a timeout of the study; run() continues it",
}

OUTCOME_ATTRIBUTES: Names = {  # an outcome has the properties of a study, but not what it does
    other: ours.replace("study.", "Study.open(folder)." if "(" in ours else "outcome.")
    for other, ours in ATTRIBUTES.items()
}

CALLBACK_METHODS: Names = _named(  # of `Callback`
    on_study_begin="on_train_begin on_train_start on_fit_start on_experiment_start",
    on_report="on_epoch_end on_train_epoch_end on_validation_end on_trial_result on_trial_report",
    on_trial_end="on_trial_complete on_trial_error on_trial_finish on_step_end",
    on_study_end="on_train_end on_fit_end on_experiment_end on_exception",
)

PUBLIC: Names = {  # of the package
    **_named(
        uniform="suggest_float suggest_uniform Float Real FloatDistribution",
        loguniform="log_uniform suggest_loguniform reciprocal",
        randint="suggest_int int_uniform Integer Int IntDistribution",
        lograndint="log_randint logint",
        choice="suggest_categorical categorical Categorical CategoricalDistribution ordinal",
        Study="create_study Tuner TuneConfig Optimizer",
    ),
    **dict.fromkeys(("load_study", "load", "open", "resume"), "Study.open(folder)"),
    **dict.fromkeys(("run", "fit", "optimize", "minimize", "fmin"), "Study(...).run()"),
    **dict.fromkeys(("quniform", "suggest_discrete_uniform", "finrange"), "uniform(low, high, step=...)"),
    "qloguniform": "loguniform(low, high, step=...)",
    "qrandint": "randint(low, high, step=...)",
    "qlograndint": "lograndint(low, high, step=...)",
    **dict.fromkeys(("randn", "normal", "norm"), "distribution('norm', mean, deviation)"),
    "lognormal": "distribution('lognorm', ...)",
    "grid_search": "try choice, and Study(search='grid')",
    "sample_from": "try uniform, loguniform, randint or choice",
    "CaviarSearchCV": "sklearn.CaviarSearchCV",
    "CaviarSampler": "optuna.CaviarSampler",
    "CaviarSearch": "tune.CaviarSearch",
    **dict.fromkeys(("ASHAScheduler", "AsyncHyperBandScheduler"), "try Study(early_stopping='asha')"),
    **dict.fromkeys(("HyperBandScheduler", "HyperbandPruner", "SuccessiveHalvingPruner"), "Halving"),
}


def hint(name: str, others: Names, choices: Iterable[str]) -> str:
    """Return the ending of an error message about an unknown name: what it is called here, or the closest choice.

    >>> hint("n_trials", ARGUMENTS, ["trials"]), hint("trails", ARGUMENTS, ["trials"])
    ('; it is called trials here', "; did you mean 'trials'?")
    """
    ours = others.get(name)
    if ours is None:
        return did_you_mean(name, choices)
    return f"; {ours}" if ours.startswith("try ") else f"; it is called {ours} here"


def unknown_attribute(owner: str, name: str, others: Names, choices: Iterable[str]) -> AttributeError:
    """Return the error for an attribute that does not exist; a private name gets no hint, as tools look for many.

    >>> print(unknown_attribute("Study", "best_params", ATTRIBUTES, []))
    Study has no attribute 'best_params'; it is called study.best.config here
    """
    known = [] if name.startswith("_") else [choice for choice in choices if not choice.startswith("_")]
    return AttributeError(
        f"{owner} has no attribute {name!r}{hint(name, others, known) if known or name in others else ''}"
    )


def knows_other_names(arguments: Names | None, attributes: Names | None) -> Callable[[Class], Class]:
    """Return a class decorator: an unknown argument or attribute raises an error with its name here."""

    def decorate(cls: Class) -> Class:
        decorated: Any = cls  # a type checker finds unknown names by itself
        if attributes is not None:
            decorated.__getattr__ = _missing_attribute(cls, attributes)
        if arguments is not None:
            decorated.__init__ = _with_checked_names(decorated.__init__, cls.__name__, arguments)
        return cls

    return decorate


def _missing_attribute(cls: type, others: Names) -> Callable[[object, str], object]:
    def missing(self: object, name: str) -> object:
        if hasattr(cls, name):
            return object.__getattribute__(self, name)  # a property that raised an AttributeError raises it again
        raise unknown_attribute(cls.__name__, name, others, dir(cls))

    return missing


def _with_checked_names(init: Callable[..., None], owner: str, others: Names) -> Callable[..., None]:
    _, *known = inspect.signature(init).parameters

    @functools.wraps(init)
    def checked(self: object, *args: Any, **arguments: Any) -> None:
        for name in arguments:
            if name not in known:
                raise InputError(f"{owner} has no argument {name!r}{hint(name, others, known)}")
        init(self, *args, **arguments)

    return checked
