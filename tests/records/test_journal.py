import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.errors import InputError, StorageError
from caviar.records.journal import NAME, Journal, check_writable, read
from caviar.records.trial import Result

numbers = st.floats(allow_nan=False)
results = st.builds(
    Result,
    trial=st.integers(0, 10**6),
    wave=st.integers(1, 9),
    state=st.sampled_from(["finished", "failed"]),
    config=st.dictionaries(st.text(max_size=9), numbers | st.integers() | st.text() | st.booleans(), max_size=4),
    metrics=st.just({}),
    epochs=st.just(0),
    seconds=numbers,
    seed=st.integers(0, 2**32 - 1),
    worker=st.text(),
    error=st.text(),
)


@given(result=results)
def test_a_result_comes_back_from_its_line_bit_for_bit(result):
    assert Result.from_record(json.loads(json.dumps(result.as_record()))) == result


def test_records_come_back_in_order(tmp_path):
    journal = Journal(tmp_path / "deep" / "folder")
    journal.append([{"study": {}}, {"trial": 0, "value": 0.1 + 0.2}])
    journal.append([])
    journal.append([{"trial": 1, "value": math.nan, "option": np.float32(0.5), "other": {1}}])
    journal.close()
    first, second, third = read(tmp_path / "deep" / "folder")
    assert first == {"study": {}}
    assert second["value"] == 0.1 + 0.2
    assert math.isnan(third["value"])
    assert third["option"] == 0.5
    assert third["other"] == "{1}"


def test_a_torn_last_line_is_dropped_and_said(tmp_path):
    journal = Journal(tmp_path)
    journal.append([{"trial": 0}])
    journal.close()
    with (tmp_path / NAME).open("a") as file:
        file.write('{"trial": 1, "sta')
    assert list(read(tmp_path)) == [{"trial": 0}]
    with pytest.warns(UserWarning, match="torn last line of 17 bytes"):
        journal = Journal(tmp_path)
    journal.append([{"trial": 2}])
    journal.close()
    assert list(read(tmp_path)) == [{"trial": 0}, {"trial": 2}]


def test_a_line_that_is_no_record_is_named(tmp_path):
    (tmp_path / NAME).write_text('{"trial": 0}\nnonsense\n{"trial": 1}\n')
    with pytest.raises(StorageError, match="line 2"):
        list(read(tmp_path))


def test_a_folder_without_a_journal(tmp_path):
    with pytest.raises(InputError, match="holds no study"):
        list(read(tmp_path))


def test_a_second_driver_is_refused_and_a_dead_one_leaves_no_lock(tmp_path):
    program = (
        "import sys, pathlib; from caviar.records.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1])); print('open', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "open\n"
    with pytest.raises(StorageError, match="another driver"):
        Journal(tmp_path)
    other.kill()
    other.wait()
    Journal(tmp_path).close()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file"):
        check_writable(tmp_path / "file" / "study")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("root may write everywhere")
    with pytest.raises(StorageError, match="no permission"):
        check_writable(closed / "study")
