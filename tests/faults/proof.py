"""The proof: the disturbed study ends with the table of the undisturbed one, and nothing is there twice."""

from collections import Counter

from caviar.csv import read_csv
from caviar.records import journal
from caviar.records.events import TrialEnded
from caviar.records.trial import NOT_PROMISED

MAY_DIFFER = {*NOT_PROMISED, "next_minutes", "next"}  # what depends on the machine


def prove(study, calm, mirror):
    """Return what is proved, as sentences, each with whether it is true."""
    ends = Counter(event.result.trial for event in journal.read(study) if isinstance(event, TrialEnded))
    whole, disturbed = read_csv(calm / "results.csv"), read_csv(study / "results.csv")
    yield f"{len(disturbed)} rows of {len(whole)} trials", len(disturbed) == len(whole)
    yield "each trial ended once in the journal", set(ends.values()) == {1} and len(ends) == len(whole)
    for name in ("results.csv", "history.csv", "waves.csv", "confirmation.csv"):
        if (calm / name).exists():
            differing = differences(read_csv(calm / name), read_csv(study / name))
            yield f"{name} equals the undisturbed one{differing}", not differing
    parts = b"".join(path.read_bytes() for path in sorted(mirror.glob("journal-*.jsonl")))
    yield "the mirror holds the whole journal", parts == (study / journal.NAME).read_bytes()


def differences(expected, got):
    """Return what differs between two tables, in the columns that are promised; "" if nothing does."""
    columns = [name for name in expected if name not in MAY_DIFFER]
    missing = [name for name in columns if name not in got]
    if missing or len(expected) != len(got):
        return f": columns {missing} are missing, {len(got)} rows for {len(expected)}"
    differing = [name for name in columns if not got[name].equals(expected[name])]
    if not differing:
        return ""
    rows = (expected[differing].astype(str) != got[differing].astype(str)).any(axis=1)
    first = [table[columns][rows].head(10).to_string() for table in (expected, got)]  # later ones follow from them
    return f": {differing} differ\n" + "\n".join(first)
