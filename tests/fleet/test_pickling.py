"""What a user's script defines is pickled and unpickled without importing Ray, which takes a second."""

import subprocess
import sys
import textwrap

from caviar.fleet.pickling import dumps, loads

SCRIPT = """
import sys
from dataclasses import dataclass
from enum import Enum
from caviar.fleet.pickling import dumps, loads

class Color(Enum):
    RED = 1

@dataclass(frozen=True)
class Point:
    x: int

scale = 3

def function(config, *, offset=1):
    inner = lambda x: scale * x + offset
    return inner(config.x), Color.RED

restored, point = loads(dumps((function, Point(2))))
assert restored(point)[0] == 7
assert point == Point(2)
print("ray" in sys.modules)
"""


def test_ray_is_not_imported():
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_pickle_is_read_where_ray_is_imported():
    import ray  # noqa: F401

    assert loads(dumps(lambda x: x + 1))(2) == 3


IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
from caviar.fleet.pickling import dumps, loads

with ThreadPoolExecutor(8) as executor:
    assert list(executor.map(lambda x: loads(dumps(lambda: x))(), range(64))) == list(range(64))
"""


def test_several_threads_may_begin_at_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(IN_THREADS, encoding="utf-8")
    subprocess.run([sys.executable, script], check=True)


def test_a_file_that_hides_ray_is_named(tmp_path):
    (tmp_path / "ray.py").touch()
    script = tmp_path / "script.py"
    script.write_text("from caviar.fleet.pickling import dumps\ndumps(1)\n", encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert f"{tmp_path / 'ray.py'} hides the package ray, which Caviar needs; rename the file" in done.stderr
