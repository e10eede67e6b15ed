"""`caviar`, with a clock that others can step: FAULTS_CLOCK names a file with the seconds that are added to it.

The clock of the machine is everybody's, and a namespace for time (`unshare --time`) leaves out the time of day.
"""

import faulthandler
import os
import signal
import time
from pathlib import Path


def stepped(clock, file):
    """Return a clock to which the seconds in a file are added."""
    return lambda: clock() + float(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # prints where it is
    time.time = stepped(time.time, Path(os.environ["FAULTS_CLOCK"]))  # before anything is imported that keeps it
    from caviar.cli.main import main

    main()
