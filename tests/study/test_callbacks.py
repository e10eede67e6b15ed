"""Callbacks: which calls come when, with what, and what happens if one raises, is slow or is interrupted."""

import itertools
import logging
import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.errors import InputError, PausedError
from caviar.fleet.connect import open_pool
from caviar.fleet.placement import Placement
from caviar.fleet.settings import PoolSettings
from caviar.fleet.worker.trainables import FunctionTrainable
from caviar.records.events import TrialEnded
from caviar.records.journal import read
from caviar.records.trial import State
from caviar.study.callbacks import Callback, Ending
from tests.fleet.simulation import SimulatedTrainers
from tests.study.test_progress import logging_not_configured
from tests.study.test_study import Interrupted

CLOCK = ["seconds", "began", "ended", "worker"]
SPACE = caviar.Space(x=caviar.uniform(0, 1))
METHODS = [name for name in vars(Callback) if name.startswith("on_")]


def bowl(config):
    print(f"x is {config['x']}")
    for epoch in range(1, 10):
        yield {"loss": (config["x"] - 0.3) ** 2 / epoch}


def study_of(out, function=bowl, **changes):
    arguments = {"space": SPACE, "metric": "loss", "mode": "min", "trials": 12, "waves": 3, "workers": 0, "epochs": 9}
    return caviar.Study(function, **{**arguments, "out": out, **changes})


def simulated(workers=3, function=bowl, **options):
    return SimulatedTrainers(FunctionTrainable(function), "loss", workers, **options)


class Recorder(Callback):
    """Notes every call and what it is passed."""

    def __init__(self):
        self.calls = []

    def named(self, name):
        return [arguments for method, *arguments in self.calls if method == name]

    @property
    def ended(self):
        return [result.trial for (result,) in self.named("on_trial_end")]

    @property
    def ending(self):
        ((_, ending, _),) = self.named("on_study_end")
        return ending


def recording(method):
    return lambda self, *arguments: self.calls.append((method, *arguments))


for method in METHODS:
    setattr(Recorder, method, recording(method))


def in_short(calls):
    """The calls by their names, with the trial or the wave."""
    keys = {
        "on_report": lambda trial, point: (trial.number, point.epoch),
        "on_trial_end": lambda result: result.trial,
        "on_wave_end": lambda wave, results: wave.wave,
    }
    return [(method, keys[method](*arguments) if method in keys else None) for method, *arguments in calls]


def raising(*methods, error=ValueError):
    """A callback whose methods raise an error."""

    def fail(self, *arguments):
        raise error("no network")

    return type("Broken", (Callback,), dict.fromkeys(methods, fail))()


def test_every_call_comes_in_order_in_this_process(tmp_path):
    recorder = Recorder()
    study_of(tmp_path / "s", trials=4, waves=2).run(progress=False, callbacks=[recorder])

    def trial(number):
        return [*(("on_report", (number, epoch)) for epoch in range(1, 10)), ("on_trial_end", number)]

    expected = [("on_study_begin", None)]
    expected += [*trial(0), *trial(1), ("on_wave_end", 1), *trial(2), *trial(3), ("on_wave_end", 2)]
    assert in_short(recorder.calls) == [*expected, ("on_study_end", None)]


def test_calls_are_passed_the_values_of_the_study(tmp_path):
    recorder = Recorder()
    study = study_of(tmp_path / "s", confirm=(2, 2))
    study.run(progress=False, callbacks=[recorder])
    ((begun,),) = recorder.named("on_study_begin")
    assert (begun.folder, begun.settings, begun.results) == (study.folder, study.settings, ())
    for trial, point in recorder.named("on_report"):
        result = study.outcome.trial(trial.number)
        assert (trial.wave, trial.config, trial.seed) == (result.wave, result.config, result.seed)
        assert point.metrics == {"loss": (trial.config["x"] - 0.3) ** 2 / point.epoch}
    for (result,) in recorder.named("on_trial_end"):
        assert [point.epoch for point in result.curve] == list(range(1, 10))
        assert result.output == f"x is {result.config['x']}\n"
    waves = recorder.named("on_wave_end")
    assert [wave.wave for wave, _ in waves] == list(study.waves["wave"])
    assert waves[-1][0].confirms == tuple(study.outcome.begun[-1].confirms)
    assert [r.confirms for r in waves[-1][1]] == list(waves[-1][0].confirms)
    ((outcome, ending, error),) = recorder.named("on_study_end")
    assert (ending, error, outcome.best) == (Ending.FINISHED, None, study.best)


def test_a_trial_is_on_disk_before_its_end_is_told_and_the_tables_before_that_of_the_study(tmp_path):
    class OnDisk(Callback):
        def on_trial_end(self, result):
            assert result.trial in {e.result.trial for e in read(tmp_path / "s") if isinstance(e, TrialEnded)}
            told.append(result.trial)

        def on_study_end(self, outcome, ending, error):
            assert len(pd.read_csv(outcome.folder / "results.csv")) == 12
            told.append("end")

    told = []
    study_of(tmp_path / "s").run(progress=False, callbacks=[OnDisk()], trainers=simulated())
    assert sorted(told[:-1]) == list(range(12))
    assert told[-1] == "end"


def test_waves_end_in_order_with_the_same_results_whatever_the_workers(tmp_path):
    waves = []
    for workers in (1, 3, 12):
        recorder = Recorder()
        study_of(tmp_path / str(workers)).run(progress=False, callbacks=[recorder], trainers=simulated(workers))
        calls = in_short(recorder.calls)
        for number in (1, 2, 3):
            before = {key for method, key in calls[: calls.index(("on_wave_end", number))] if method == "on_trial_end"}
            assert before == set(range(4 * number))
        waves.append(
            [(wave.wave, [(r.trial, r.metrics) for r in results]) for wave, results in recorder.named("on_wave_end")]
        )
    assert waves[0] == waves[1] == waves[2]


@pytest.mark.parametrize("changes", [{}, {"early_stopping": "halving", "waves": 2}, {"waves": "continuous"}])
def test_callbacks_change_no_table(tmp_path, changes):
    tables = [
        study_of(tmp_path / name, **changes).run(progress=False, callbacks=callbacks, trainers=simulated(1))
        for name, callbacks in (("without", []), ("with", [Recorder(), raising(*METHODS)]))
    ]
    pd.testing.assert_frame_equal(*(table.drop(columns=["began", "ended"]) for table in tables), check_exact=True)


def test_with_early_stopping_each_epoch_is_reported_once_and_stopped_trials_end_by_number(tmp_path):
    recorder = Recorder()
    study = study_of(tmp_path / "s", trials=18, waves=2, early_stopping="halving")
    table = study.run(progress=False, callbacks=[recorder], trainers=simulated(4))
    reports = [(trial.number, point.epoch) for trial, point in recorder.named("on_report")]
    assert sorted(reports) == [(n, e) for n, epochs in enumerate(table["epochs"]) for e in range(1, epochs + 1)]
    assert [wave.wave for wave, _ in recorder.named("on_wave_end")] == [1, 2]
    assert sorted(recorder.ended) == list(range(18))
    calls = [(method, key) for method, key in in_short(recorder.calls) if method != "on_wave_end"]
    runs = [list(run) for method, run in itertools.groupby(calls, key=lambda call: call[0]) if method == "on_trial_end"]
    stopped = set(table["trial"][table["state"] == "stopped"])
    at_rungs = [[key for _, key in run] for run in runs if {key for _, key in run} <= stopped]
    assert max(map(len, at_rungs)) > 2
    assert at_rungs == [sorted(run) for run in at_rungs]


@pytest.mark.parametrize("trials", [1, 2, 3, 5, 6, 11, 40])
@pytest.mark.parametrize("workers", [1, 5])
def test_without_barriers_each_wave_ends_once_after_those_before_it(tmp_path, trials, workers):
    recorder = Recorder()
    study = study_of(tmp_path / "s", trials=trials, waves="continuous", confirm=(1, 2))
    study.run(progress=False, callbacks=[recorder], trainers=simulated(workers))
    waves = recorder.named("on_wave_end")
    assert [wave.wave for wave, _ in waves] == list(study.waves["wave"])
    assert [r.trial for _, results in waves for r in results] == list(range(trials + 2))
    calls = in_short(recorder.calls)
    for wave, results in waves:
        before = calls[: calls.index(("on_wave_end", wave.wave))]
        assert {("on_trial_end", n) for n in range(results[-1].trial + 1)} <= set(before)


def test_an_exception_is_told_once_with_its_traceback_and_changes_nothing_else(tmp_path, caplog):
    recorder, broken = Recorder(), raising("on_report", "on_trial_end")
    with caplog.at_level(logging.DEBUG, "caviar"):
        study_of(tmp_path / "s").run(progress=False, callbacks=[broken, recorder], trainers=simulated())
    told = [record for record in caplog.records if "callback" in record.message]
    warnings = [record for record in told if record.levelno == logging.WARNING]
    assert [record.message for record in warnings] == [
        f"the callback Broken.{name} raised ValueError: no network; the study is not affected"
        for name in ("on_report", "on_trial_end")
    ]
    assert len(told) == 12 * 9 + 12  # the later ones at the level DEBUG
    text = logging.Formatter().format(warnings[0])
    assert "Traceback" in text
    assert 'raise error("no network")' in text
    assert "caviar/study" not in text
    assert len(recorder.ended) == 12


def test_a_method_with_other_arguments_is_told_like_any_exception(tmp_path, caplog):
    class Optunas(Callback):
        def on_trial_end(self, study, trial):
            pass

    with caplog.at_level(logging.WARNING, "caviar"):
        study_of(tmp_path / "s", trials=4).run(progress=False, callbacks=[Optunas()])
    assert len(caplog.messages) == 1
    assert "missing 1 required positional argument: 'trial'" in caplog.text


def test_a_warning_is_printed_with_its_traceback_where_nobody_has_configured_logging(tmp_path, capsys):
    with logging_not_configured():
        study_of(tmp_path / "s", trials=4).run(callbacks=[raising("on_trial_end", "on_study_end")])
    out, err = capsys.readouterr()
    for text, name in ((out, "on_trial_end"), (err, "on_study_end")):  # the latter after the run has been shown
        assert text.count(f"the callback Broken.{name} raised ValueError: no network") == 1
        assert text.count('raise error("no network")') == 1


def test_a_traceback_does_not_lead_to_the_error_that_ended_the_run(tmp_path, caplog):
    study = study_of(tmp_path / "s")
    with pytest.raises(KeyboardInterrupt):
        study.run(progress=False, callbacks=[raising("on_study_end")], trainers=Interrupted(simulated(), at=3))
    assert "no network" in caplog.text
    assert "KeyboardInterrupt" not in caplog.text


@given(at=st.integers(1, 24))
@settings(max_examples=10)
def test_ctrl_c_at_any_poll_tells_the_trials_on_disk_and_a_resumed_study_the_others(tmp_path_factory, at):
    folder = tmp_path_factory.mktemp("study") / "s"
    first, second = Recorder(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        study_of(folder).run(progress=False, callbacks=[first], trainers=Interrupted(simulated(), at))
    ((outcome, ending, error),) = first.named("on_study_end")
    assert (ending, type(error)) == (Ending.INTERRUPTED, KeyboardInterrupt)
    assert sorted(first.ended) == [result.trial for result in outcome.results]
    resumed = caviar.Study.open(folder, data=bowl, workers=0)
    resumed.run(progress=False, callbacks=[second], trainers=simulated())
    ((begun,),) = second.named("on_study_begin")
    assert begun.results == outcome.results
    assert sorted(first.ended + second.ended) == list(range(12))
    waves = [*first.named("on_wave_end"), *second.named("on_wave_end")]
    assert [(wave.wave, len(results)) for wave, results in waves] == [(1, 4), (2, 4), (3, 4)]
    assert second.ending is Ending.FINISHED


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_during_a_call_interrupts_the_run_and_the_calls_that_wait_are_made(tmp_path, method):
    def interrupt(self, *arguments):
        if next(count) == 0:
            raise KeyboardInterrupt

    recorder, count = Recorder(), itertools.count()
    study = study_of(tmp_path / "s", trials=18, waves=2, early_stopping="halving")
    with pytest.raises(KeyboardInterrupt):
        study.run(
            progress=False,
            callbacks=[type("Interrupting", (Callback,), {method: interrupt})(), recorder],
            trainers=simulated(),
        )
    assert sorted(recorder.ended) == list(study.table["trial"])
    assert recorder.ending is (Ending.FINISHED if method == "on_study_end" else Ending.INTERRUPTED)
    assert len(study.run(progress=False, trainers=simulated())) == 18


def test_a_study_that_pauses_tells_only_of_failures_that_count(tmp_path):
    def broken(config):
        raise OSError("no data")

    first, second = Recorder(), Recorder()
    study = study_of(tmp_path / "s", broken)
    with pytest.raises(PausedError) as paused:
        study.run(progress=False, failures=3, callbacks=[first], trainers=simulated(function=broken))
    assert first.ended == []
    assert first.named("on_study_end")[0][1:] == [Ending.PAUSED, paused.value]
    study.run(progress=False, failures=3, callbacks=[second], trainers=simulated(function=broken))
    assert sorted(second.ended) == list(range(12))
    assert {result.state for (result,) in second.named("on_trial_end")} == {State.FAILED}


def test_a_cluster_that_fails_and_a_timeout_are_endings(tmp_path):
    class Lost(SimulatedTrainers):
        def poll(self, timeout=1.0):
            raise caviar.ClusterError("gone")

    failed, timed_out = Recorder(), Recorder()
    study = study_of(tmp_path / "s", timeout=0.2)
    with pytest.raises(caviar.ClusterError):
        study.run(progress=False, callbacks=[failed], trainers=Lost(FunctionTrainable(bowl), "loss"))
    assert failed.ending is Ending.FAILED

    class Slow(Callback):
        def on_report(self, trial, point):
            time.sleep(0.05)

    study.run(progress=False, callbacks=[timed_out, Slow()])
    assert timed_out.ending is Ending.TIMED_OUT
    assert {result.state for (result,) in timed_out.named("on_trial_end")} <= {State.TIMED_OUT, State.FINISHED}


def test_a_study_that_has_ended_begins_and_ends(tmp_path):
    study, recorder = study_of(tmp_path / "s"), Recorder()
    study.run(progress=False)
    study.run(progress=False, callbacks=[recorder])
    assert in_short(recorder.calls) == [("on_study_begin", None), ("on_study_end", None)]
    assert recorder.ending is Ending.FINISHED


def test_a_trial_that_starts_over_reports_again(tmp_path):
    recorder = Recorder()
    study_of(tmp_path / "s").run(progress=False, callbacks=[recorder], trainers=simulated(losses={2: 1}))
    assert sorted(recorder.ended) == list(range(12))
    epochs = [point.epoch for trial, point in recorder.named("on_report") if trial.number == 2]
    assert epochs == list(range(1, 10))


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        (Recorder(), "callbacks must be a list, got .*; try callbacks="),
        ([print], "a callback must be a caviar.Callback, got <built-in function print>; try an object of"),
        ([Recorder], "a callback must be a caviar.Callback, got <class .*; try an object of"),
        ([raising("on_epoch_end")], "nothing calls Broken.on_epoch_end; it is called on_report here"),
        ([raising("on_trial_ends")], "nothing calls Broken.on_trial_ends; did you mean 'on_trial_end'"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_is_written(tmp_path, callbacks, words):
    with pytest.raises(InputError, match=words):
        study_of(tmp_path / "s").run(progress=False, callbacks=callbacks)
    assert not (tmp_path / "s").exists()


@pytest.mark.usefixtures("ray_cluster")
@pytest.mark.parametrize(
    ("pause", "trial_timeout", "settings"),
    [(0.15, 0.7, PoolSettings(grace_seconds=0.1)), (1.5, None, PoolSettings(silent_seconds=0.2))],
)
def test_a_slow_callback_loses_nothing_and_no_trainer_counts_as_hanging(tmp_path, pause, trial_timeout, settings):
    class Slow(Callback):
        def on_report(self, trial, point):
            time.sleep(1.0 if point.epoch == 1 else 0.0)

    def three_epochs(config):
        for epoch in range(3):
            yield {"loss": config["x"] + epoch}
            time.sleep(pause)  # so that each report is a message of its own

    recorder, study = Recorder(), study_of(tmp_path / "s", three_epochs, trials=2, waves=1)
    placement = Placement(2, trial_timeout=trial_timeout)
    with open_pool(FunctionTrainable(three_epochs), "loss", placement, settings) as trainers:
        table = study.run(progress=False, callbacks=[recorder, Slow()], trainers=trainers)
    assert list(table["state"]) == ["finished"] * 2
    for number in range(2):
        assert [point.epoch for trial, point in recorder.named("on_report") if trial.number == number] == [1, 2, 3]
