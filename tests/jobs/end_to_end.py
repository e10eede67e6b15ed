"""The demonstration in `.ci/run`: a study is submitted to a head with a token, followed, and read during and after.

    python -m tests.jobs.end_to_end

The table that the cluster wrote must equal that of the same study run on this machine, cell by cell. Then a head is
lost with its disk in the middle of the study, which resumes from its bucket on another head.
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
from caviar.csv import read_csv
from caviar.records.mirror import DEAD_SECONDS
from tests.jobs.head import head

SETTINGS = {"trials": 96, "waves": 3, "epochs": 40, "seed": 5}
OPTIONS = [f"--{name}={value}" for name, value in SETTINGS.items()]


NAME = "night"


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


def run_undisturbed():
    """Submit, follow and read a study; return its table as the cluster wrote it."""
    with head() as environment:
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
        table = command(environment, "results", NAME)
    print(f"rows read while it ran: {sorted(set(counts))}")
    assert any(0 < count < SETTINGS["trials"] for count in counts), "no table was read before the end"
    return table


def run_and_lose_the_head():
    """Do the same with a head that dies with its disk; return the table that another cluster wrote."""
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
        while (count := rows(environment)) <= SETTINGS["trials"] // 3:
            time.sleep(0.5)
        os.killpg(int(environment["HEAD_PROCESS"]), signal.SIGKILL)
        lost = time.monotonic()
    print(f"the head is lost after {count} rows; ", end="")
    with head() as environment:
        time.sleep(max(DEAD_SECONDS + 5 - (time.monotonic() - lost), 0))  # until its driver counts as dead
        address = environment["RAY_API_SERVER_ADDRESS"]
        line = command(environment, "resume", "s3://studies/night", "--address", address, "--workers", "2").decode()
        print(line, end="")
        name = line.splitlines()[-1].split()[0]
        wait_for_end(environment, name)
        table = command(environment, "results", name)
        assert command(environment, "results", "s3://studies/night") is not None
    bucket.stop()
    return table


def main():
    tables = [run_undisturbed()]
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the bucket's studies are copied to the working folder
        tables.append(run_and_lose_the_head())
        os.chdir(home)
    os.environ.pop("RAY_ADDRESS", None)
    with tempfile.TemporaryDirectory() as folder:
        study = caviar.Study("digits", out=f"{folder}/local", workers=2, **SETTINGS)
        study.run(progress=False)
        expected = read_csv(study.folder / "results.csv")
    columns = [name for name in expected if name not in ("seconds", "began", "ended", "worker")]
    for table in tables:
        pd.testing.assert_frame_equal(read_csv(io.BytesIO(table))[columns], expected[columns], check_exact=True)
    print(f"the clusters' tables and this machine's are equal: {len(expected)} rows, {len(columns)} columns")


if __name__ == "__main__":
    main()
