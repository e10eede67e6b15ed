"""The demonstration in `.ci/run`: a study is submitted to a head with a token, followed, and read during and after.

    python -m tests.jobs.end_to_end

The table that the cluster wrote must equal that of the same study run on this machine, cell by cell. Before it, another
head is lost with its disk in the middle of the study, which then resumes from its bucket on the second head.
"""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import boto3
import pandas as pd
from moto.server import ThreadedMotoServer

import caviar
from caviar.csv import read_csv
from caviar.records.mirror import DEAD_SECONDS
from tests.jobs.head import head

SETTINGS = {"trials": 96, "waves": 3, "epochs": 25, "seed": 5}
OPTIONS = [f"--{name}={value}" for name, value in SETTINGS.items()]


NAME, PLACE = "night", "s3://studies/night"


def command(environment, *arguments):
    """Return what a command of Caviar prints, or None if it fails."""
    done = subprocess.run([sys.executable, "-m", "caviar", *arguments], env=environment, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def rows(environment):
    """Return how many rows the study's table has so far."""
    table = command(environment, "results", NAME)
    return 0 if table is None else len(pd.read_csv(io.BytesIO(table)))


def wait_for_end(environment, name):
    while (line := command(environment, "status", name)) is None or b": finished" not in line:
        assert line is None or b": failed" not in line, line
        time.sleep(0.5)


@contextlib.contextmanager
def bucket():
    """Serve the bucket "studies" at the endpoint that the environment names."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    boto3.client("s3").create_bucket(Bucket="studies")
    yield
    server.stop()


def lose_a_head():
    """Submit a study to a head that dies with its disk; return when."""
    with head() as environment:
        command(environment, "submit", "--name", NAME, "--workers", "2", "--out", PLACE, *OPTIONS)
        while (count := rows(environment)) <= SETTINGS["trials"] // 3:
            time.sleep(0.5)
        os.killpg(int(environment["HEAD_PROCESS"]), signal.SIGKILL)
    print(f"a head is lost after {count} rows of its study")
    return time.monotonic()


def run_undisturbed(environment):
    """Submit, follow and read a study; return its table as the cluster wrote it."""
    print(command(environment, "submit", "--name", NAME, "--workers", "2", *OPTIONS).decode(), end="")
    done, counts = threading.Event(), []

    def read():
        while not done.wait(0.5):
            counts.append(rows(environment))

    reader = threading.Thread(target=read)
    reader.start()
    log = subprocess.Popen(
        [sys.executable, "-m", "caviar", "logs", NAME, "-f"], env=environment, stdout=subprocess.PIPE, text=True
    )
    for line in log.stdout:
        print(f"  | {line}", end="")
    done.set()
    reader.join()
    wait_for_end(environment, NAME)
    print(f"rows read while it ran: {sorted(set(counts))}")
    assert any(0 < count < SETTINGS["trials"] for count in counts), "no table was read before the end"
    return command(environment, "results", NAME)


def resume(environment):
    """Resume the study of the head that was lost; return the table that this cluster wrote."""
    address = environment["RAY_API_SERVER_ADDRESS"]
    line = command(environment, "resume", PLACE, "--address", address, "--workers", "2").decode()
    print(line, end="")
    name = line.splitlines()[-1].split()[0]
    wait_for_end(environment, name)
    assert command(environment, "results", PLACE) is not None
    return command(environment, "results", name)


def run_here():
    """Return the table of the same study in this process."""
    study = caviar.Study("digits", out="local", workers=0, **SETTINGS)
    study.run(progress=False)
    return read_csv(study.folder / "results.csv")


def main():
    home = os.getcwd()
    with bucket(), tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the bucket's studies are copied to the working folder
        lost = lose_a_head()
        with head() as environment:
            tables = [run_undisturbed(environment)]
            expected = run_here()
            time.sleep(max(DEAD_SECONDS + 5 - (time.monotonic() - lost), 0))  # until the lost driver counts as dead
            tables.append(resume(environment))
        os.chdir(home)
    columns = [name for name in expected if name not in ("seconds", "began", "ended", "worker")]
    for table in tables:
        pd.testing.assert_frame_equal(read_csv(io.BytesIO(table))[columns], expected[columns], check_exact=True)
    print(f"the clusters' tables and this process's are equal: {len(expected)} rows, {len(columns)} columns")


if __name__ == "__main__":
    main()
