"""PyTorch as the oracle of a layer: what it answers to the calls that the layer means.

Inputs have a batch of 2, modules are in training mode.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch.utils.flop_counter import FlopCounterMode

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.layers import all_layers
from planner.layers._call import Call
from planner.layers._layer import Layer

torch.set_num_threads(1)  # for tensors this small, threads only wait for one another

BATCH = 2
REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""How PyTorch says no."""

Sizes = Mapping[str, tuple[int, ...]]

TYPES = {name: layer for name, layer in all_layers().items() if not layer.declared}
"""The layers of which PyTorch knows what they are; of others the file says it."""


@dataclass(frozen=True)
class Case:
    """A layer type with arguments as a model file would give them, and the shapes of its inputs."""

    type: type[Layer]
    args: Mapping[str, Any]
    inputs: tuple[Shape, ...]

    @property
    def name(self) -> str:
        return self.type.__name__

    def __str__(self) -> str:
        args = ", ".join(f"{name}={value!r}" for name, value in self.args.items())
        return f"{self.name}({args}) on {', '.join(map(str, self.inputs)) or 'nothing'}"


@dataclass(frozen=True)
class Answer:
    """What comes out and what is stored in the state_dict; or why not."""

    outputs: tuple[Shape, ...] = ()
    weights: Sizes = field(default_factory=dict)
    buffers: Sizes = field(default_factory=dict)
    refusal: str = field(default="", compare=False)

    @property
    def refused(self) -> bool:
        return bool(self.refusal)

    def __str__(self) -> str:
        if self.refused:
            return f"refused, {self.refusal}"
        return f"{', '.join(map(str, self.outputs))}, {dict(self.weights)}, {dict(self.buffers)}"


def planner_says(case: Case) -> Answer:
    try:
        facts = case.type(**case.args).facts(*case.inputs)
    except ValidationError as error:
        return Answer(refusal=str(error.errors()[0]["msg"]))
    except Fault as fault:
        return Answer(refusal=f"{type(fault).__name__}: {fault.message}")
    return Answer(facts.outputs, dict(facts.weights), dict(facts.buffers))


def torch_says(case: Case, device: str) -> Answer:
    """PyTorch's answer to the calls that the layer means; a tensor without elements counts as refused."""
    try:
        outputs, things = _run(calls_of(case), case, device)
    except REFUSALS as error:
        return Answer(refusal=f"{type(error).__name__}: {error}".splitlines()[0])
    if not all(shape.elements for shape in outputs):
        return Answer(refusal=f"nothing is left: {outputs}")
    weights = {name: tuple(each.shape) for name, each in _entries(things) if isinstance(each, torch.nn.Parameter)}
    if not all(map(math.prod, weights.values())):
        return Answer(refusal=f"nothing is trained: {weights}")
    buffers = {name: tuple(each.shape) for name, each in _entries(things) if name not in weights}
    return Answer(outputs, weights, buffers)


def torch_counts(case: Case, device: str) -> int:
    """Half of the floating-point operations that PyTorch counts for one sample."""
    counter = FlopCounterMode(display=False)
    with counter:
        _run(calls_of(case), case, device)
    return counter.get_total_flops() // (2 * BATCH)


def _entries(things: Sequence[torch.nn.Module | torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """The state_dict; that of a free parameter has one entry, whose name is the step's own."""
    for each in things:
        if isinstance(each, torch.nn.Module):
            yield from each.state_dict(keep_vars=True).items()
        elif getattr(each, "persistent", True):
            yield "", each


# The calls of a layer

WORKED_OUT = (
    "in_channels",
    "in_features",
    "in1_features",
    "in2_features",
    "num_features",
    "num_channels",
    "embed_dim",
    "d_model",
    "input_size",
)
"""Arguments that a model file may leave out because the input's channels say them."""

UNCHECKED: Mapping[str, Callable[[Mapping[str, Any]], Call]] = {
    "Reshape": lambda args: Call("Tensor.reshape", {"shape": (BATCH, args["shape"][-1], *args["shape"][:-1])}),
}
"""The call of a layer that cannot say it for arguments it refuses, where it is no module of torch.nn by its name."""


def calls_of(case: Case) -> tuple[Call, ...]:
    """The calls of the layer; also of one whose arguments it refuses, which are put to PyTorch as they are."""
    args = {name: _frozen(value) for name, value in case.args.items()}
    stated = {name: args[name] for name in WORKED_OUT if name in args}
    layer = case.type.model_construct(**args)
    try:
        return tuple(_restated(call, stated) for call in layer.calls(*case.inputs))
    except (Fault, *REFUSALS):
        if case.name in UNCHECKED:
            return (UNCHECKED[case.name](args),)
    try:
        derived = layer.derived(*case.inputs)
    except (Fault, *REFUSALS):
        derived = {}
    return (Call(f"nn.{case.name}", {**derived, **args}, layout=case.type.layout),)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _restated(call: Call, stated: Mapping[str, Any]) -> Call:
    """The call with what the case states, in place of what the layer has worked out."""
    args = {
        name: _restated(value, stated) if isinstance(value, Call) else stated.get(name, value)
        for name, value in call.args.items()
    }
    return replace(call, args=args)


# Calls put to PyTorch

TENSORS = (torch.nn.Parameter, torch.nn.Buffer)
HOMES = {"nn": torch.nn, "torch": torch, "F": torch.nn.functional, "operator": operator}


class _StochasticDepth(torch.nn.Identity):
    """torchvision's module, as far as sizes go."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        if not 0 <= p <= 1 or mode not in ("batch", "row"):
            raise ValueError(p, mode)


def _sinusoidal(length: int, channels: int) -> torch.Tensor:
    """The table of positions of arXiv:1706.03762."""
    angle = [[p / 10000 ** (c // 2 * 2 / channels) for c in range(channels)] for p in range(length)]
    table = [[math.cos(a) if c % 2 else math.sin(a) for c, a in enumerate(row)] for row in angle]
    return torch.tensor(table, dtype=torch.float32)


def _relative_position_index(size: tuple[int, ...]) -> torch.Tensor:
    """Swin's number for how far two cells of a window lie apart (arXiv:2103.14030), as torchvision works it out."""
    window = round(math.prod(size) ** 0.25)
    cells = torch.stack(torch.meshgrid(*[torch.arange(window)] * 2, indexing="ij")).flatten(1)
    apart = (cells[:, :, None] - cells[:, None, :]).permute(1, 2, 0) + window - 1
    index: torch.Tensor = (apart * torch.tensor([2 * window - 1, 1])).sum(-1)
    return index.reshape(size)


class _RotaryEmbedding(torch.nn.Module):
    """Pairs of channels turned by matrices (arXiv:2104.09864, equation 15)."""

    def __init__(self, interleaved: bool, base: float = 10_000.0) -> None:
        super().__init__()
        self.interleaved, self.base = interleaved, base

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        length, channels = x.shape[-2:]
        if channels % 2:
            raise ValueError(channels)
        turns = torch.zeros(length, channels, channels, dtype=x.dtype)
        for p in range(length):
            for i in range(channels // 2):
                angle = p * self.base ** (-2 * i / channels)
                a, b = (2 * i, 2 * i + 1) if self.interleaved else (i, i + channels // 2)
                turns[p, a, a] = turns[p, b, b] = math.cos(angle)
                turns[p, b, a], turns[p, a, b] = math.sin(angle), -math.sin(angle)
        return (turns * x[..., None, :]).sum(-1)


class _Rearranged(torch.nn.Module):
    """All axes parted into their pieces, put in another order, and joined."""

    def __init__(self, sizes: Sequence[int], ins: Sequence[Sequence[int]], outs: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.sizes, self.ins, self.outs = sizes, ins, outs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.movedim(1, -1)
        sizes = dict(enumerate(self.sizes))
        for axis, n in zip(self.ins, x.shape[1:], strict=True):
            for piece in axis:
                others = math.prod(sizes[i] for i in axis if i != piece)
                sizes[piece] = sizes[piece] if sizes[piece] > 0 else n // others
            if math.prod(sizes[piece] for piece in axis) != n:
                raise ValueError("shape mismatch")
        order = [piece for axis in self.ins for piece in axis]
        parted = x.reshape(len(x), *(sizes[piece] for piece in order))
        turned = parted.permute(0, *(1 + order.index(piece) for axis in self.outs for piece in axis))
        out = [math.prod(sizes[piece] for piece in axis) for axis in self.outs]
        return turned.reshape(len(x), *out).movedim(-1, 1)


WRITTEN_HERE: Mapping[str, Callable[..., Any]] = {
    "StochasticDepth": _StochasticDepth,
    "RotaryEmbedding": _RotaryEmbedding,
    "rearranged": _Rearranged,
    "sinusoidal": _sinusoidal,
    "relative_position_index": _relative_position_index,
}
"""What PyTorch does not have."""


def _run(calls: Sequence[Call], case: Case, device: str) -> tuple[tuple[Shape, ...], list[Any]]:
    """The shapes that come out of calls one after the other, and the modules and parameters that were made for them."""
    dtypes = [torch.long if i in case.type.indices else torch.float32 for i in range(len(case.inputs))]
    last = calls[0].layout == "last"
    with torch.device(device):
        sizes = [(BATCH, *(x if last else x.torch)) for x in case.inputs]
        tensors = [torch.zeros(each, dtype=dtype) for each, dtype in zip(sizes, dtypes, strict=True)]
        things = [made(call) for call in calls]
        tensors = all_called(calls, things, tensors)
    if isinstance(things[-1], TENSORS) and not case.args.get("batch"):
        tensors = [things[-1][None]]
    batches = calls[-1].batches or (0,) * len(tensors)
    sizes = [(*each.shape[:batch], *each.shape[batch + 1 :]) for each, batch in zip(tensors, batches, strict=True)]
    shapes = tuple(map(Shape if calls[-1].layout == "last" else Shape.of_torch, sizes))
    return shapes, [thing for thing in things if thing is not None]


def made(call: Call) -> Any:
    """The module or the free parameter of a call, if it needs one."""
    return _constructed(call) if call.target.startswith(("nn.", "torchvision.", "planner.")) else None


def all_called(calls: Sequence[Call], things: Sequence[Any], tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """What calls return one after the other, where `things` were made for them; all but the last are on the first."""
    for call, thing in zip(calls[:-1], things, strict=False):
        tensors = [*called(call, thing, tensors[:1]), *tensors[1:]]
    return called(calls[-1], things[-1], tensors)


def called(call: Call, thing: Any, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """What a call returns for its inputs, where `thing` is what was made for it."""
    read = tensors if call.reads is None else [tensors[i] for i in call.reads]
    read = [each.transpose(-2, -1) if i in call.turned else each for i, each in enumerate(read)]
    if call.widened:
        read = [each[(slice(None), *(None,) * more)] for each, more in zip(read, call.widened, strict=True)]
    if call.batched_at:
        read = [each.movedim(0, place) for each, place in zip(read, call.batched_at, strict=True)]
    home, _, name = call.target.rpartition(".")
    if isinstance(thing, TENSORS):
        return [thing]
    if call.batch_axes:
        return _for_each_place(call, thing, *read)
    result: Any
    if "uncounted" in call.args:
        result = _mean(thing, read[0], **{name: call.args.get(name, (0, 0)) for name in ("counted", "uncounted")})
    elif thing is not None:
        result = _of_module(call, thing, read)
    elif home == "operator":
        numbers = list(call.args.values())
        operands = [*numbers, *read] if call.reversed else [*read, *numbers]
        function = HOMES[home].__dict__[name]
        result = reduce(function, operands) if len(operands) > 1 else function(*operands)
    elif call.is_index:
        index: Any = call.args["index"]
        result = read[0][index]
    elif home == "Tensor":
        leading = [call.args[arg] for arg in call.positional]
        rest = {arg: value for arg, value in call.args.items() if arg not in call.positional}
        result = getattr(read[0], name)(*leading, **rest)
    else:
        result = _of_function(call, getattr(HOMES[home], name), read)
    if isinstance(result, tuple | list) and call.returns == ((),):
        return list(result)
    return [reduce(operator.getitem, path, result) for path in call.returns]


def _for_each_place(call: Call, thing: Any, x: torch.Tensor) -> list[torch.Tensor]:
    """What a call returns for each place of the axes before the module's own, which follow the channels."""
    places = x.shape[2 : 2 + call.batch_axes]
    alone = replace(call, batch_axes=0)
    found = []
    for at in np.ndindex(*places):
        (result,) = called(alone, thing, [x[(slice(None), slice(None), *at)]])
        found.append(result)
    together = torch.stack(found, 2)
    return [together.reshape(*together.shape[:2], *places, *together.shape[3:])]


def _of_function(call: Call, function: Any, read: list[torch.Tensor]) -> Any:
    """What a function returns for its inputs."""
    if call.pairwise:
        return reduce(function, read)
    first, named = _named(call, read)
    rest = {**{name: each for name, each in call.args.items() if name not in call.leading}, **named}
    if call.unbatched:  # for each sample by itself
        return torch.cat([function(x[None], *others, **rest) for x, *others in zip(*first, strict=True)])
    leading = [call.args[name] for name in call.leading]
    return function(read, **rest) if call.gathers else function(*leading, *first, **rest)


def _named(call: Call, read: list[torch.Tensor]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """The inputs that are given by their places, and those that are given by their names."""
    count = len(read) - len(call.named)
    return read[:count], dict(zip(call.named, read[count:], strict=True))


def _of_module(call: Call, module: Any, read: list[torch.Tensor]) -> Any:
    """What a module returns for its inputs, a mask among them, and what else its forward pass takes."""
    first, masks = _named(call, read)
    options: dict[str, Any] = {**call.forward, **masks}
    if call.causal:
        length = first[0].shape[-2]
        options[call.causal] = torch.nn.Transformer.generate_square_subsequent_mask(
            length, device=first[0].device, dtype=first[0].dtype
        )
    if call.tupled:
        return module(*first[: -call.tupled], tuple(first[-call.tupled :]), **options)
    if not call.in_rows:
        return module(*first, **options)
    batch = first[0].shape[:-2]
    for name in call.named:
        products = first[0].shape[-2], first[1].shape[-2]
        options[name] = options[name].expand(*batch, module.num_heads, *products).reshape(-1, *products)
    result = module(*(each.reshape(-1, *each.shape[-2:]) for each in first), **options)
    found = result[0] if isinstance(result, tuple) else result
    found = found.reshape(*batch, *found.shape[-2:])
    return (found, None) if isinstance(result, tuple) else found


def _mean(pool: Any, x: torch.Tensor, counted: Any, uncounted: Any) -> torch.Tensor:
    """The means that a pool takes of a tensor and the zeros around it that count."""
    cells = torch.nn.functional.pad(x, counted)
    ones = torch.nn.functional.pad(torch.ones_like(cells), uncounted)
    means: torch.Tensor = pool(torch.nn.functional.pad(cells, uncounted)) / pool(ones)
    return means


def _constructed(value: Any) -> Any:
    """A module where a call makes one, or a tensor to start from; other values as they are."""
    if not isinstance(value, Call):
        return value
    home, _, name = value.target.rpartition(".")
    make = WRITTEN_HERE.get(name) or getattr(HOMES[home], name)
    args = {key: each for key, each in value.args.items() if key not in ("counted", "uncounted")}
    return make(**{key: _constructed(each) for key, each in args.items()})
