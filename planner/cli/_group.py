"""The group of commands: finds them in this folder, and loads one when it is called."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from planner.cli._ending import Ending
from planner.cli._printing import open_streams

SELDOM = 100_000
"""New objects after which the garbage collector looks for cycles."""


@cache
def _names() -> dict[str, str]:
    """The names of the commands with those of their files, without loading any command; `import_.py` has `import`."""
    return {file.stem.rstrip("_"): file.stem for file in Path(__file__).parent.glob("[!_]*.py")}


class Commands(click.Group):
    """The commands of this folder. Any failure ends with one line and the right exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        name = prog_name or self.name
        if not standalone_mode:
            return super().main(args, name, complete_var, standalone_mode=False, **extra)
        open_streams()
        _start_lightly()
        with Ending():
            sys.exit(super().main(args, name, complete_var, standalone_mode=False, **extra))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_names(), key=lambda name: (_file(name).PLACE, name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _names():
            return None
        command: click.Command = _file(cmd_name).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from planner.diagnostics import did_you_mean

        if args[0] not in _names() and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            near = did_you_mean(args[0], names) or f"there are: {', '.join(names)}"
            ctx.fail(f"there is no command `{args[0]}`; {near}")
        return super().resolve_command(ctx, args)


def _start_lightly() -> None:
    """Leave out what a short run has no use for: a fifth of what it takes to start and to end."""
    gc.set_threshold(SELDOM)
    atexit.register(gc.freeze)  # saves the interpreter a last search for cycles in all that is still alive
    _without_plugins()


def _without_plugins() -> None:
    """Let Pydantic find no plugins: it would search every installed package, with modules that take long to import."""
    loader = ModuleType("pydantic.plugin._loader")
    vars(loader)["get_plugins"] = tuple
    sys.modules.setdefault(loader.__name__, loader)


def _file(name: str) -> Any:
    return import_module(f"{__package__}.{_names()[name]}")
