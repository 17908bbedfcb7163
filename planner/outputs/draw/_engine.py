"""A Graphviz engine as the formats see it: outputs start no programs, they are given a function that does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class DrawDot(Protocol):
    """Makes a picture of DOT source, or of the next source, a plainer one, where laying it out takes too long."""

    def __call__(self, sources: Iterable[str], format: str, placed: bool = False) -> bytes:
        """The picture in a format of the engine's; a source that is `placed` needs no layout."""
