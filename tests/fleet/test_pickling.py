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
