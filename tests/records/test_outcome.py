"""What can be read from a study: from every stored format, from a running study, without its data."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import caviar
from caviar import insight
from caviar.csv import read_csv
from caviar.errors import InputError, StorageError
from caviar.records.event_lines import encode
from caviar.records.events import FORMAT, StudyPaused
from caviar.records.journal import NAME
from caviar.records.outcome import Outcome

FORMATS = sorted((Path(__file__).parent / "formats").iterdir())
CLOCK = ["seconds", "began", "ended", "worker"]


@pytest.fixture(params=FORMATS, ids=lambda folder: folder.name)
def stored(request, tmp_path):
    shutil.copytree(request.param, tmp_path / "study")
    return tmp_path / "study"


def test_there_is_a_stored_journal_of_every_format():
    assert [int(folder.name) for folder in FORMATS] == list(range(1, FORMAT + 1))


def test_a_stored_journal_opens_to_the_tables_of_its_time(stored):
    outcome = Outcome.read(stored)
    results = read_csv(stored / "results.csv").fillna({"error": ""})
    pd.testing.assert_frame_equal(outcome.table, results, check_dtype=False, check_exact=True)
    history = read_csv(stored / "history.csv")
    pd.testing.assert_frame_equal(outcome.history, history, check_dtype=False, check_exact=True)
    confirmation = read_csv(stored / "confirmation.csv")
    pd.testing.assert_frame_equal(outcome.confirmation, confirmation, check_dtype=False)
    ranking = (stored / "ranking.txt").read_text().split()
    assert [str(result.trial) for result in outcome.ranking] == ranking
    assert outcome.best == outcome.ranking[0]
    assert outcome.initial_trials == "1 config and 1 finished trial"


def test_a_stored_study_continues_to_the_table_of_its_time(stored):
    lines = (stored / NAME).read_text().splitlines(keepends=True)
    (stored / NAME).write_text("".join(lines[: len(lines) // 2]))
    table = caviar.Study.open(stored, workers=0).run(progress=False)
    expected = read_csv(stored / "results.csv").fillna({"error": ""}).astype({"confirms": "Int64"})
    # other versions of NumPy than the journal's may round the last bit in another way
    pd.testing.assert_frame_equal(
        table.drop(columns=CLOCK), expected.drop(columns=CLOCK), rtol=1e-12, check_dtype=False
    )


def test_the_history_holds_no_trial_that_ended_later(stored):
    content = (stored / NAME).read_text()
    lines = content.splitlines(keepends=True)
    (stored / NAME).write_text("".join(lines[: len(lines) // 2]))
    outcome = Outcome.read(stored)
    (stored / NAME).write_text(content)
    assert set(outcome.history["trial"]) <= set(outcome.table["trial"])
    assert len(outcome.history) == outcome.table["epochs"].sum()


def test_tables_are_made_once(stored):
    outcome = Outcome.read(stored)
    for name in ("table", "history", "waves", "square", "confirmation", "ranking"):
        assert getattr(outcome, name) is getattr(outcome, name)


def test_an_outcome_is_frozen(stored):
    with pytest.raises(AttributeError):
        Outcome.read(stored).folder = Path("elsewhere")


def test_a_study_shows_one_outcome_until_it_changes(tmp_path):
    study = caviar.Study("digits", trials=4, waves=1, epochs=1, workers=0, out=tmp_path / "s")
    before = study.outcome
    assert study.outcome is before
    study.run(progress=False)
    assert study.outcome is not before
    assert len(before.table) == 0
    assert len(study.outcome.table) == 4


def test_an_outcome_of_nothing_says_so(tmp_path):
    outcome = caviar.Study("digits", workers=0, out=tmp_path / "s").outcome
    assert outcome.ranking == ()
    assert not outcome.has_finished
    assert outcome.edges == ()
    assert outcome.space == outcome.settings.space
    assert list(outcome.square["share"]) == [1.0] * 6
    with pytest.raises(InputError, match=r"no trial of .* has finished"):
        _ = outcome.best
    with pytest.raises(InputError, match=r"no trial 3 of .* has ended"):
        outcome.trial(3)


def test_a_folder_without_a_study_and_a_journal_without_a_beginning(tmp_path):
    with pytest.raises(InputError, match="no study in"):
        Outcome.read(tmp_path)
    (tmp_path / NAME).write_text(encode(StudyPaused("late")) + "\n")
    with pytest.raises(StorageError, match="does not begin with a study"):
        Outcome.read(tmp_path)


def test_reading_a_hostile_journal_runs_nothing(stored):
    marker = stored.parent / "ran"
    (stored.parent / "hostile.py").write_text(f"open({str(marker)!r}, 'w').close()\ndef train(config): ...\n")
    source = {"kind": "function", "path": str(stored.parent), "function": "hostile:train"}
    first, *rest = (stored / NAME).read_text().splitlines()
    plain = json.loads(first)
    plain["settings"] |= {"source": source, "name": "=cmd|' /C calc'!A0"}
    plain["versions"] = {"os:system": f"touch {marker}"}
    (stored / NAME).write_text("\n".join([json.dumps(plain), *rest]) + "\n")
    outcome = Outcome.read(stored)
    outcome.write_tables()
    assert len(outcome.ranking) > 0
    assert not marker.exists()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "s"
    space = {"x": caviar.uniform(0, 1)}
    options = {"metric": "loss", "mode": "min", "trials": 12, "workers": 0, "isolation": "none", "out": folder}
    study = caviar.Study(lambda config: config["x"], space=space, **options)
    study.run(progress=False)
    return study


@pytest.mark.parametrize("answer", [getattr(insight, name) for name in insight.__all__ if name != "Plots"])
def test_every_answer_takes_a_study_its_outcome_or_its_folder(finished, answer):
    expected = str(answer(finished.outcome))
    assert str(answer(finished)) == str(answer(finished.folder)) == str(answer(str(finished.folder))) == expected
    with pytest.raises(InputError, match=r"a study must be a caviar.Study, its outcome or its folder, got None"):
        answer(None)


def test_studies_are_compared(finished):
    assert str(caviar.compare(finished, finished.outcome)) == str(caviar.compare(finished.folder, finished.folder))


def test_a_study_that_has_not_run_has_no_winner_yet(tmp_path):
    study = caviar.Study("digits", trials=4, out=tmp_path / "s")
    with pytest.raises(InputError, match="has finished; run the study first"):
        _ = study.best
