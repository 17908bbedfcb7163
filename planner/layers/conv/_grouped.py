"""What convolutions and transposed convolutions share."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from planner.faults.groups_do_not_divide import GroupsDoNotDivide
from planner.faults.missing_key import MissingKey
from planner.geometry import All, AxisMap, Grouped, Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call
from planner.layers._fields import Count, Padding, PaddingMode, PerAxis


class GroupedWeights(TakesBatchAxes):
    """What convolutions and transposed convolutions share: channels, groups, and the kernel's weights."""

    rank: ClassVar[int]

    out_channels: Count | None = Field(None, description="Left out, as many as come in; only with `groups: depthwise`.")
    kernel_size: PerAxis
    stride: PerAxis = 1
    padding: Padding = Field(
        0,
        description="Cells on every side, or a number or pair for each axis; `same`, `valid`, TensorFlow's `tf_same`.",
    )
    dilation: PerAxis = 1
    groups: Count | Literal["depthwise"] = Field(1, description="`depthwise` is one group for each input channel.")
    bias: bool = True
    padding_mode: PaddingMode = "zeros"
    in_channels: Count | None = None

    def width(self, x: Shape) -> int:
        """Output channels for input x."""
        if self.out_channels is not None:
            return self.out_channels
        if self.groups != "depthwise":
            raise MissingKey("out_channels", type(self).__name__)
        return x.channels

    def group_count(self, x: Shape) -> int:
        return x.channels if self.groups == "depthwise" else self.groups

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        self.must_equal("in_channels", x.channels)
        groups, width = self.group_count(x), self.width(x)
        if x.channels % groups:
            raise GroupsDoNotDivide("in_channels", x.channels, groups, width)
        if width % groups:
            raise GroupsDoNotDivide("out_channels", width, groups, x.channels)

    def channel_map(self, x: Shape) -> AxisMap:
        groups = self.group_count(x)
        return All(self.width(x)) if groups == 1 else Grouped(self.width(x), groups)

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        (x,) = inputs
        return {"in_channels": x.channels, "out_channels": self.width(x)}

    def given(self) -> dict[str, Any]:
        # One order for all: in_channels and out_channels come from `derived`.
        return {name: value for name, value in super().given().items() if name not in ("in_channels", "out_channels")}

    def _call(self, x: Shape, *, without: tuple[str, ...] = (), **changed: object) -> Call:
        args = {**self.derived(x), **self.given(), **changed}
        if self.groups == "depthwise":
            args["groups"] = x.channels
        return self.module({name: value for name, value in args.items() if name not in without}, x)
