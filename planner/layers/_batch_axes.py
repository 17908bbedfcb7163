"""Layers with a fixed number of axes, which can take the axes in front of these as further samples."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from planner.diagnostics import puts
from planner.faults.option_does_not_apply import OptionDoesNotApply
from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.geometry import KEEP, AxisMap, Shape
from planner.layers._call import Call
from planner.layers._fields import Natural
from planner.layers._layer import Layer


class TakesBatchAxes(Layer):
    """A layer that works on the last `rank` spatial axes, and on each place of those in front of them by itself."""

    rank: ClassVar[int | None]

    batch_axes: Natural = Field(0, description="How many axes in front of its own are as a batch, as windows are.")

    @property
    def whole_rank(self) -> int | None:
        return None if self.rank is None else self.rank + self.batch_axes

    @property
    def before(self) -> tuple[AxisMap, ...]:
        """The maps of the axes in front of its own."""
        return (KEEP,) * self.batch_axes

    def must_have_axes(self, x: Shape, *ranks: int) -> None:
        if self.batch_axes and len(x.spatial) not in ranks:
            kind, here = self.type_name(), len(x.spatial)
            more = here - (self.rank or 0)
            fewer = f"use type: {kind[:-2]}{here}d, without batch_axes" if here else "leave batch_axes out"
            fault = WrongNumberOfAxes(kind, x, ranks, help=f"use batch_axes: {more}" if more >= 0 else fewer)
            fault.mends = tuple(puts("batch_axes", more)) if more >= 0 else ()
            raise fault
        super().must_have_axes(x, *ranks)

    def must_not_fold(self, why: str) -> None:
        """Raise the fault of `batch_axes` beside something that PyTorch does not say for such axes."""
        if self.batch_axes:
            raise OptionDoesNotApply.batch_axes(why)

    def module(self, args: Mapping[str, object], *inputs: Shape) -> Call:
        if not self.batch_axes:
            return super().module(args, *inputs)
        own = {name: value for name, value in args.items() if name != "batch_axes"}
        return replace(super().module(own, *inputs), batch_axes=self.batch_axes)
