"""The JSON Schema of study.toml, by which editors complete and check it, made from the code that reads the file.

It is of draft 7, which editors of TOML use. What it refuses, `study_from_file` refuses; the opposite does not hold.
"""

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import combinations
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import caviar.model.config
from caviar.data.preparation.overrides import WORDS
from caviar.records.early_stopping import KINDS as EARLY_STOPPING
from caviar.records.settings import SEARCHES
from caviar.records.stopping import KINDS as STOPPING
from caviar.space import constructors
from caviar.space.serialization import KINDS
from caviar.study.study import Study

NAME = "study.schema.json"

Schema = dict[str, Any]

_SIMPLE = {bool: "boolean", int: "integer", float: "number", str: "string"}
_WORDS = {  # the only strings that these arguments take
    "search": list(SEARCHES),
    "early_stopping": list(EARLY_STOPPING),
    "stop": list(STOPPING),
    "confirm": ["auto"],
    "workers": ["auto"],
}
_LIMITS: Mapping[str, Schema] = {
    "trials": {"minimum": 1},
    "epochs": {"minimum": 1},
    "seed": {"minimum": 0},
    "workers": {"minimum": 0},
    "trial_timeout": {"exclusiveMinimum": 0},
    "timeout": {"exclusiveMinimum": 0},
    "tier": {"enum": [1, 2, 3]},
}
_RESOURCE = {"type": "number", "minimum": 0}
_REFERENCE = {"$ref": "#/definitions/hyperparameter"}
_TABLE_KEYS: Mapping[str, Schema] = {  # the arguments of load_table
    "target": {"type": "string", "description": "The column of the table to predict."},
    "task": {
        "enum": ["classification", "regression"],
        "description": "What the target is; left out: guessed.",
    },
    "validation": {
        "description": "A fraction, a number of folds, a second table, or what chooses the rows for validation.",
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "fraction": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
                    "folds": {"type": "integer", "minimum": 2},
                    **{key: {"type": "string"} for key in ("group", "time", "column", "table")},
                },
                "additionalProperties": False,
            },
        ],
    },
    "columns": {
        "type": "object",
        "description": "What columns of the table become, where the guess is wrong: a word, or levels in their order.",
        "additionalProperties": {"anyOf": [{"enum": list(WORDS)}, {"type": "array", "minItems": 1}]},
    },
    "sample_weight": {"type": "string", "description": "The column that says how much each row counts."},
    "class_weight": {
        "description": "How much each class counts in the training loss.",
        "anyOf": [{"enum": ["balanced"]}, {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}],
    },
    "separator": {"type": "string", "description": "The separator of a CSV file; left out: detected."},
    "decimal": {"type": "string", "description": "The decimal mark of a CSV file; left out: detected."},
    "encoding": {"type": "string", "description": "The encoding of a CSV file; left out: detected."},
    "header": {
        "type": "boolean",
        "description": "Whether a CSV file begins with the names of its columns; left out: detected.",
    },
}
_OWN_KEYS: Mapping[str, Schema] = {  # which are not as in Python
    "data": {"type": "string", "description": 'What to train on: "digits", or a table beside this file, or its URL.'},
    **_TABLE_KEYS,
    "trainable": {
        "type": "string",
        "pattern": ".:.",
        "description": 'Your own code: "my_module:train" is train(config, seed) in my_module.py beside this file.',
    },
    "command": {
        "type": "string",
        "description": "Your own program: a command that runs in this file's folder, with {NAME} for hyperparameters.",
    },
    "space": {"$ref": "#/definitions/space"},
    "resources": {
        "type": "object",
        "description": "What a trainer takes; one CPU if left out. A trial that allocates more bytes of memory fails.",
        "properties": dict.fromkeys(("cpu", "gpu", "memory"), _RESOURCE),
        "additionalProperties": _RESOURCE,
    },
}


def study_schema() -> Schema:
    """Return the schema of study.toml, as plain data.

    >>> study_schema()["properties"]["search"]["enum"]
    ['coarse-to-fine', 'random', 'sobol', 'grid']
    """
    arguments = _arguments(Study.__init__, inspect.getdoc(Study) or "")
    properties = {"data": {}, **_TABLE_KEYS, "trainable": {}, "command": {}, **arguments}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A study of Caviar",
        "type": "object",
        "properties": {name: _OWN_KEYS.get(name, schema) for name, schema in properties.items()},
        "additionalProperties": False,
        "dependencies": {"target": ["data"], **{key: ["data", "target"] for key in _TABLE_KEYS if key != "target"}},
        "not": {"anyOf": [{"required": list(pair)} for pair in combinations(("data", "trainable", "command"), 2)]},
        "definitions": {"space": _space(), "hyperparameter": _hyperparameter()},
    }


def _space() -> Schema:
    """A table of hyperparameters; those of the built-in network are explained as in `caviar.model.config`."""
    rows = re.findall(r"^\| (\w+) \| (.+?) \| (.+?) \|$", caviar.model.config.__doc__ or "", re.MULTILINE)
    known = {name: f"{meaning} (default {default})" for name, default, meaning in rows if name != "name"}
    return {
        "type": "object",
        "description": "What may vary: a range or options for each hyperparameter, or a constant.",
        "properties": {name: {"description": text, "allOf": [_REFERENCE]} for name, text in known.items()},
        "additionalProperties": _REFERENCE,
    }


def _hyperparameter() -> Schema:
    kinds = {kind: _table(kind, getattr(constructors, kind)) for kind in KINDS if kind != "constant"}
    kinds["choice"]["properties"] |= {
        "default": {},
        "spaces": {"type": "array", "items": {"$ref": "#/definitions/space"}},
    }
    simple = {"type": ["number", "string", "boolean", "array"]}  # a constant; a list is a choice
    constant = {"type": "object", "properties": {"constant": {}}, "required": ["constant"]}
    return {"anyOf": [simple, *kinds.values(), {**constant, "additionalProperties": False}]}


def _table(kind: str, constructor: Callable[..., object]) -> Schema:
    """A table with a kind of hyperparameter, and the settings that its constructor takes by name."""
    doc = inspect.getdoc(constructor) or ""
    arguments, parameters = _arguments(constructor, doc), inspect.signature(constructor).parameters
    by_name = [name for name in arguments if parameters[name].kind is inspect.Parameter.KEYWORD_ONLY]
    values: Schema = {"type": "array", "minItems": 1}
    if [name for name in arguments if name not in by_name] == ["low", "high"]:
        values = {"type": "array", "items": arguments["low"], "minItems": 2, "maxItems": 2}
    return {
        "type": "object",
        "description": doc.partition("\n")[0],
        "properties": {kind: values, **{name: arguments[name] for name in by_name}},
        "required": [kind],
        "additionalProperties": False,
    }


def _arguments(function: Callable[..., object], doc: str) -> dict[str, Schema]:
    """Return the schema of each argument of a function: its type, its default, and its description in `doc`."""
    described = dict(re.findall(r"^    (\w+): (.+(?:\n        .+)*)", doc, re.MULTILINE))
    hints = get_type_hints(function)
    schemas = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        schema = _type(hints[name], _WORDS.get(name)) | _LIMITS.get(name, {})
        if name in described:
            schema["description"] = re.sub(r"\s+", " ", described[name])
        if parameter.default not in (None, (), inspect.Parameter.empty):
            schema["default"] = parameter.default
        schemas[name] = schema
    return schemas


def _type(hint: Any, words: Sequence[str] | None = None) -> Schema:
    """Return the schema of a type, without what TOML cannot hold; `words` are the strings that are allowed."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is str and words:
        return {"enum": list(words)}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        options = [schema for argument in arguments if (schema := _type(argument, words))]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is tuple:
        size = len(arguments)
        return {"type": "array", "items": list(map(_type, arguments)), "minItems": size, "maxItems": size}
    if origin is Sequence:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        properties = {field.name: {**_type(hints[field.name]), "default": field.default} for field in fields(hint)}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    return {}
