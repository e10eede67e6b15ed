"""The command `caviar`, outside of the package, so that it also answers where another project's package replaces ours.

The distribution `caviar-tune` installs the package `caviar`; so does an unrelated distribution called `caviar`. Where
both are installed, files of one overwrite those of the other.
"""

import sys
from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    """Run the command line, unless another project's `caviar` is installed too."""
    try:
        _main()
    except KeyboardInterrupt:  # while it is imported
        print("caviar: stopped", file=sys.stderr)
        sys.exit(130)


def _main() -> None:
    name = __name__.replace("_", "-")
    try:
        other = version("caviar")
    except PackageNotFoundError:
        from caviar.cli.main import main as run

        run()
    else:
        sentence = (
            f"caviar: the package caviar {other} is another project, and its files overwrite those of {name}; "
            f"try: pip uninstall --yes caviar {name} && pip install {name}"
        )
        print(sentence, file=sys.stderr)
        sys.exit(2)
