"""What is said while a study runs, where there is no terminal."""

from caviar.study import progress


def test_lines_say_how_long_it_takes_once_that_is_known_and_the_end_once(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines = progress.watcher(90, 100, "loss")  # a study that goes on: its first 90 trials took no time now
    for seconds, done, best in (
        (6, 90, None),
        (4, 95, 0.5),
        (2, 95, 0.5),
        (2, 99, 0.25),
        (1, 100, 0.25),
        (1, 100, 0.25),
    ):
        now[0] += seconds
        lines.ended(done, best)
    assert capsys.readouterr().out.splitlines() == [
        "90/100 trials, best loss none yet",
        "95/100 trials, best loss 0.5, about 12 s left",
        "100/100 trials, best loss 0.25",
    ]


def test_nothing_is_said_to_nobody(capsys):
    with progress.watcher(0, 10, "loss", quiet=True) as watch:
        watch.say("wave 1")
        watch.ended(10, 1.0)
    assert capsys.readouterr().out == ""
