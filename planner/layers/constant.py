"""Tensors that are the same for every sample and are not trained.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
"""

import math
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


class Constant(Layer):
    """A tensor of fixed numbers, the same for every sample: positions, coordinates, a mask.

    It reads nothing, and comes in by `Add`, `Multiply`, `Concat`, or as a mask of attention. `fill` is `zeros`, `ones`
    or a number, which may be −∞ (`-.inf`); `arange`, the whole numbers from 0 on, row by row with the channels last,
    such as an `Embedding` reads; `linspace`, as many numbers at equal distances from `start` to `end`; `causal_mask`,
    on L×S, 0 where a query may see a key and −∞ behind it; `sinusoidal`, on L×C, the positions of Vaswani et al.
    (arXiv:1706.03762): channel 2i of position p is sin(p / 10000^(2i/C)), channel 2i + 1 the cosine of the same. In
    PyTorch it is a buffer that is not in the `state_dict`, and moves to a device with the module. A tensor to train is
    a `Parameter`.
    """

    takes: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: ShapeSizes = Field(description="Its shape, channels last, without the batch.")
    fill: Literal["zeros", "ones", "arange", "linspace", "causal_mask", "sinusoidal"] | float = Field(
        "zeros",
        description="What it holds: zeros, ones, a number, arange (0, 1, 2, …), linspace (from start to end), "
        "causal_mask, or sinusoidal (positions).",
    )
    start: float = Field(0.0, description="The first number of linspace.")
    end: float = Field(1.0, description="The last number of linspace.")

    def check(self, *inputs: Shape) -> None:
        ends = [name for name in ("start", "end") if name in self.given()]
        if ends and self.fill != "linspace":
            raise OptionDoesNotApply.ends(ends[0], self.fill)
        if self.fill in _TABLES and len(self.shape) != 2:
            raise WrongValue("shape", f"two sizes for `{self.fill}`, such as [128, 64]", list(self.shape))

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return ((),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape(self.shape),)

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
        count = math.prod(sizes)
        row = Call("torch.arange", {"end": count})
        if self.fill == "linspace":
            ends = {"start": self.start, "end": self.end}
            row = Call("torch.linspace", {**ends, "steps": count}, numbers={each: each for each in ends})
        return row if len(sizes) == 1 else Call("torch.reshape", {"input": row, "shape": sizes})

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        # Equal numbers are made channels first, as PyTorch has images; others in the order of the file, channels last.
        first = self.uniform and len(self.shape) > 2
        data = self._data(Shape(self.shape).torch if first else self.shape)
        return (Call("nn.Buffer", {"data": data, "persistent": False}, layout="first" if first else "last"),)


@lru_cache(maxsize=16)
def _ahead(queries: int, keys: int) -> Region:
    """For each query the keys behind it, which a causal mask hides from it."""
    return tuple((1 << i, all_cells(keys) & ~all_cells(i + 1)) for i in range(min(queries, keys - 1)))
