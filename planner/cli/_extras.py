"""Packages that only some commands need, and that are installed when they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from planner.cli._ending import Failure


@contextmanager
def needed(extra: str, what: str = "") -> Iterator[None]:
    """Says what to install where a package is missing that a command, or `what` of it, imports within."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("planner"):
            raise
        package = error.name.partition(".")[0]
        said = f"`{what or f'planner {extra}'}` needs the package {package}, which is not installed"
        raise Failure(said, f"pip install 'shape-planner[{extra}]'") from None
