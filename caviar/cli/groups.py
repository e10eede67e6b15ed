"""The group class of the commands: its help lists them in order of use, not alphabetically, and fits a screen."""

import click


class InOrder(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; --help and --version, which every program has, would take the lines of some."""
        self.format_commands(ctx, formatter)
