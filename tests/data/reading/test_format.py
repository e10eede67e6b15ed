"""What a user may say about a file."""

import pytest

from caviar.data.reading.format import Format
from caviar.errors import InputError

INVALID = {
    "separator must be one character such as ',' or '\\t', got ', '": {"separator": ", "},
    "separator must be one character such as ',' or '\\t', got 1": {"separator": 1},
    "decimal must be '.' or ',', got ';'": {"decimal": ";"},
    "separator and decimal must differ, got ',' for both": {"separator": ",", "decimal": ","},
    "header must be True, False or None, got 'no'": {"header": "no"},
    "header must be True, False or None, got 0": {"header": 0},
    "encoding must be a name that Python knows, such as 'utf-8' or 'cp1252', got 'undefined'": {
        "encoding": "undefined"
    },
    "encoding must be a name that Python knows, such as 'utf-8' or 'cp1252', got 'hex'": {"encoding": "hex"},
    "encoding must be a name that Python knows, such as 'utf-8' or 'cp1252', got 'utf-9'": {"encoding": "utf-9"},
}


@pytest.mark.parametrize("message", INVALID)
def test_an_invalid_format_raises_one_sentence(message):
    with pytest.raises(InputError) as error:
        Format(**INVALID[message])
    assert str(error.value) == message
