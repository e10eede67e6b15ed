"""Events as lines: every event comes back from its line, and reading a line runs no code."""

import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given

from caviar.errors import StorageError
from caviar.records.event_lines import decode, encode
from caviar.records.events import FORMAT, StudyBegan
from tests.records import strategies


def equal(one, other):
    """Whether two events hold the same, arrays included."""
    if type(one) is not type(other):
        return False
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        same = np.array_equal(a, b, equal_nan=True) if isinstance(a, np.ndarray) else a == b
        if not same:
            return False
    return True


@given(event=strategies.events)
def test_an_event_comes_back_from_its_line_bit_for_bit(event):
    line = encode(event)
    assert "\n" not in line
    assert equal(decode(line), event)
    assert encode(decode(line)) == line


@given(event=strategies.events)
def test_a_line_is_json_with_a_tag_and_the_first_line_has_a_format(event):
    plain = json.loads(encode(event))
    assert isinstance(plain["event"], str)
    assert ("format" in plain) == isinstance(event, StudyBegan)


@given(began=strategies.settings())
def test_a_newer_format_is_refused_with_a_sentence(began):
    line = encode(StudyBegan(began, {})).replace(f'"format":{FORMAT}', f'"format":{FORMAT + 1}')
    with pytest.raises(StorageError, match=f"format {FORMAT + 1}; open it with a newer Caviar"):
        decode(line)


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "3", "[]", "{}", "[" * 100_000, '{"event":"enqueued","configs":3}',
     '{"event":"warm start","points":[[1' + "0" * 400 + ']],"values":[1]}',
     '{"event":"wave","wave":1,"first":"0","points":[[0]]}',
     '{"event":"wave"}', '{"event":"party"}', '{"event":"trial","trial":0}',
     '{"event":"trial","trial":0,"wave":1,"state":"dancing","config":{},"seconds":0,"seed":0,"worker":"","error":"",'
     '"confirms":null,"curve":[]}'],
)  # fmt: skip
def test_a_line_that_holds_no_event_is_an_error_that_says_so(line):
    with pytest.raises(ValueError, match=r"."):
        decode(line)


@pytest.mark.parametrize("name", ["os:system", "subprocess:Popen", "builtins:eval"])
def test_names_of_code_in_a_journal_are_only_strings(name, tmp_path):
    config = {"rule": name, "settings": {"args": ["touch", str(tmp_path / "ran")]}}
    event = decode(json.dumps({"event": "enqueued", "configs": [config]}))
    assert event.configs == (config,)
    assert not (tmp_path / "ran").exists()
