"""What optuna-dashboard's own API tells of a study that was written into Optuna's storage."""

import json
import math
from wsgiref.util import setup_testing_defaults

import optuna
import pytest

import caviar

optuna_dashboard = pytest.importorskip("optuna_dashboard")


def get(app, path):
    """Return what the dashboard answers to a request of its page."""
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
    setup_testing_defaults(environ)
    answered = []
    body = b"".join(app(environ, lambda status, headers, *_: answered.append(status)))
    assert answered == ["200 OK"], body
    return json.loads(body)


def test_the_dashboard_shows_every_trial_of_the_study(tmp_path):
    def train(config, seed):
        if config["x"] > 0.9:
            raise ValueError("too large")
        for epoch in range(1, 4):
            yield {"loss": config["x"] + 1 / epoch, "other": 1.0}

    study = caviar.Study(
        train, space=caviar.Space(x=caviar.uniform(0, 1), kind=caviar.choice(["a", "b"])), metric="loss", mode="min",
        trials=16, seed=0, name="shown", out=tmp_path / "study", workers=0, isolation="none",
    )  # fmt: skip
    study.run(progress=False, failures=math.inf)
    storage = optuna.storages.get_storage(f"sqlite:///{tmp_path / 'studies.db'}")
    study.outcome.to_optuna(storage)
    app = optuna_dashboard.wsgi(storage)
    (listed,) = get(app, "/api/studies")["study_summaries"]
    assert (listed["study_name"], listed["directions"]) == ("shown", ["minimize"])
    shown = get(app, f"/api/studies/{listed['study_id']}")
    results = study.outcome.results
    assert [trial["state"] for trial in shown["trials"]] == [
        "Complete" if result.state == "finished" else "Fail" for result in results
    ]
    assert [trial["values"][0] for trial in shown["trials"] if trial["state"] == "Complete"] == [
        result.metrics["loss"] for result in results if result.state == "finished"
    ]
    xs = [{p["name"]: p["param_external_value"] for p in trial["params"]}["x"] for trial in shown["trials"]]
    assert [float(x) for x in xs] == pytest.approx([result.config["x"] for result in results])
    assert optuna.load_study(study_name="shown", storage=storage).metric_names == ["loss"]
    assert all(len(trial["intermediate_values"]) == 3 for trial in shown["trials"] if trial["state"] == "Complete")
