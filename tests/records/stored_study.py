"""The study whose journal is stored for every format: `python -m tests.records.stored_study FOLDER` writes it anew.

Only a new format gets a new folder; the stored ones are never written again, because they have to open for ever.
"""

import sys

import pandas as pd

import caviar

SPACE = caviar.Space(
    rate=caviar.loguniform(1e-3, 1.0, tier=1),
    units=caviar.randint(1, 64),
    kind=caviar.choice({"adam": caviar.Space(beta2=caviar.reverseloguniform(0.9, 0.999)), "sgd": None}),
    fixed="yes",
)


def train(config, seed):
    if config["units"] == 13:
        raise ValueError("13 units bring bad luck")
    for epoch in range(1, 10):
        yield {"loss": config["rate"] + abs(config["units"] - 20) / 64 + 1 / epoch + seed % 97 / 1e4}


def make(folder):
    """Return the study, run to its end."""
    study = caviar.Study(
        train,
        space=SPACE,
        metric="loss",
        mode="min",
        trials=18,
        waves=2,
        epochs=9,
        grow=True,
        early_stopping=caviar.Halving(first=1),
        confirm=(2, 2),
        workers=0,
        out=folder,
    )
    study.enqueue({"rate": 0.5, "units": 13, "kind": "sgd", "fixed": "yes"})
    study.warm_start(pd.DataFrame({"rate": [0.1], "units": [5], "kind": ["sgd"], "loss": [1.5]}))
    study.run(progress=False)
    return study


if __name__ == "__main__":
    from tests.records import stored_study  # by its name, so that the journal names the function's module

    made = stored_study.make(sys.argv[1])
    (made.folder / "ranking.txt").write_text(" ".join(str(result.trial) for result in made.outcome.ranking))
