"""What `.ci/run` shows: a head on loopback with a token, a study submitted, followed, read during and after.

    python -m tests.jobs.end_to_end

The table that the cluster wrote is held against that of the same study run in this process, cell by cell. Then a
head is lost with its disk in the middle of the study, which goes on from its bucket on another head.
"""

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
from caviar.records.mirror import DEAD_SECONDS
from tests.jobs.head import head

SETTINGS = {"trials": 96, "waves": 3, "epochs": 40, "seed": 5}
OPTIONS = [f"--{name}={value}" for name, value in SETTINGS.items()]


NAME = "night"


def command(environment, *arguments):
    """What a command of Caviar's prints, or None where it refuses."""
    done = subprocess.run([sys.executable, "-m", "caviar", *arguments], env=environment, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def rows(environment):
    """How many rows the study's table has so far."""
    table = command(environment, "results", NAME)
    return 0 if table is None else len(pd.read_csv(io.BytesIO(table)))


def wait_for_end(environment, name):
    while (told := command(environment, "status", name)) is None or b": finished" not in told:
        assert told is None or b": failed" not in told, told
        time.sleep(0.5)


def undisturbed():
    """Submit, follow and read a study; returns its table as the cluster wrote it."""
    with head() as environment:
        print(command(environment, "submit", "--name", NAME, "--workers", "2", *OPTIONS).decode(), end="")
        reading, seen = threading.Event(), []

        def read():
            while not reading.wait(0.5):
                seen.append(rows(environment))

        reader = threading.Thread(target=read)
        reader.start()
        log = subprocess.Popen(
            [sys.executable, "-m", "caviar", "logs", NAME, "-f"], env=environment, stdout=subprocess.PIPE, text=True
        )
        for line in log.stdout:
            print(f"  | {line}", end="")
        reading.set()
        reader.join()
        wait_for_end(environment, NAME)
        written = command(environment, "results", NAME)
    print(f"rows read while it ran: {sorted(set(seen))}")
    assert any(0 < count < SETTINGS["trials"] for count in seen), "no table was read before the end"
    return written


def with_a_lost_head():
    """The same, but for the head, which dies with its disk; returns the table that another cluster wrote."""
    bucket = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    bucket.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": "http://{}:{}".format(*bucket.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    boto3.client("s3").create_bucket(Bucket="studies")
    with head() as environment:
        command(environment, "submit", "--name", NAME, "--workers", "2", "--out", "s3://studies/night", *OPTIONS)
        while (done := rows(environment)) <= SETTINGS["trials"] // 3:
            time.sleep(0.5)
        os.killpg(int(environment["HEAD_PROCESS"]), signal.SIGKILL)
        lost = time.monotonic()
    print(f"the head is lost after {done} rows; ", end="")
    with head() as environment:
        time.sleep(max(DEAD_SECONDS + 5 - (time.monotonic() - lost), 0))  # until its driver counts as dead
        address = environment["RAY_API_SERVER_ADDRESS"]
        told = command(environment, "resume", "s3://studies/night", "--address", address, "--workers", "2").decode()
        print(told, end="")
        wait_for_end(environment, told.split()[0])
        written = command(environment, "results", told.split()[0])
        assert command(environment, "results", "s3://studies/night") is not None
    bucket.stop()
    return written


def main():
    written = [undisturbed()]
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where the bucket's studies are copied to
        written.append(with_a_lost_head())
        os.chdir(home)
    os.environ.pop("RAY_ADDRESS", None)
    with tempfile.TemporaryDirectory() as folder:
        here = caviar.Study("digits", out=f"{folder}/here", workers=2, **SETTINGS)
        here.run(progress=False)
        own = pd.read_csv(here.folder / "results.csv")
    columns = [name for name in own if name not in ("seconds", "worker")]
    for table in written:
        pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(table))[columns], own[columns], check_exact=True)
    print(f"the clusters' tables and this process's are equal: {len(own)} rows, {len(columns)} columns")


if __name__ == "__main__":
    main()
