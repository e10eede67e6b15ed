"""Shell completion: the script that turns it on, and the names that it offers. Nothing here loads more than click."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@click.command(hidden=True)  # so that the help fits into 24 lines
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in SHELL.

    \b
    bash: echo 'eval "$(caviar completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(caviar completion zsh)"' >> ~/.zshrc
    fish: caviar completion fish > ~/.config/fish/completions/caviar.fish
    """
    root = click.get_current_context().find_root()
    found = get_completion_class(shell)
    assert found
    click.echo(found(root.command, {}, "caviar", "_CAVIAR_COMPLETE").source())


def complete_study(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of the studies in runs, or else folders."""
    names = [path.name for path in _studies()]
    return _starting(names, incomplete) or [CompletionItem(incomplete, type="dir")]


def complete_folder(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the folders of the studies in runs, or else any folder."""
    return _starting(map(str, _studies()), incomplete) or [CompletionItem(incomplete, type="dir")]


def complete_panda(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of the Pandas in runs/pandas."""
    return _starting((path.parent.name for path in Path("runs", "pandas").glob("*/panda.json")), incomplete)


def complete_words(*words: str, type: str = "plain") -> Completer:
    """Return a completer that offers words, or else paths of a type, "file" or "dir"."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _starting(words, incomplete) or ([] if type == "plain" else [CompletionItem(incomplete, type=type)])

    return complete


def _studies() -> Iterator[Path]:
    return (path.parent for path in Path("runs").glob("*/journal.jsonl"))


def _starting(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in sorted(words) if word.startswith(incomplete)]
