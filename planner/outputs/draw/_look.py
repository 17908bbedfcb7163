"""The look of a picture: what the options of `planner draw` say."""

from __future__ import annotations

from dataclasses import dataclass

from planner.outputs.draw._themes import THEMES, Theme

LABELS = ("args", "params", "macs", "bytes", "field", "line", "none")
DIRECTIONS = {"down": "TB", "right": "LR", "up": "BT", "left": "RL"}


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a picture.

    depth      levels of blocks to open; None for as many as a page holds
    every      every copy of a block is opened, not one of each kind
    plain      one arrow to each box; what else it reads is named in it
    direction  where the data flow
    labels     what boxes say beside name, type and marks
    shade      what boxes are coloured by, the more the stronger; None for the family of the layer
    own        a theme that is none of those with a name
    volumes    tensors as boxes to scale, in place of the graph
    """

    depth: int | None = None
    every: bool = False
    plain: bool = False
    direction: str = "down"
    theme_name: str = "light"
    labels: tuple[str, ...] = ("args",)
    shade: str | None = None
    own: Theme | None = None
    volumes: bool = False

    @property
    def theme(self) -> Theme:
        return self.own or THEMES[self.theme_name]


PLAIN = Look()
