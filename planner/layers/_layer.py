"""The contract of this folder: what every layer answers about itself.

A layer is a frozen Pydantic model whose fields are PyTorch's arguments. It answers in neutral values; all that is
counted, judged, drawn or written is worked out from these by code that does not ask for a layer's type. A new layer is
a new class in a file of this folder: `links` (or `axes` and `channel_map`), `weights`, `multiply_adds`, `views` where
it does not copy, and the class docstring, which is its manual page.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from planner.diagnostics import Path
from planner.faults.channels_differ import ChannelsDiffer
from planner.faults.dim_out_of_range import DimOutOfRange
from planner.faults.repeated_dim import RepeatedDim
from planner.faults.tensor_too_large import TensorTooLarge
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.faults.window_too_large import WindowTooLarge
from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, AxisMap, Link, Shape
from planner.layers._call import Call, Layout
from planner.memory import Memory
from planner.regions import NOTHING, Region, count

Sizes = tuple[int, ...]
"""Sizes of a tensor as PyTorch orders them."""
COUNTER = "num_batches_tracked"
"""The buffer in which a normalization counts batches of training, as a whole number; nothing else reads it."""

WIDEST = 1 << 20
"""The most cells that a window may span, or a stride: larger ones are slips, and not looked at cell by cell."""
LARGEST = (1 << 63) - 1
"""The most elements that a tensor of PyTorch can have."""


class Facts(NamedTuple):
    """The answers of a layer for given input shapes. `links[o][i]` is how output o depends on input i.

    params, macs  None where they are not known
    foreign       the full name of a class that only the user's own code has, and that is not known; "" for all others
    """

    outputs: tuple[Shape, ...]
    links: tuple[tuple[Link, ...], ...]
    weights: Mapping[str, Sizes]
    buffers: Mapping[str, Sizes]
    params: int | None
    macs: int | None
    foreign: str = ""

    @property
    def has_state(self) -> bool:
        """Whether the `state_dict` has, or may have, entries of the layer."""
        return bool(self.weights or self.buffers or self.foreign)


class Layer(BaseModel):
    """Base of all layers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    takes: ClassVar[tuple[int, int | None]] = (1, 1)
    """How many sources it takes: at least, and at most (None: any number)."""
    rank: ClassVar[int | None] = None
    """How many spatial axes its inputs have; None: any number."""
    extras: ClassVar[bool] = False
    """Whether all outputs but the first are extras that a bare name does not mean."""
    layout: ClassVar[Layout] = "first"
    """Where PyTorch's module wants the channels: second, last (as one that acts on the last axis), or anywhere."""
    stochastic: ClassVar[bool] = False
    """Whether it works otherwise in training than in evaluation, by chance."""
    batch_statistics: ClassVar[bool] = False
    """Whether in training it takes mean and variance of each channel over the batch."""
    keeps_whole: ClassVar[bool] = False
    """Whether it makes whole numbers of whole numbers, unless a number among its arguments is none."""
    indices: ClassVar[tuple[int, ...]] = ()
    """Which of its inputs hold whole numbers that pick something, not values."""
    one_type: ClassVar[bool] = False
    """Whether PyTorch refuses inputs of which some hold whole numbers and others do not; a mask is none of these."""
    places: ClassVar[tuple[int, ...]] = ()
    """Which of its outputs hold whole numbers that it has found, not values."""
    adds: ClassVar[bool] = False
    """Whether its output is the sum of its inputs."""
    masks: ClassVar[bool] = False
    """Whether it is attention of its first three inputs, with the fourth as a mask."""
    in_forward: ClassVar[tuple[str, ...]] = ()
    """Arguments that PyTorch's module does not take where it is constructed: its forward pass does, or the planner."""
    declared: ClassVar[bool] = False
    """Whether its answers are what the file says, and hold for what arrives there in the file alone."""

    # What a layer answers

    def check(self, *inputs: Shape) -> None:
        """Raise the fault of arguments that do not fit one another, or do not fit these inputs."""

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        """The map of each spatial axis, for a layer with one input and one output."""
        return (KEEP,) * len(x.spatial)

    def channel_map(self, x: Shape) -> AxisMap:
        """The map of the channel axis, for a layer with one input and one output."""
        return KEEP

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        """How each output depends on each input."""
        (x,) = inputs
        return ((Link(self.axes(x), self.channel_map(x)),),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        """The output shapes, where the links alone do not determine them."""
        return tuple(to_inputs[0].output(inputs[0]) for to_inputs in links)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        """Trained parameters by their names in the module's `state_dict`, with PyTorch's sizes."""
        return {}

    def buffers(self, *inputs: Shape) -> Mapping[str, Sizes]:
        """Untrained entries of the module's `state_dict`, such as running means."""
        return {}

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        """Multiply-adds for one sample; bias, activations and comparisons are not counted."""
        return 0

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        """The multiply-adds saved if only part of the first output is read, and nothing reads the rest."""
        elements = outputs[0].elements
        return self.multiply_adds(inputs, outputs) * (elements - count(read)) // elements

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        """The arguments of the PyTorch call that a model file leaves out because they follow from the inputs."""
        return {}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        """The PyTorch calls that the layer means, one after the other; all but the last are on its first input."""
        return (self.module({**self.derived(*inputs), **self.given()}, *inputs),)

    def functional(self, call: Call) -> Call | None:
        """The function that does what the module of a call does, given all its arguments at each call; None where there
        is none.
        """
        return None

    def elsewhere(
        self, facts: Facts, own: tuple[Shape, ...], *inputs: Shape, follows: frozenset[str] = frozenset()
    ) -> Facts:
        """What is known of a `declared` layer on other inputs than its own in the file; raises the fault of inputs for
        which too little is. The arguments that it `follows` these inputs with were worked out for them.
        """
        return facts

    def must_be_writable(self, path: Path) -> None:
        """Raise the fault of a layer that can be planned but not written in PyTorch, at `path` in the file."""

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        """Where its outputs lie in the memory of its only input, in training or evaluation; None where PyTorch gives
        them memory of their own. Not asked where its link has pieces: these say it.
        """
        return None

    @property
    def hides(self) -> Region:
        """The cells of its output that hold −∞, whatever the weights."""
        return NOTHING

    def centred(self, *inputs: Shape) -> int | None:
        """The number of values of a sample whose common mean is subtracted; None where the layer subtracts no mean."""
        return None

    def overwrites(self, *, training: bool) -> bool:
        """Whether the layer works in place, writing over the values of its input."""
        return False

    @classmethod
    def names(cls, args: Mapping[str, object]) -> Collection[str]:
        """The arguments that the layer takes, given those that an entry has."""
        return cls.model_fields

    @property
    def whole_rank(self) -> int | None:
        """How many spatial axes its inputs have, with those that it takes as a batch; None: any number."""
        return self.rank

    @property
    def whole_outputs(self) -> tuple[int, ...]:
        """Which of its outputs hold whole numbers, whatever its inputs hold."""
        return self.places

    @property
    def most(self) -> int | None:
        """The largest whole number that it holds, where that follows from a rule; None where it is not known."""
        return None

    # What is the same for all

    def module(self, args: Mapping[str, object], *inputs: Shape) -> Call:
        """The call of PyTorch's class that has the same name."""
        return Call(f"nn.{type(self).__name__}", args, positional=self.needed(*inputs), layout=self.layout)

    def needed(self, *inputs: Shape) -> tuple[str, ...]:
        """The arguments that PyTorch's class requires; none where that class has them in another order."""
        required = (name for name, each in type(self).model_fields.items() if each.is_required())
        return (*self.derived(*inputs), *required)

    @classmethod
    def type_name(cls) -> str:
        return cls.__name__

    @classmethod
    def family(cls) -> str:
        """The layers that it is like, by the file or folder of this folder that it stands in."""
        return cls.__module__.removeprefix(f"{__package__}.").partition(".")[0]

    def given(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, in the order of the fields."""
        kept = ((name, getattr(self, name), each.default) for name, each in type(self).model_fields.items())
        given = {name: value for name, value, default in kept if type(value) is not type(default) or value != default}
        return given | (self.model_extra or {})

    def facts(self, *inputs: Shape) -> Facts:
        """All the answers for these inputs; raises the fault that stops them."""
        self.must_take(len(inputs))
        if self.whole_rank is not None:
            for x in inputs:
                self.must_have_axes(x, self.whole_rank)
        self.check(*inputs)
        links = self.links(*inputs)
        widest = max((axis.widest for each in links for link in each for axis in link.axes), default=1)
        if widest > WIDEST:
            raise WindowTooLarge(widest, WIDEST)
        outputs = self.outputs(links, *inputs)
        for shape in outputs:
            if min(shape) < 1:
                raise _misfit(links[outputs.index(shape)], inputs, shape)
            if shape.elements > LARGEST:
                raise TensorTooLarge(shape)
        weights = self.weights(*inputs)
        for sizes in weights.values():
            if math.prod(sizes) > LARGEST:
                raise TensorTooLarge(Shape(sizes))
        params, macs = self.counts(inputs, outputs, weights)
        return Facts(outputs, links, weights, self.buffers(*inputs), params, macs)

    def laid(self, facts: Facts, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        """Where its outputs lie in the memory x of its first input, as `views` and the pieces of its link say."""
        pieces = facts.links[0][0].pieces
        if pieces is not None and pieces.moves:
            view = x.rearranged(pieces)
            return None if view is None else (view,)
        return self.views(x, training=training) if len(facts.links[0]) == 1 else None

    def moves(self, facts: Facts, x: Shape) -> bool:
        """Whether its outputs hold what its first input x holds, in the same memory or copied."""
        pieces = facts.links[0][0].pieces
        in_pieces = pieces is not None and pieces.moves
        return in_pieces or self.laid(facts, Memory.packed(x.torch), training=False) is not None

    def counts(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], weights: Mapping[str, Sizes]
    ) -> tuple[int | None, int | None]:
        """Its trained parameters and its multiply-adds; None for what is not known."""
        return sum(map(math.prod, weights.values())), self.multiply_adds(inputs, outputs)

    def per_axis(self, name: str, rank: int) -> tuple[int, ...]:
        """The argument `name` as one number for each of `rank` axes."""
        value = getattr(self, name)
        if isinstance(value, int):
            return (value,) * rank
        if len(value) != rank:
            raise WrongValue(name, f"one number, or {rank} for the {rank} spatial axes", list(value))
        return tuple(value)

    def must_take(self, count: int) -> None:
        """Raise the fault of a layer that is given too many sources, or too few."""
        least, most = self.takes
        if count < least or (most is not None and count > most):
            raise WrongNumberOfSources(self.type_name(), count, least, most)

    def must_have_axes(self, x: Shape, *ranks: int) -> None:
        """Raise the fault of an input whose number of spatial axes is none of these."""
        if len(x.spatial) not in ranks:
            raise WrongNumberOfAxes(self.type_name(), x, ranks)

    def must_equal(self, name: str, actual: int) -> None:
        """Raise the fault of a stated size that is not what the input has; such a size may be left out."""
        given = getattr(self, name)
        if given is not None and given != actual:
            raise ChannelsDiffer(name, given, actual)


def dim_of(dim: int, x: Shape, name: str = "dim", *, new: bool = False) -> int:
    """PyTorch's `dim` counted from the front, on a tensor with its batch first and its channels second.

    `new` axes are counted on the tensor that will have one more.
    """
    rank = len(x) + 1 + new
    if not -rank <= dim < rank or not dim % rank:
        raise DimOutOfRange(name, dim, x, rank)
    return dim % rank


def axis_of(dim: int, x: Shape, name: str = "dim", *, new: bool = False) -> int:
    """The number of the axis in our shape that PyTorch's `dim` means; the channels are the last axis."""
    return (dim_of(dim, x, name, new=new) - 2) % (len(x) + new)


def axes_of(dims: int | Sequence[int], x: Shape, name: str = "dim") -> list[int]:
    """The numbers of the axes in our shape that PyTorch's `dims` mean, each of which is listed once."""
    listed = (dims,) if isinstance(dims, int) else dims
    axes = [axis_of(dim, x, name) for dim in listed]
    for i, axis in enumerate(axes):
        if axis in axes[:i]:
            raise RepeatedDim(listed[i], listed[axes.index(axis)], name)
    return axes


_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def axis_name(axis: int, rank: int) -> str:
    """What people call spatial axis `axis` of `rank`: `height`; `channels` for the one after them."""
    if axis == rank:
        return "channels"
    return _AXES[rank][axis] if rank in _AXES else f"axis {axis}"


def _misfit(links: tuple[Link, ...], inputs: tuple[Shape, ...], shape: Shape) -> WindowDoesNotFit:
    """The fault of the first axis on which no output cell is left."""
    bad = next(i for i, size in enumerate(shape) if size < 1)
    for link, x in zip(links, inputs, strict=True):
        for axis, (axis_map, to) in enumerate(zip(link.axes, link.landing, strict=True)):
            if to == bad:
                return WindowDoesNotFit(axis_name(axis, len(x.spatial)), axis_map.misfit(x.spatial[axis]))
    return WindowDoesNotFit(axis_name(bad, len(shape) - 1), f"{shape} is left")
