"""The Graphviz engine as formats see it: outputs start no programs, but are given a function that does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class DrawDot(Protocol):
    """Draws DOT source; where the layout takes too long, it draws the next source, which is plainer."""

    def __call__(self, sources: Iterable[str], format: str, placed: bool = False) -> bytes:
        """The picture in a format of the engine's; a source that is `placed` needs no layout."""
