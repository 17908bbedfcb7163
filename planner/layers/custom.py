"""Layers that the planner does not know, with what the file says of them.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
"""

import keyword
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, All, AxisMap, Link, Prefix, Shape, Window
from planner.layers._call import Call, Layout
from planner.layers._fields import MOST_AXES, Amounts, PerAxis, is_whole, single_value
from planner.layers._layer import Facts, Layer, Sizes, axis_name
from planner.layers._padding import sides_of
from planner.regions import Region

LONGEST_NAME = 200
MOST_ARGUMENTS = 1000
"""Values among the arguments of a class."""


# Names of classes, and what they are constructed with


def _is_word(text: object) -> bool:
    """Whether a text is a name that Python takes, and takes as it is written."""
    return (
        isinstance(text, str)
        and text.isidentifier()
        and not keyword.iskeyword(text)
        and unicodedata.normalize("NFKC", text) == text
    )


def _is_class(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_NAME
        and "." in value
        and all(_is_word(part) for part in value.split("."))
    )


def _count(value: object) -> int:
    """How many plain values there are in a value; far too many where something else is among them."""
    if isinstance(value, list | tuple):
        return sum(map(_count, value))
    return 1 if value is None or isinstance(value, bool | int | float | str) else MOST_ARGUMENTS + 1


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _read_arguments(value: Any) -> tuple[tuple[str, Any], ...]:
    """The arguments as pairs of a name and a value, from a mapping or from such pairs."""
    pairs = [*value.items()] if isinstance(value, Mapping) else value
    paired = isinstance(pairs, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    )
    if paired and all(_is_word(name) for name, _ in pairs) and _count([each for _, each in pairs]) <= MOST_ARGUMENTS:
        return tuple((name, _frozen(each)) for name, each in pairs)
    words = "names with numbers, texts, true, false, null or lists of them, such as {dim: 64, heads: [2, 4]}"
    raise PydanticCustomError("planner", words)


ClassName = Annotated[
    str,
    *single_value(_is_class, "the full name of a class, such as my_package.layers.MyLayer", {"type": "string"}),
]
OwnArguments = Annotated[
    tuple[tuple[str, Any], ...], PlainValidator(_read_arguments), WithJsonSchema({"type": "object"})
]


# What is declared


def _read_declared(value: Any) -> int | None:
    """A whole number from 0, which may be written with `_` between its digits; None where it is not known."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(_[0-9]{3}){1,8}", value):
        return int(value)
    if value is None or (is_whole(value) and value >= 0):
        return value
    raise PydanticCustomError("planner", "a whole number from 0, such as 1000 or 1_000")


def _read_output(value: Any) -> tuple[int | None, ...]:
    fits = isinstance(value, list | tuple) and 0 < len(value) <= MOST_AXES
    if fits and all(each is None or (is_whole(each) and each > 0) for each in value):
        return tuple(value)
    words = (
        "a list of sizes with the channels last, each a whole number from 1, or null for what follows from the input"
    )
    raise PydanticCustomError("planner", words)


class _ReadWindows(BaseModel):
    """Windows that are read, as those of a convolution."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kernel_size: PerAxis
    stride: PerAxis = 1
    padding: Amounts = 0
    dilation: PerAxis = 1

    def axes(self, rank: int) -> tuple[AxisMap, ...]:
        """The windows on each of `rank` axes. Raises WrongValue."""
        given = (self.kernel_size, self.stride, self.dilation)
        if any(isinstance(each, tuple) and len(each) != rank for each in given):
            raise WrongValue("reads", f"one number, or {rank} for the {rank} spatial axes", self.shown)
        kernels, strides, dilations = ((each,) * rank if isinstance(each, int) else each for each in given)
        sides = sides_of(self.padding, kernels, dilations)
        return tuple(Window(k, s, d, *side) for k, s, d, side in zip(kernels, strides, dilations, sides, strict=True))

    @property
    def shown(self) -> dict[str, Any]:
        """What the file says."""
        return self.model_dump(exclude_unset=True)


_READS = ("all", "same", "causal")


def _read_reads(value: Any) -> Any:
    if value in _READS or isinstance(value, _ReadWindows):
        return value
    try:
        return _ReadWindows.model_validate(value)
    except ValidationError:
        listed = ", ".join(f"`{each}`" for each in _READS)
        words = f"{listed}, or windows such as {{kernel_size: 3, stride: 2, padding: 1}}"
        raise PydanticCustomError("planner", words) from None


Declared = Annotated[
    int | None,
    PlainValidator(_read_declared),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9_]+$"}, {"type": "null"}]}
    ),
]
OutputShape = Annotated[
    tuple[int | None, ...],
    PlainValidator(_read_output),
    WithJsonSchema(
        {"type": "array", "items": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, "minItems": 1}
    ),
]
Reads = Annotated[
    Literal["all", "same", "causal"] | _ReadWindows,
    PlainValidator(_read_reads),
    WithJsonSchema({"anyOf": [{"enum": list(_READS)}, {"type": "object"}]}),
]

_NAMED: Any = {"class": (ClassName, Field(description="The full name of the class."))}
_Named: Any = create_model("_Named", __base__=Layer, **_NAMED)
"""What has a field called `class`, a word of Python's own, which no annotation can have as its name."""


class Custom(_Named):
    """A layer that the planner does not know: a class of your own, and what the file says of it.

    `class` is imported by the code, and constructed with `args`. `output` is the shape that comes out, channels last:
    a number for each axis, or null for what follows from what is read: the size of the input's own axis or, with
    windows, the number of windows. A number holds for the sizes in the file alone; at other sizes of its input the
    layer is not known, unless `output` says what it is there: [$input.height // 2, $input.width // 2, 64].

    `reads` says what a position of the output depends on, in all channels: `all`, everything; `same`, its own position;
    `causal`, of a sequence, the positions up to its own; or the cells of a window: {kernel_size: 3, stride: 2,
    padding: 1}. Further sources of the same sizes are read alike, and others as a whole.

    Parameters and multiply-adds are those that are declared. Where they are not they are unknown, and so are sums of
    them. The planner never imports the class, so `--verify` does not run code that has one.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, None)
    declared: ClassVar[bool] = True
    in_forward: ClassVar[tuple[str, ...]] = ("class", "output", "reads", "params", "macs", "channels_last")

    args: OwnArguments | None = Field(None, description="What the class is constructed with, by name.")
    output: OutputShape = Field(
        description="Its output's shape, channels last; null where a size follows from the input."
    )
    reads: Reads = Field("all", description="What each position of the output depends on.")
    params: Declared = Field(None, description="How many trained parameters it has; unknown where left out.")
    macs: Declared = Field(None, description="Its multiply-adds for one sample; unknown where left out.")
    channels_last: bool = Field(False, description="Whether the class has the channels as its last axis.")

    def _followed(self, x: Shape) -> tuple[AxisMap, ...] | None:
        """The map of each spatial axis where the output has as many; None where it has other axes."""
        rank = len(x.spatial)
        if len(self.output) != len(x):
            return None
        if isinstance(self.reads, _ReadWindows):
            return self.reads.axes(rank)
        along = {"same": KEEP, "causal": Prefix()}
        return tuple(along.get(self.reads) or All(n) for n in x.spatial)

    def check(self, *inputs: Shape) -> None:
        x = inputs[0]
        follows = self._followed(x)
        if follows is None:
            if self.reads != "all":
                raise WrongValue("output", f"{len(x)} sizes, as its input {x} has", self.output)
            if None in self.output[:-1]:
                raise WrongValue("output", f"numbers, since its input {x} has other axes", self.output)
            return
        if self.reads == "causal" and len(x.spatial) != 1:
            raise WrongValue("reads", f"`causal` on a sequence L×C alone, and {x} is none", self.reads)
        if self.reads != "all":
            for i, (along, n, stated) in enumerate(zip(follows, x.spatial, self.output, strict=False)):
                if stated not in (None, along.length(n)) and along.length(n) > 0:
                    of_axis = f"{along.length(n)} for {axis_name(i, len(x.spatial))}, as `reads` says, or null"
                    raise WrongValue("output", of_axis, self.output)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        first = inputs[0]
        channels = All(self.output[-1] or first.channels)
        follows = self._followed(first)
        found = []
        for x in inputs:
            if follows is not None and self.reads != "all" and x.spatial == first.spatial:
                found.append(Link(follows, channels))
            elif len(self.output) == len(x):
                found.append(Link(tuple(map(All, self._spatial(first))), channels))
            else:
                found.append(Link((All(1),) * len(x.spatial), channels, (None,) * len(x.spatial)))
        return (tuple(found),)

    def _spatial(self, x: Shape) -> tuple[int, ...]:
        """The spatial sizes of the output."""
        follows = self._followed(x)
        if follows is None:
            return tuple(n for n in self.output[:-1] if n is not None)
        lengths = (along.length(n) for along, n in zip(follows, x.spatial, strict=True))
        return tuple(stated or length for stated, length in zip(self.output, lengths, strict=False))

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape((*self._spatial(inputs[0]), self.output[-1] or inputs[0].channels)),)

    def counts(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], weights: Mapping[str, Sizes]
    ) -> tuple[int | None, int | None]:
        return self.params, self.macs

    def facts(self, *inputs: Shape) -> Facts:
        found: Facts = super().facts(*inputs)
        return found._replace(foreign=vars(self)["class"])

    def elsewhere(
        self, facts: Facts, own: tuple[Shape, ...], *inputs: Shape, follows: frozenset[str] = frozenset()
    ) -> Facts:
        if "output" not in follows:
            self._must_hold(own, *inputs)
        return facts if "macs" in follows else facts._replace(macs=None)

    def _must_hold(self, own: tuple[Shape, ...], *inputs: Shape) -> None:
        """Refuse inputs of other sizes where its output is stated for those in the file alone."""
        follows = self._followed(inputs[0])
        for x, was in zip(inputs, own, strict=True):
            self.must_have_axes(x, len(was.spatial))
            for axis, (n, before) in enumerate(zip(x.spatial, was.spatial, strict=True)):
                # Where the output has the same axes, a number says something of its own axis alone.
                stated = self.output[:-1] if follows is None or x is not inputs[0] else self.output[axis : axis + 1]
                if n != before and self.reads == "all" and (follows is None or any(stated)):
                    name = axis_name(axis, len(x.spatial))
                    help = f"it is stated for {name} {before}, and {n} arrive: write null where it follows"
                    wanted = "null for a size that follows from the input"
                    raise WrongValue("output", wanted, list(self.output), help=help)

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        return 0  # how it works out what is read is not known

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        layout: Layout = "last" if self.channels_last else "first"
        return (Call(f"import:{vars(self)['class']}", {"args": self.args or ()}, layout=layout),)
