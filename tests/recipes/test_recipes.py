"""The recipes' training functions: they end where early stopping says so, and continue from their checkpoints.

`tests/docs` runs the pages as they are. Each page is skipped where its library is not installed.
"""

import os
import signal
import time

import pytest

import caviar
from tests.docs.pages import ROOT, blocks, missing_modules

PAGES = [
    path
    for path in sorted((ROOT / "docs/recipes").glob("*.md"))
    if "\n## Continue from a checkpoint\n" in path.read_text(encoding="utf-8")
]
LONGEST_CALLBACK = 15  # lines


@pytest.fixture
def page(request, tmp_path, monkeypatch):
    """A page whose library is installed."""
    if missing := missing_modules(blocks(request.param)):
        pytest.skip(f"{request.param.name} needs {missing}, not installed here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # and back; the page sets it
    return request.param


def names(page, blocks_of_code):
    """Run the first blocks of a page without the study's run, and return what they define."""
    found = {"__name__": "__main__"}
    for code in [block.text for block in blocks(page) if block.language == "python"][:blocks_of_code]:
        exec(compile(code.partition("table = study.run")[0], str(page), "exec"), found)
    return found


def watched(train):
    """The same function; it writes down in the trial's folder which exception ended it."""

    def watch(config, seed):
        error = None
        try:
            train(config, seed)
        except BaseException as raised:
            error = raised
            raise
        finally:
            (caviar.trial().folder / "ended.txt").write_text(type(error).__name__, encoding="utf-8")

    return watch


def interrupted(train, driver, at):
    """The same function; after some reports of a trial that began from scratch, it interrupts the driver."""

    def interrupt(config, seed):
        report, begun = caviar.report, caviar.trial().epoch
        (caviar.trial().folder / f"begun-{begun}").touch()

        def report_and_interrupt(metrics, **options):
            reported = report(metrics, **options)
            if reported.epoch == at and not begun:
                os.kill(driver, signal.SIGINT)
                time.sleep(60)
            return reported

        caviar.report = report_and_interrupt  # of this process only
        train(config, seed)

    return interrupt


def study_of(recipe, train, out, **changes):
    """The page's study with another function, in this process."""
    settings = recipe["study"].settings
    arguments = {
        "space": settings.space,
        "metric": settings.objective.metric,
        "mode": "min",
        "epochs": settings.epochs,
    }
    return caviar.Study(train, out=out, workers=0, **arguments, **changes)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem, indirect=True)
def test_stop_passes_through_the_library(page, tmp_path):
    recipe = names(page, 1)
    study = study_of(recipe, watched(recipe["train"]), tmp_path / "study", trials=3, early_stopping="halving")
    table = study.run(progress=False)
    rungs = caviar.Halving().rungs(study.settings.epochs)
    assert set(table["state"]) == {"finished", "stopped"}, table["error"].to_list()
    for trial, state, epochs in zip(table["trial"], table["state"], table["epochs"], strict=True):
        ended = (tmp_path / f"study/trials/{trial:06d}/ended.txt").read_text(encoding="utf-8")
        assert ended == ("Stop" if state == "stopped" else "NoneType")
        assert epochs in (rungs if state == "stopped" else [study.settings.epochs])
        assert study.history.query("trial == @trial")["epoch"].to_list() == [*range(1, epochs + 1)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem, indirect=True)
def test_an_interrupted_trial_continues_from_its_checkpoint_to_the_same_table(page, tmp_path):
    recipe = names(page, 2)
    whole = study_of(recipe, recipe["train"], tmp_path / "whole", trials=1)
    whole.run(progress=False)
    train = interrupted(recipe["train"], os.getpid(), at=5)
    study = study_of(recipe, train, tmp_path / "study", trials=1)
    with pytest.raises(KeyboardInterrupt):
        study.run(progress=False)
    again = caviar.Study.open(study.folder, data=train, workers=0)
    again.run(progress=False)
    assert {path.name for path in study.folder.glob("trials/000000/begun-*")} == {"begun-0", "begun-5"}
    columns = [name for name in whole.history if name != "seconds"]
    assert again.history[columns].equals(whole.history[columns])


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.stem)
def test_a_callback_is_short(path):
    for block in blocks(path):
        for code in block.text.split("\n\n\n"):
            if code.lower().startswith(("class report", "def report")):
                assert code.strip().count("\n") < LONGEST_CALLBACK, f"{block}:\n{code}"
