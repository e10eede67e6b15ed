"""Sessions for tests: short names for what a Panda's user does, without Ray."""

import itertools
import json

import caviar
from caviar.files import open_store
from caviar.panda import commands, interpreter, session
from caviar.panda.checkpoints import PandaFiles, PandaSettings

DIGITS = caviar.load_digits()
CONFIG = {"learning_rate": 0.01, "hidden_units": 16}
identities = map(str, itertools.count())


def begin(folder, config=None, *, rules=(), **settings):
    settings = PandaSettings({**CONFIG, **(config or {})}, **settings)
    return session.begin(PandaFiles(open_store(folder)), DIGITS, settings, rules)


def wake(folder, own_rules=()):
    """Wake a session as if after kill -9: only the folder remains."""
    return session.wake(PandaFiles(open_store(folder)), own_rules)


def command(panda, *arguments, **options):
    """Execute a command, given as its class or an instance."""
    value = arguments[0](*arguments[1:], **options) if isinstance(arguments[0], type) else arguments[0]
    interpreter.handle(panda, next(identities), value)


def run(panda, seconds=1.0):
    """Train until there is nothing left to do."""
    while panda.busy:
        interpreter.advance(panda, seconds)
    return panda


def train(panda, epochs):
    command(panda, commands.Train(epochs))
    return run(panda)


def numbers(panda):
    """Return everything that must be equal bit for bit: every epoch, and the arrays."""
    rows = [{name: value for name, value in row.columns().items() if name != "seconds"} for row in panda.state.history]
    return json.dumps(rows), {name: array.tobytes() for name, array in panda.training.state().items()}


def actions(panda):
    return [entry.action for entry in panda.state.diary]
