"""Shapes and axis maps: the only convolution arithmetic in the house.

An axis map says how the cells of one output axis depend on the cells of one input axis. Lengths, losses, receptive
fields, reach and size solving are all worked out from its answers, so they cannot disagree. The channel axis is an
axis like the others: a dense layer is `All`, a grouped one `Grouped`, a slice of channels `Sliced`.

A set of cells on an axis is a value of `planner.cells`.

Sources: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285; the shape
sections of the torch.nn documentation.

A new axis map is a new class here and nowhere else; a second formula for a length is a defect.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from planner.cells import Cells, TooManyRuns, all_cells, bits, one_cell
from planner.geometry.axis_map import NO_LOSS, AxisMap, Loss, Ramp, Span
from planner.geometry.bins import Bins
from planner.geometry.link import Link, broadcast, keep, unread
from planner.geometry.mixing import All, Grouped, Raveled, SizeOnly
from planner.geometry.pieces import Digit, Pieces
from planner.geometry.shape import Shape
from planner.geometry.shift import KEEP, PadMode, Shift
from planner.geometry.windows import SameWindow, Spread, Window

if TYPE_CHECKING:
    from planner.geometry.moves import Centre, Flipped, Overwritten, Picked, Rolled, Sliced, Written
    from planner.geometry.pairs import Halves, Partnered, Shuffle
    from planner.geometry.resampling import InterpolationMode, RandomBins, Resample
    from planner.geometry.sequences import Listed, Prefix

_SELDOM = {
    "moves": {"Centre", "Flipped", "Overwritten", "Picked", "Rolled", "Sliced", "Written"},
    "pairs": {"Halves", "Partnered", "Shuffle"},
    "resampling": {"InterpolationMode", "RandomBins", "Resample"},
    "sequences": {"Listed", "Prefix"},
}
"""The files of what few networks need, each loaded when something of it is asked for."""

__all__ = [
    "KEEP",
    "NO_LOSS",
    "All",
    "AxisMap",
    "Bins",
    "Cells",
    "Centre",
    "Digit",
    "Flipped",
    "Grouped",
    "Halves",
    "InterpolationMode",
    "Link",
    "Listed",
    "Loss",
    "Overwritten",
    "PadMode",
    "Partnered",
    "Picked",
    "Pieces",
    "Prefix",
    "Ramp",
    "RandomBins",
    "Raveled",
    "Resample",
    "Rolled",
    "SameWindow",
    "Shape",
    "Shift",
    "Shuffle",
    "SizeOnly",
    "Sliced",
    "Span",
    "Spread",
    "TooManyRuns",
    "Window",
    "Written",
    "all_cells",
    "bits",
    "broadcast",
    "keep",
    "one_cell",
    "unread",
]


def __getattr__(name: str) -> Any:
    for file, names in _SELDOM.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{file}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
