"""Every block of code on every page runs, in order, and prints what the page shows.

The blocks of a page share one namespace and one temporary folder. Studies train in this process here, whatever their
number of workers; the slow tests run some of the pages on Ray. `pages.py` explains the titles of blocks.
"""

import ast
import contextlib
import doctest
import http.server
import importlib.util
import io
import json
import re
import shlex
import sys
import threading

import click
import pytest
import yaml

import caviar
from caviar.cli.main import cli, main
from caviar.fleet.placement import Placement
from caviar.records.event_lines import decode
from caviar.study.file import TRAINED, study_from_file
from tests.docs.pages import PAGES, PRICES, blocks, commands, missing_modules, name_of

# Pages that need Ray or more than some seconds run among the slow tests only.
SLOW = {
    "docs/coming-from/ray-tune.md",
    "docs/how-to/own-rule.md",
    "docs/tutorials/panda.md",
}
ON_A_CLUSTER = "docs/tutorials/cluster.md"
ON_RAY = {  # and pages that also run on Ray, whose trainers are their subject
    *SLOW,
    "docs/how-to/limits.md",
    "docs/how-to/workers.md",
}
LOGGERS = {  # pages of callbacks that write elsewhere, each with a test of what arrives there
    f"docs/recipes/{name}.md" for name in ("mlflow", "tensorboard", "wandb", "webhook")
}
TOOLS = {
    "Optuna": "optuna",
    "Ray Tune": "pyarrow",
    "scikit-learn": "sklearn",
    "Weights & Biases": "",
}  # "": is never run
SMALLER = {  # commands that would take longer than a test should
    "caviar experiments": "caviar experiments learning-rate-scale --size 32 --seeds 4",
    "caviar run --out runs/first": "caviar run --out runs/first --trials 16 --epochs 5",
}
LANGUAGES = {"python", "sh", "r", "julia", "toml", "json", "yaml", "text", "setting"}
ON_ONE_MACHINE = "Output, on one machine"
FILES = (".py", ".sh", ".csv", ".R", ".jl")  # of which a title says the name
OTHER_COMMANDS = r"pip install |python -m |python3 -m venv |export \w+="  # in blocks that run: not executed here

_HAS_RAY_TUNE = importlib.util.find_spec("pyarrow") is not None  # which Ray Tune cannot be imported without
BLOCKS = {name_of(path): blocks(path) for path in PAGES}
COMMANDS = [command for path in PAGES for command in commands(path)]
ALL = [block for of_page in BLOCKS.values() for block in of_page]


def is_run(block):
    """Whether a block runs here; the others are parsed."""
    if (block.title.startswith("Needs") and not block.modules) or (
        "from ray import tune" in block.text and not _HAS_RAY_TUNE
    ):
        return False
    package = TOOLS.get(block.title, "caviar")
    return package != "" and importlib.util.find_spec(package) is not None


def run_page(page, folder, replacements=(), check=None):
    """Run the blocks of a page in a folder, and compare what they print with what it shows, or `check` both."""
    if missing := missing_modules(BLOCKS[page]):
        pytest.skip(f"{page} needs {missing}, not installed here")
    here, there = {"__name__": "__main__", "caviar": caviar}, {"__name__": "__main__"}
    printed: str | None = None  # by the last block; None if it was not run
    for block in BLOCKS[page]:
        if block.title.startswith("Output") and printed is None:
            continue
        if not is_run(block):
            printed = None
            continue
        text = block.text
        for old, new in replacements:
            text = text.replace(old, new)
        if block.title.startswith("Output"):
            (check or compare)(block, text, printed)
        elif block.title.endswith(FILES):
            (folder / block.title).write_text(text)
        elif block.language == "toml":
            run_toml(text, folder, block.title or "study.toml")
        elif block.language == "setting":
            exec(f"check_setting({text.strip()})", {"check_setting": check_setting, "caviar": caviar})
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(code_of(block, text), there if block.title in TOOLS else here)
            printed = out.getvalue()
        elif block.language == "sh":
            printed = "".join(run_command(line, folder) for line in text.splitlines() if line.startswith("caviar "))


def code_of(block, text):
    """Compile a block; a line that belongs into a training function is put into one."""
    text = f"def train(config, seed): {text}" if text.startswith(("yield ", "return ")) else text
    return compile("\n" * block.line + text, block.page, "exec")


def check_setting(**setting):
    """Make a study with a setting."""
    space = caviar.Space(x=caviar.uniform(0, 1))
    settings = {"space": space, "metric": "loss", "mode": "min", "trials": 16, "out": "unused", **setting}
    caviar.Study(lambda config: {"loss": config["x"]}, **settings)


def run_toml(text, folder, name):
    """Write a study's file and make the study; a fragment varies the built-in network on the digits."""
    if name == PRICES:
        (folder / name).write_text(text, encoding="utf-8")
        return
    whole = any(f"{key} =" in text for key in TRAINED)
    (folder / name).write_text(text if whole else f'data = "digits"\n{text}')
    study_from_file(folder / name, out=folder / "unused", workers=0)


def run_command(line, folder):
    """Run a command as the shell would, with "> file", and return what it prints."""
    line = re.sub(r" +#.*", "", line)
    command, _, file = SMALLER.get(line, line).partition(" > ")
    buffer = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(buffer, "utf-8", write_through=True)) as out:
        main(shlex.split(command)[1:])
        out.flush()
    if file:
        (folder / file).write_bytes(buffer.getvalue())
    return "" if file else buffer.getvalue().decode()


def compare(block, expected, printed):
    """Compare what a page shows with what was printed; where the title says so, numbers or all words may differ."""
    if block.title == ON_ONE_MACHINE:
        assert printed.strip(), f"the block before {block} prints nothing"
        return
    if block.title != "Output":
        expected, printed = (re.sub(r"\d[\d.,]*(e[-+]\d+)?", "#", text) for text in (expected, printed))
        expected, printed = (re.sub(r"[ ─]+", " ", text) for text in (expected, printed))
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    same = doctest.OutputChecker().check_output(expected, printed, options)
    assert same, f"{block} shows\n{expected}\nand the block before it prints\n{printed}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def in_process(monkeypatch):
    """Train in this process, whatever the number of workers: the tables are the same."""
    of = Placement.of
    monkeypatch.setattr(Placement, "of", lambda workers="auto", *others, **settings: of(0, *others, **settings))


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("page", [page for page in BLOCKS if page not in {*SLOW, *LOGGERS, ON_A_CLUSTER}])
def test_the_blocks_of_a_page_run(page, folder):
    run_page(page, folder)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
@pytest.mark.parametrize("page", sorted(ON_RAY))
def test_the_blocks_of_a_page_run_on_ray(page, folder):
    run_page(page, folder)


@pytest.mark.slow
def test_the_blocks_about_a_cluster_run_on_one(folder, monkeypatch):
    from tests.jobs.head import head

    with head() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        run_page(ON_A_CLUSTER, folder, [("http://127.0.0.1:8265", environment["RAY_API_SERVER_ADDRESS"])])


@pytest.mark.usefixtures("in_process")
def test_the_page_of_mlflow_finds_its_runs(folder):
    pytest.importorskip("mlflow", reason="the page's subject is MLflow, which is not installed")
    run_page("docs/recipes/mlflow.md", folder)


@pytest.mark.usefixtures("in_process")
def test_the_page_of_tensorboard_writes_curves_and_configs(folder):
    pytest.importorskip("tensorboardX", reason="the page's subject is TensorBoard, whose writer is not installed")
    run_page("docs/recipes/tensorboard.md", folder)
    read = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="only TensorBoard can read what was written"
    )
    history = caviar.Outcome.read(folder / "runs/with-tensorboard").history
    for trial in (folder / "runs/with-tensorboard/tensorboard").iterdir():
        of_trial, of_config = read.EventAccumulator(str(trial)), read.EventAccumulator(str(trial / "config"))
        rows = history[history["trial"] == int(trial.name.removeprefix("trial-"))]
        written = [(event.step, event.value) for event in of_trial.Reload().Scalars("val_accuracy")]
        assert written == [(e, pytest.approx(v)) for e, v in zip(rows["epoch"], rows["val_accuracy"], strict=True)]
        assert "_hparams_/session_start_info" in of_config.Reload().summary_metadata


@pytest.mark.usefixtures("in_process")
def test_the_page_of_wandb_makes_a_run_for_each_trial(folder, monkeypatch):
    pytest.importorskip("wandb", reason="the page's subject is Weights & Biases, whose package is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run_page("docs/recipes/wandb.md", folder)
    assert len(list(folder.glob("wandb/offline-run-*/run-*.wandb"))) == 4


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("status", [200, 500])
def test_the_page_of_webhooks_posts_waves_and_the_end_whatever_the_server_answers(folder, monkeypatch, caplog, status):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(status)
            self.end_headers()

    posted: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/hook")
        run_page("docs/recipes/webhook.md", folder)
        server.shutdown()
    assert [text.partition(":")[0] for text in posted[:2]] == ["wave 1", "wave 2"]
    assert posted[2].startswith("digits finished with 8 trials, the best: trial ")
    assert len(posted) == 3
    warnings = [message.partition(";")[0] for message in caplog.messages if "callback" in message]
    expected = "the callback Webhook.{} raised HTTPError: HTTP Error 500: Internal Server Error"
    assert warnings == [expected.format(name) for name in ("on_wave_end", "on_study_end") if status == 500]


@pytest.mark.parametrize(("where", "line"), COMMANDS, ids=[f"{where} {line}"[:80] for where, line in COMMANDS])
def test_every_command_exists_and_has_its_options(where, line):
    command: click.Command = cli
    context = click.Context(cli, **cli.context_settings)
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    while isinstance(command, click.Group) and words:
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, info_name=name, parent=context)
    command.make_parser(context).parse_args(words)  # raises an error for an unknown option


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "python"], ids=str)
def test_every_python_block_parses_and_its_names_exist(block):
    for node in ast.walk(ast.parse(block.text)):  # `yield` parses outside of a function, too
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "caviar":
            assert hasattr(caviar, node.attr), f"caviar has no {node.attr}"


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "json"], ids=str)
def test_every_line_of_json_parses_and_that_of_a_journal_is_an_event(block):
    for line in block.text.splitlines():
        assert decode(line) if block.title == "journal.jsonl" else json.loads(line)


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "yaml"], ids=str)
def test_every_yaml_block_parses(block):
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize(
    "block",
    [block for block in ALL if block.language == "sh" and is_run(block) and not block.title.endswith(FILES)],
    ids=str,
)
def test_every_other_command_is_one_that_can_be_checked(block):
    for line in block.text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] != "caviar" and block.title not in TOOLS:
            assert re.match(OTHER_COMMANDS, line), f"{block}: mark the block with what it needs, or check {line!r}"
            if words[:2] == ["python", "-m"]:
                assert importlib.util.find_spec(words[2]), f"{block}: there is no module {words[2]}"


def test_no_block_is_overlooked():
    for path in PAGES:
        text, fenced = path.read_text(), [block for block in BLOCKS[name_of(path)] if block.title not in TOOLS]
        fences = re.findall(r"^ *```", text, flags=re.MULTILINE)
        assert len(fences) % 2 == 0, path
        assert len(re.findall(r"^```\w", text, flags=re.MULTILINE)) * 2 == len(fences), f"{path}: an indented fence"
        assert {block.language for block in fenced} <= LANGUAGES, f"{path}: a language that no test knows"


def test_a_page_that_shows_something_else_is_found(tmp_path):
    from tests.docs.pages import Block

    with pytest.raises(AssertionError, match="shows"):
        compare(Block("page", 1, "text", "Output", "1\n"), "1\n", "2\n")
    compare(Block("page", 1, "text", "Output, for example", "1\n"), "loss 1.5\n", "loss 22.25e-3\n")
    compare(Block("page", 1, "text", ON_ONE_MACHINE, "1\n"), "momentum\n", "batch_size\n")
    with pytest.raises(AssertionError, match="prints nothing"):
        compare(Block("page", 1, "text", ON_ONE_MACHINE, "1\n"), "momentum\n", "\n")
