"""The command line: the only code that prints and that reads standard input.

A file of this folder is a command, found by looking and loaded when it is called: its function `command` says what the
command is and does, and `PLACE` where it stands in the list of all. What a command needs is imported inside it, so that
none waits for what another needs. Files that begin with an underscore are what commands share.

Exit codes: 0 nothing wrong, 1 something was found, 2 it could not run.
"""

from __future__ import annotations

import click

from planner import __version__
from planner.cli._group import Commands


@click.group("planner", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="planner", message="%(prog)s %(version)s")
def main() -> None:
    """Plans the shapes of neural networks from model files, and says what they silently lose.

    Exit code 0: nothing wrong; 1: something was found; 2: it could not run.
    """
