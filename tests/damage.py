"""Damage: documents of JSON in which values are replaced or missing, bytes that are changed or torn, full disks."""

import contextlib
import copy
import json
import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from caviar.errors import CaviarError

EXAMPLES = int(os.environ.get("FUZZ", "0"))  # of each fuzzed test, others each time; 0: a few, always the same
VALUES = [None, True, 0, -1, 7, 2**70, 0.5, -1e308, float("nan"), float("inf"), [], {}, [[]], [1, "a"], {"a": [None]}]
VALUES += ["", "a", "\ud800", "²", "../../a", "os:system", "__class__", {"__caviar__": "name", "value": "os:system"}]
_MISSING = object()


def places(document):
    """Every place in a document: the keys and positions that lead there."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    yield ()
    for key, value in items:
        yield from ((key, *rest) for rest in places(value))


def changed(document, place, value):
    """The document with another value in a place, or without the value there."""
    if not place:
        return None if value is _MISSING else value
    whole = copy.deepcopy(document)
    part = whole
    for key in place[:-1]:
        part = part[key]
    if value is _MISSING:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    return whole


@st.composite
def damaged(draw, document):
    """A document with one to three other values."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(places(document))))
        document = changed(document, place, draw(st.sampled_from([*VALUES, _MISSING])))
    return document


@st.composite
def torn(draw, content):
    """Bytes of which some are changed, or that end too early."""
    content = bytearray(content)
    for _ in range(draw(st.integers(0, 3))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])


def as_json(document):
    return json.dumps(document).encode()


def reads_or_says(read, *arguments):
    """What a reader returns; None if it raises one sentence, and nothing else may happen."""
    try:
        return read(*arguments)
    except CaviarError as error:
        sentence = str(error)
    assert sentence
    assert sentence.isprintable(), sentence
    assert len(sentence) < 2000, sentence
    return None


def fuzzed(examples):
    """Settings of a test that takes some seconds, or as long as FUZZ asks for."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@contextlib.contextmanager
def full_disk(size):
    """Let no file grow beyond a number of bytes."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
