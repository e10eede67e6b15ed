"""A wheel of this checkout, and fresh environments to install it into."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "lock.txt"


def clean_environment():
    """Return this process's environment variables without those that let Python find the checkout."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(*command, cwd, check=True):
    """Run a command to its end, and return it with its output as text."""
    done = subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def build_wheel(folder, source=ROOT):
    """Build the wheel of a project into a folder, and return its path."""
    run("uv", "build", "--wheel", "--quiet", "--out-dir", str(folder), str(source), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment; uv, which links packages from a cache, fills it in seconds."""

    folder: Path

    @classmethod
    def create(cls, folder):
        run("uv", "venv", "--quiet", "--python", sys.executable, str(folder / "venv"), cwd=folder)
        return cls(folder)

    def install(self, *requirements):
        python = str(self.folder / "venv" / "bin" / "python")
        run("uv", "pip", "install", "--quiet", "--python", python, "-c", str(LOCK), *requirements, cwd=self.folder)

    def run(self, program, *arguments, check=True):
        return run(str(self.folder / "venv" / "bin" / program), *arguments, cwd=self.folder, check=check)
