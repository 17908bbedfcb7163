"""Pictures that a Graphviz engine makes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from planner.cli._ending import Failure
from planner.cli._printing import print_text

if TYPE_CHECKING:
    from planner.engine import Engine, EngineChoice


def drawn(sources: Iterable[str], format: str, placed: bool = False, *, choice: EngineChoice = "auto") -> bytes:
    """A picture of DOT source by a Graphviz engine; of the next source, a plainer one, where the layout takes too long.

    Where an engine fails, the next one is tried. What is `placed` has a place in the source and needs no layout.
    """
    from planner.engine import NoPicture, first_drawn

    try:
        return first_drawn(
            sources,
            lambda source, engine: _by_engine(source, format, engine, placed),
            choice,
            lambda said: print_text(f"note: {said}\n", sys.stderr),
        )
    except NoPicture as error:
        raise Failure(str(error), error.help) from None


def _by_engine(source: str, format: str, engine: Engine, placed: bool) -> bytes:
    from planner.outputs.draw._pdf import pdf

    if format == "png" and engine.name == "bundled" and any(char > "\u024f" and char not in "×…→−" for char in source):
        print_text("note: the bundled engine has no letters for all names in a PNG; an SVG has them\n", sys.stderr)
    if format == "pdf" and engine.name == "bundled":
        return pdf(engine.draw(source, "svg"))
    return engine.draw(source, format, placed)
