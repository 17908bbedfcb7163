"""Products of matrices in tiles: channels that do not fill a tile are worked as if they did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from planner.budget import DType
from planner.geometry import All
from planner.plan import Plan, Step

if TYPE_CHECKING:
    from planner.targets import Aim


class InTiles(NamedTuple):
    """A product of a step in tiles.

    tile           channels that fill a tile
    ins, outs      the channels that it reads and makes
    full_ins, full_outs  those that its tiles have room for
    first          whether it reads so few channels of an input that the vendor has tiles of their own for them
    macs           its multiply-adds, without those on padding
    argument       what its number of channels is called in the file
    """

    step: int
    aim: Aim
    tile: int
    ins: int
    outs: int
    full_ins: int
    full_outs: int
    first: bool
    macs: int
    argument: str

    @property
    def full_macs(self) -> int:
        """The multiply-adds in all of its tiles."""
        return self.macs // (self.ins * self.outs) * self.full_ins * self.full_outs


def in_tiles(plan: Plan, dtype: DType) -> Iterator[InTiles]:
    """The products of a plan in the tiles of its targets. Of convolutions in groups no vendor's page says anything."""
    for aim in plan.model.targets:
        tiles = aim.target.tiles
        tile = tiles.sizes.get(dtype) if tiles is not None else None
        if tiles is None or tile is None:
            continue
        for i, step in enumerate(plan.steps):
            if step.layer is None or not step.macs or step.type not in tiles.layers or not _is_dense(step):
                continue
            ins, outs = step.inputs[0].channels, step.outputs[0].channels
            first = plan.steps[step.sources[0].step].is_input and ins <= tiles.first
            full = min(_full(ins, tile), tiles.first) if first else _full(ins, tile)
            argument = next(name for name in ("out_channels", "out_features") if name in type(step.layer).model_fields)
            yield InTiles(i, aim, tile, ins, outs, full, _full(outs, tile), first, step.macs, argument)


def _is_dense(step: Step) -> bool:
    return isinstance(step.links[0][0].channels, All)


def _full(channels: int, tile: int) -> int:
    """The channels of as many tiles as are needed."""
    return -(-channels // tile) * tile
