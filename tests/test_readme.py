"""The README's examples of one's own training code, as they stand there but for fewer trials."""

import re
from pathlib import Path

import pytest

from caviar.study.file import study_of_file

README = (Path(__file__).parents[1] / "README.md").read_text()

pytestmark = pytest.mark.usefixtures("ray_cluster")


def blocks(language, heading):
    """The code blocks of a language in the section of a heading."""
    section = re.split(r"^#+ ", README.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


def test_the_pytorch_loop(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="the README's example needs PyTorch, which is not installed")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python", "Your own training code")
    names = {}
    exec("import caviar\n" + code.replace("trials=64", "trials=9, workers=2").replace("study.run()", ""), names)
    table = names["study"].run(progress=False)
    assert set(table["state"]) == {"finished", "stopped"}
    assert names["study"].best.metrics["val_loss"] < 1
    names["study"].settings.space.points([{"learning_rate": 0.01, "units": 64, "batch_size": 32}])  # of "Warm starts"


def test_the_file(tmp_path):
    (file,), (module,) = blocks("toml", "From a file"), blocks("python", "From a file")
    (tmp_path / "study.toml").write_text(file)
    (tmp_path / "my_module.py").write_text(module)
    study = study_of_file(tmp_path / "study.toml", out=tmp_path / "s", workers=2)
    assert len(study.run(progress=False)) == 40
    assert study.best.metrics["loss"] < 10
