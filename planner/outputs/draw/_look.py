"""How a picture is to look: what the options of `planner draw` say."""

from __future__ import annotations

from dataclasses import dataclass

from planner.outputs.draw._themes import THEMES, Theme

LABELS = ("args", "params", "macs", "field", "line", "none")
DIRECTIONS = {"down": "TB", "right": "LR", "up": "BT", "left": "RL"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is to look.

    depth      levels of blocks to open; None for as many as stay easy to survey
    direction  where the data flow
    labels     what boxes say beside name, type and marks
    ids        boxes carry the numbers of their steps, for a page that answers to clicks
    """

    depth: int | None = None
    direction: str = "down"
    theme_name: str = "light"
    labels: tuple[str, ...] = ("args",)
    ids: bool = False

    @property
    def theme(self) -> Theme:
        return THEMES[self.theme_name]


PLAIN = Look()
