"""What pools to a given size share."""

from typing import ClassVar

from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, AxisMap, Bins, Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call
from planner.layers._fields import PerAxisOrKeep


class AdaptivePool(TakesBatchAxes):
    """Pools by as many bins as are asked for."""

    rank: ClassVar[int]

    output_size: PerAxisOrKeep

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        sizes = (self.output_size,) * self.rank if isinstance(self.output_size, int) else self.output_size
        if len(sizes) != self.rank:
            raise WrongValue("output_size", f"one number, or {self.rank} for the {self.rank} spatial axes", sizes)
        return (*self.before, *(KEEP if size is None else Bins(size) for size in sizes))

    def functional(self, call: Call) -> Call:
        return call.as_function
