"""Standard streams that are closed, as a daemon's are."""

import os


def open_standard_streams() -> None:
    """Open the standard streams that are closed, to nowhere.

    Otherwise the next files and pipes would get their numbers, and what any library prints would be written to them.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)  # as the standard streams of a process are
    os.close(number)
