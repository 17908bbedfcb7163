"""The contract of this folder: what every layer answers about itself.

A layer is a frozen Pydantic model whose fields are PyTorch's arguments. It answers in neutral values; everything that
is counted, judged, drawn or written is worked out from these answers by code that does not ask for a layer's type. A
new layer is a new class in a file of this folder: `links` (or `axes` and `channel_map`), `weights`, `macs`, `views`
where it does not copy, and the class docstring, which is its manual page.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

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
from planner.memory import Memory
from planner.regions import Region, count

Sizes = tuple[int, ...]
"""Sizes of a tensor as PyTorch orders them."""

Layout = Literal["first", "last", "any"]
"""Where a tensor has its channels: (N, C, …), (N, …, C), or it does not matter."""

WIDEST = 1 << 20
"""The most cells that a window may span, or a stride: larger ones are slips, and not looked at cell by cell."""
LARGEST = (1 << 63) - 1
"""The most elements that a tensor of PyTorch can have."""


@dataclass(frozen=True, slots=True)
class Call:
    """One PyTorch call, as a value.

    target    a class to construct once (`nn.Conv2d`), a function (`torch.cat`), a method (`Tensor.permute`), or an
              operator (`operator.add`), which takes its operands two by two from the left
    args      the keyword arguments that are not the inputs, in order; a Call among them is made first.
              `Tensor.__getitem__` has one, the index; an operator has numbers, which are its last operands. A pool that
              takes means may have `counted` and `uncounted`: zeros around its input, as `F.pad` takes them, of which
              the uncounted ones lie outside, and its means are divided by those of ones in place of all but the
              uncounted
    positional the arguments that people write without their names: those at the head of `args` that are among these
    gathers   the function takes its inputs as one list
    layout    the layout that inputs and outputs have
    reads     which of the inputs it is given, in order, where it is not each once
    forward   keyword arguments of a module's forward pass
    returns   where in what it returns each output stands: () is all of it, (1, 0) is `result[1][0]`
    batches   the axis of the batch in each output, where it is not the first
    along     the argument that names the axes it works along; such a call takes the channels wherever they are
    folds     whether those axes vanish; it then finds the channels only where they are not among them
    turned    the inputs whose last two axes change places first
    by_value  it works value by value, on inputs of sizes that fit one another, as operators do
    pairwise  the function takes its inputs two by two from the left, as operators do
    reversed  an operator's numbers are its first operands
    widened   how many axes of one cell each input gets behind its batch first
    leading   the arguments that come before the inputs
    named     the names of the last inputs, by which these are given behind the arguments
    repeats   the inputs that need no batch, since PyTorch repeats them for every sample
    causal    the name of the argument that takes a mask which hides from each position of the first input those
              behind it
    in_rows   the module takes sequences, and axes before these are put into the batch for it

    `planner.rearranged` parts axes into pieces and joins these to other axes. Its arguments are those of `Pieces`, but
    for the sizes, of which those that PyTorch works out are -1.
    """

    target: str
    args: Mapping[str, object] = field(default_factory=dict)
    positional: tuple[str, ...] = ()
    gathers: bool = False
    layout: Layout = "first"
    reads: tuple[int, ...] | None = None
    forward: Mapping[str, object] = field(default_factory=dict)
    returns: tuple[tuple[int, ...], ...] = ((),)
    batches: tuple[int, ...] | None = None
    along: str = ""
    folds: bool = False
    turned: tuple[int, ...] = ()
    by_value: bool = False
    pairwise: bool = False
    reversed: bool = False
    widened: tuple[int, ...] = ()
    leading: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    repeats: tuple[int, ...] = ()
    causal: str = ""
    in_rows: bool = False

    @property
    def home(self) -> str:
        """The namespace of the target: `nn`, `F`, `torch`, `Tensor`, `operator`, or another library."""
        return self.target.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.target.rpartition(".")[2]

    @property
    def is_constant(self) -> bool:
        """Whether the call makes a tensor that is not trained, and not in the `state_dict`."""
        return self.target == "nn.Buffer"

    @property
    def is_tensor(self) -> bool:
        """Whether the call makes a tensor, trained or not, which nobody calls."""
        return self.target in ("nn.Parameter", "nn.Buffer")

    @property
    def is_constructed(self) -> bool:
        """Whether the target is a class, of which one object is made."""
        return self.name[:1].isupper()

    @property
    def is_module(self) -> bool:
        """Whether the object that is made is called."""
        return self.is_constructed and not self.is_tensor

    @property
    def is_operator(self) -> bool:
        return self.home == "operator"

    @property
    def takes_any_batch(self) -> bool:
        """Whether inputs may lack the size of the batch, or its axis, if others have it."""
        return self.is_operator or self.by_value

    @property
    def is_permutation(self) -> bool:
        """Whether the call only reorders axes."""
        return self.target == "Tensor.permute"

    @property
    def is_rearrangement(self) -> bool:
        """Whether the call parts axes, reorders and joins them."""
        return self.target == "planner.rearranged"

    @property
    def places_channels(self) -> bool:
        """Whether the call takes the channels from anywhere, and puts them anywhere."""
        return self.is_permutation or self.is_rearrangement

    @property
    def is_index(self) -> bool:
        return self.target == "Tensor.__getitem__"

    @property
    def is_padding(self) -> bool:
        return self.target == "F.pad"


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers of a layer for given input shapes. `links[o][i]` is how output o depends on input i."""

    outputs: tuple[Shape, ...]
    links: tuple[tuple[Link, ...], ...]
    weights: Mapping[str, Sizes]
    buffers: Mapping[str, Sizes]
    params: int
    macs: int


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
    indices: ClassVar[tuple[int, ...]] = ()
    """Which of its inputs hold whole numbers that pick something, not values."""
    places: ClassVar[tuple[int, ...]] = ()
    """Which of its outputs hold whole numbers that it has found, not values."""
    in_forward: ClassVar[tuple[str, ...]] = ()
    """Arguments that PyTorch's module takes in its forward pass, and not where it is constructed."""

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

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        """Multiply-adds for one sample; bias, activations and comparisons are not counted."""
        return 0

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        """The multiply-adds saved if only part of the first output is read, and nothing reads the rest."""
        elements = outputs[0].elements
        return self.macs(inputs, outputs) * (elements - count(read)) // elements

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        """The arguments of the PyTorch call that a model file leaves out because they follow from the inputs."""
        return {}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        """The PyTorch calls that the layer means, one after the other; all but the last are on its first input."""
        return (self.module({**self.derived(*inputs), **self.given()}, *inputs),)

    def must_be_writable(self, path: Path) -> None:
        """Raise the fault of a layer that can be planned but not written in PyTorch, at `path` in the file."""

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        """Where the layer's outputs lie in the memory of its only input, in training or in evaluation; None where
        PyTorch gives them memory of their own.
        """
        return None

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

    def given(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, in the order of the fields."""
        kept = ((name, getattr(self, name), each.default) for name, each in type(self).model_fields.items())
        given = {name: value for name, value, default in kept if type(value) is not type(default) or value != default}
        return given | (self.model_extra or {})

    def facts(self, *inputs: Shape) -> Facts:
        """All the answers for these inputs; raises the fault that stops them."""
        self.must_take(len(inputs))
        if self.rank is not None:
            for x in inputs:
                self.must_have_axes(x, self.rank)
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
        return Facts(
            outputs=outputs,
            links=links,
            weights=weights,
            buffers=self.buffers(*inputs),
            params=sum(map(math.prod, weights.values())),
            macs=self.macs(inputs, outputs),
        )

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
