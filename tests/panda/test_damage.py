"""The files of a Panda that may hold anything, and commands with any values: read, or refused in one sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caviar.model.state import from_npz, to_npz
from caviar.panda import commands
from caviar.panda.checkpoints import last_model
from tests.damage import VALUES, as_json, damaged, fuzzed, reads_or_says
from tests.panda.sessions import begin, command, train, wake


@pytest.fixture(scope="module")
def panda(tmp_path_factory):
    """A Panda that has trained, and the documents of its files."""
    session = begin(tmp_path_factory.mktemp("panda") / "panda")
    train(session, 2)
    folder, number = Path(str(session.files)), session.files.checkpoints()[0]
    arrays, state = session.files.read_checkpoint(number)
    data = from_npz((folder / "data.npz").read_bytes())
    documents = {
        "panda.json": json.loads((folder / "panda.json").read_text()),
        "diary.json": json.loads((folder / "diary.json").read_text()),
        "state": json.loads(state),
        "metadata": json.loads(arrays["metadata"].tobytes()),
        "facts": json.loads(data["facts"].tobytes()),
    }
    return session.files, folder, arrays, data, documents


def write_panda(panda, folder, name, document):
    """A copy of a Panda with another document."""
    files, original, arrays, data, documents = panda
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    content = np.frombuffer(as_json(document), np.uint8)
    if name.endswith(".json"):
        (folder / name).write_bytes(content.tobytes())
    elif name == "facts":
        (folder / "data.npz").write_bytes(to_npz({**data, "facts": content}))
    else:
        state = content if name == "state" else np.frombuffer(as_json(documents["state"]), np.uint8)
        metadata = content if name == "metadata" else arrays["metadata"]
        for number in files.checkpoints():
            checkpoint = to_npz({**arrays, "metadata": metadata, "panda": state})
            (folder / "checkpoints" / f"{number:08d}.npz").write_bytes(checkpoint)


def _without_a_column(document):
    """A document without the last column of its preparation, if it has one."""
    return {**document, "preparation": document["preparation"][:-1]} if "preparation" in document else document


@pytest.mark.parametrize("name", ["panda.json", "diary.json", "state", "metadata", "facts"])
def test_a_panda(tmp_path, panda, name):
    document = panda[-1][name]

    @fuzzed(25)
    @given(damaged(document))
    @example([])
    @example({})
    @example(_without_a_column(document))
    def wakes(other):
        write_panda(panda, tmp_path / "panda", name, other)
        session = reads_or_says(wake, tmp_path / "panda")
        if session is not None:
            reads_or_says(train, session, 1)
            reads_or_says(last_model, session.files)

    wakes()


ANYTHING = st.sampled_from(VALUES)
COMMANDS = st.one_of(
    st.tuples(st.just(commands.Train), ANYTHING),
    st.tuples(
        st.just(commands.SetHyperparameters), st.one_of(ANYTHING, st.builds(lambda v: {"momentum": v}, ANYTHING))
    ),
    st.tuples(st.just(commands.Rewind), ANYTHING),
    st.tuples(st.just(commands.Fork), ANYTHING, ANYTHING, ANYTHING),
)


@fuzzed(60)
@given(COMMANDS)
def test_a_command_to_a_panda(tmp_path, panda, made):
    kind, *arguments = made
    session = wake(panda[1])
    before = session.state
    if (
        reads_or_says(lambda: kind(*arguments)) is None
        or reads_or_says(lambda: command(session, kind, *arguments)) is None
    ):
        assert session.state.epochs_remaining >= before.epochs_remaining
