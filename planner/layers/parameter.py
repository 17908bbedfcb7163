"""Tensors that depend on no input and come with the weights.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html, and Buffer.html beside it.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from planner.geometry import Link, Shape
from planner.layers._call import Call
from planner.layers._fields import ShapeSizesOrNone
from planner.layers._layer import Layer, Sizes


class _OwnTensor(Layer):
    """A tensor of the network's own."""

    takes: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: ShapeSizesOrNone = Field(description="Its shape, channels last, without the batch; [] for a number.")
    batch: bool = Field(False, description="Whether PyTorch's tensor has a leading axis of 1.")
    channels_last: bool = Field(False, description="Whether PyTorch's tensor has the channels as its last axis.")

    def _held(self, target: str, **args: object) -> tuple[Call, ...]:
        """The call that makes the tensor, in the layout that it has."""
        return (Call(target, args, layout="last" if self.channels_last else "first", scalar=not self.sizes()),)

    def sizes(self) -> Sizes:
        """The sizes of PyTorch's tensor."""
        own = self.shape if self.channels_last or not self.shape else Shape(self.shape).torch
        return (1, *own) if self.batch else own

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return ((),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape(self.shape or (1,)),)


class Parameter(_OwnTensor):
    """A trained tensor of its own, the same for every sample: a class token, a position embedding, a layer scale.

    It reads nothing, and comes in by `Add`, `Multiply` or `Concat`. Its entry in the `state_dict` is its full name
    itself. The tensor of PyTorch is laid out channels first, as in ConvNeXt's layer scale of C×1×1, unless
    `channels_last: true`, as in a transformer's tokens; `batch: true` gives it a leading axis of 1. With
    `shape: []` it is a single number without an axis, such as CLIP's scale of products.
    """

    init: Literal["zeros", "ones", "normal"] | float = Field(
        "zeros", description="What it starts from: zeros, ones, a standard normal distribution, or one number."
    )

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return {"": self.sizes()}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        if isinstance(self.init, str):
            start = Call(
                {"zeros": "torch.zeros", "ones": "torch.ones", "normal": "torch.randn"}[self.init],
                {"size": self.sizes()},
            )
        else:
            start = Call("torch.full", {"size": self.sizes(), "fill_value": float(self.init)})
        return self._held("nn.Parameter", data=start)


class Buffer(_OwnTensor):
    """A tensor that comes with the weights and is not trained: the table of places of a window attention, a mask.

    It reads nothing. Its entry in the `state_dict` is its full name itself, unless `persistent: false`; it holds zeros
    until weights are loaded. `whole: true` makes it whole numbers, as an `IndexSelect` reads. The tensor of PyTorch is
    laid out as a `Parameter`'s. Numbers that follow from a rule are a `Constant`.
    """

    whole: bool = Field(False, description="Whether it holds whole numbers.")
    persistent: bool = Field(True, description="Whether the `state_dict` has an entry of it.")

    @property
    def whole_outputs(self) -> tuple[int, ...]:
        return (0,) if self.whole else ()

    def buffers(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return {"": self.sizes()} if self.persistent else {}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        # A whole number makes a tensor of whole numbers
        zeros = Call("torch.full", {"size": self.sizes(), "fill_value": 0}) if self.whole else None
        data = zeros or Call("torch.zeros", {"size": self.sizes()})
        return self._held("nn.Buffer", data=data, **({} if self.persistent else {"persistent": False}))
