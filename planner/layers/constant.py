"""Tensors that are the same for every sample and are not trained.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Literal

from pydantic import Field

from planner.faults.option_does_not_apply import OptionDoesNotApply
from planner.faults.wrong_value import WrongValue
from planner.geometry import Link, Shape, all_cells
from planner.layers._call import Call
from planner.layers._fields import ShapeSizes
from planner.layers._layer import Layer, Sizes
from planner.regions import NOTHING, Region, everything

_TABLES = ("causal_mask", "sinusoidal")
"""Contents that are rows by columns."""
WIDEST_MASK = 1 << 12
"""The most rows or columns of a causal mask that are told apart: a wider one counts as hiding nothing."""


Fill = Literal["zeros", "ones", "arange", "linspace", "causal_mask", "sinusoidal", "relative_position_index"]


class Constant(Layer):
    """A tensor of fixed numbers, the same for every sample: positions, coordinates, a mask.

    It reads nothing, and comes in by `Add`, `Multiply`, `Concat`, or as a mask of attention. `fill` is `zeros`, `ones`
    or a number, which may be −∞ (`-.inf`); `arange`, the whole numbers from 0 on, row by row with the channels last,
    such as an `Embedding` reads; `linspace`, as many numbers at equal distances from `start` to `end`; `causal_mask`,
    on L×S, 0 where a query may see a key and −∞ behind it; `sinusoidal`, on L×C, the positions of Vaswani et al.
    (arXiv:1706.03762): channel 2i of position p is sin(p / 10000^(2i/C)), channel 2i + 1 the cosine of the same;
    `relative_position_index`, for each query and each key of a window of w×w cells how far they lie apart, as one whole
    number below (2w − 1)², by which Swin (arXiv:2103.14030) looks up a bias: on w²×w², or on w⁴ in one row. In PyTorch
    it is a buffer that moves to a device with the module, and with `persistent: true` is in the `state_dict` under its
    full name. A tensor to train is a `Parameter`.
    """

    takes: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: ShapeSizes = Field(description="Its shape, channels last, without the batch.")
    fill: Fill | float = Field(
        "zeros",
        description="What it holds: zeros, ones, a number, arange (0, 1, 2, …), linspace (from start to end), "
        "causal_mask, sinusoidal (positions), or relative_position_index (of a window's cells).",
    )
    start: float = Field(0.0, description="The first number of linspace.")
    end: float = Field(1.0, description="The last number of linspace.")
    persistent: bool = Field(False, description="Whether the `state_dict` has an entry of it.")

    def check(self, *inputs: Shape) -> None:
        ends = [name for name in ("start", "end") if name in self.given()]
        if ends and self.fill != "linspace":
            raise OptionDoesNotApply.ends(ends[0], self.fill)
        if self.fill in _TABLES and len(self.shape) != 2:
            raise WrongValue("shape", f"two sizes for `{self.fill}`, such as [128, 64]", list(self.shape))
        cells = math.prod(self.shape)
        if self.fill == "relative_position_index" and math.isqrt(math.isqrt(cells)) ** 4 != cells:
            wanted = "sizes that multiply to w⁴ for a window of w×w cells, such as [49, 49]"
            raise WrongValue("shape", wanted, list(self.shape))

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return ((),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape(self.shape),)

    @property
    def whole_outputs(self) -> tuple[int, ...]:
        return (0,) if self.fill in ("arange", "relative_position_index") else ()

    @property
    def most(self) -> int | None:
        cells = math.prod(self.shape)
        if self.fill == "relative_position_index":
            return (2 * math.isqrt(math.isqrt(cells)) - 1) ** 2 - 1
        return cells - 1 if self.fill == "arange" else None

    def buffers(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return {"": self._sizes} if self.persistent else {}

    @property
    def uniform(self) -> bool:
        """Whether all its numbers are the same."""
        return self.fill in ("zeros", "ones") or not isinstance(self.fill, str)

    @property
    def hides(self) -> Region:
        if self.fill == -math.inf:
            return everything(Shape(self.shape))
        if self.fill != "causal_mask" or max(self.shape) > WIDEST_MASK:
            return NOTHING
        return _ahead(*self.shape)

    @property
    def _is_channels_first(self) -> bool:
        """Whether it is laid out as PyTorch has images, for equal numbers; others have the order of the file."""
        return self.uniform and len(self.shape) > 2

    @property
    def _sizes(self) -> Sizes:
        """The sizes of PyTorch's tensor."""
        return Shape(self.shape).torch if self._is_channels_first else self.shape

    def _data(self, sizes: Sizes) -> Call:
        """The call that makes the numbers."""
        if not isinstance(self.fill, str):
            return Call("torch.full", {"size": sizes, "fill_value": float(self.fill)}, numbers={"fill_value": "fill"})
        if self.uniform:
            return Call(f"torch.{self.fill}", {"size": sizes})
        if self.fill == "causal_mask":
            hidden = Call("torch.full", {"size": sizes, "fill_value": -math.inf})
            return Call("torch.triu", {"input": hidden, "diagonal": 1})
        if self.fill == "sinusoidal":
            return Call("planner.sinusoidal", {"length": sizes[0], "channels": sizes[1]})
        if self.fill == "relative_position_index":
            return Call("planner.relative_position_index", {"size": sizes})
        count = math.prod(sizes)
        row = Call("torch.arange", {"end": count})
        if self.fill == "linspace":
            ends = {"start": self.start, "end": self.end}
            row = Call("torch.linspace", {**ends, "steps": count}, numbers={each: each for each in ends})
        return row if len(sizes) == 1 else Call("torch.reshape", {"input": row, "shape": sizes})

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        data, unkept = self._data(self._sizes), {} if self.persistent else {"persistent": False}
        return (Call("nn.Buffer", {"data": data, **unkept}, layout="first" if self._is_channels_first else "last"),)


@lru_cache(maxsize=16)
def _ahead(queries: int, keys: int) -> Region:
    """For each query the keys behind it, which a causal mask hides from it."""
    return tuple((1 << i, all_cells(keys) & ~all_cells(i + 1)) for i in range(min(queries, keys - 1)))
