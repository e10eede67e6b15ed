"""The group class of the commands: its help lists them in the order of use, not of the alphabet."""

import click


class InOrder(click.Group):
    """A group whose commands stand in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)
