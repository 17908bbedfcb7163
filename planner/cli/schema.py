"""`planner schema`."""

from __future__ import annotations

import click

from planner.cli._printing import print_text

PLACE = 5


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of model files.

    An editor that is given it completes, explains and underlines while one is written.
    """
    from planner.schema import schema_text

    print_text(schema_text())
    return 0
