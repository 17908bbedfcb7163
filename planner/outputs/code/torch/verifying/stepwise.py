"""A plan run step by step with PyTorch: every step by the calls that its layer means.

Of the code that is written for the plan it knows nothing, so that the two can be compared. Between steps a tensor has
its batch first and its channels second, (N, C, …), and its axes are moved around calls that have the channels last.
Steps and calls are those of a request; this folder's `__init__` says how they are written.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from importlib import import_module
from typing import Any

BATCH = 2
"""Samples in every input: more than one, so that code that mixes samples up is found out."""
HOMES = {"nn": "torch.nn", "torch": "torch", "F": "torch.nn.functional", "operator": "operator"}
IDLE = frozenset({"torchvision.ops.StochasticDepth"})
"""Layers that PyTorch does not have, and that return their input in evaluation."""


FREE = frozenset({"nn.Parameter", "nn.Buffer"})
"""Tensors by themselves."""


class StepError(Exception):
    """A step that PyTorch cannot run: its number, and what PyTorch says."""

    def __init__(self, step: int, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.step = step


class Stepwise:
    """The steps of a plan with their modules and weights, which are those of `state`, or none on the meta device."""

    def __init__(self, steps: Sequence[Mapping[str, Any]], state: Mapping[str, Any] | None) -> None:
        self.steps = steps
        self.things = [[_thing(call, step["owner"], state) for call in step["calls"]] for step in steps]
        self.last_read = {source[0]: i for i, step in enumerate(steps) for source in step["sources"]}

    def run(self, inputs: Sequence[Any], kept: frozenset[int] = frozenset()) -> Iterator[list[Any]]:
        """The outputs of each step in turn. Those that are not `kept` are let go of when they are read for the last
        time.
        """
        torch = import_module("torch")
        values: list[list[Any]] = []
        for i, step in enumerate(self.steps):
            torch.default_generator.manual_seed(0)
            try:
                values.append(self._outputs(i, step, values, inputs))
            except Exception as error:
                raise StepError(i, error) from error
            yield values[i]
            for at in {source[0] for source in step["sources"]}:
                if self.last_read[at] == i and at not in kept:
                    values[at] = []

    def _outputs(
        self, i: int, step: Mapping[str, Any], values: Sequence[Sequence[Any]], inputs: Sequence[Any]
    ) -> list[Any]:
        if step["input"] is not None:
            return [inputs[step["input"]]]
        calls = step["calls"]
        tensors = [values[at][output] for at, output in step["sources"]]
        if calls[0]["layout"] == "last":
            tensors = [tensor.movedim(1, -1) for tensor in tensors]
        for call, thing in zip(calls[:-1], self.things[i], strict=False):
            tensors = [*called(call, thing, tensors[:1]), *tensors[1:]]
        tensors = called(calls[-1], self.things[i][-1], tensors)
        if calls[-1]["target"] in FREE:
            tensors = [_for_every_sample(tensors[0], len(step["shapes"][0]))]
        batches = calls[-1]["batches"] or [0] * len(tensors)
        tensors = [tensor.movedim(axis, 0) for tensor, axis in zip(tensors, batches, strict=False)]
        if calls[-1]["layout"] == "last":
            tensors = [tensor.movedim(-1, 1) for tensor in tensors]
        return tensors


def called(call: Mapping[str, Any], thing: Any, tensors: Sequence[Any]) -> list[Any]:
    """What a call returns for its inputs, where `thing` is what was made for it; the inputs stay as they are."""
    read = tensors if call["reads"] is None else [tensors[i] for i in call["reads"]]
    read = [tensor.transpose(-2, -1) if i in call["turned"] else tensor for i, tensor in enumerate(read)]
    widened = zip(read, call["widened"] or [0] * len(read), strict=True)
    read = [tensor[(slice(None), *[None] * more)] if more else tensor for tensor, more in widened]
    read = [tensor.movedim(0, at) for tensor, at in zip(read, call["batched_at"] or [0] * len(read), strict=True)]
    args = {name: _value(each) for name, each in call["args"].items()}
    if args.get("inplace"):
        read = [tensor.clone() for tensor in read]
    result = _result(call, args, thing, read) if not call["batch_axes"] else _folded(call, args, thing, *read)
    if isinstance(result, tuple | list) and call["returns"] == [[]]:
        return list(result)
    return [reduce(operator.getitem, path, result) for path in call["returns"]]


def _folded(call: Mapping[str, Any], args: Mapping[str, Any], thing: Any, x: Any) -> Any:
    """What a module returns for a tensor of which the axes before the module's own go into the batch and back."""
    last = call["batch_axes"]
    samples = x.movedim(1, last + 1)
    result = _result(call, args, thing, [samples.flatten(0, last)])
    return result.unflatten(0, samples.shape[: last + 1]).movedim(last + 1, 1)


def _result(call: Mapping[str, Any], args: Mapping[str, Any], thing: Any, read: Sequence[Any]) -> Any:
    home, _, name = call["target"].rpartition(".")
    if call["target"] in FREE:
        return thing if thing.dim() else thing.reshape(1)
    if "uncounted" in args:
        return _mean(thing, read[0], args.get("counted", ()), args["uncounted"])
    if thing is not None:
        return _of_module(call, thing, read)
    if call["target"] in IDLE:
        return read[0]
    if call["target"] == "planner.RotaryEmbedding":
        return _turned(read[0], **args)
    if call["target"] == "planner.rearranged":
        return _rearranged(read[0], **args)
    if home == "operator":
        operands = [*args.values(), *read] if call["reversed"] else [*read, *args.values()]
        return reduce(getattr(operator, name), operands) if len(operands) > 1 else getattr(operator, name)(*operands)
    if name == "__getitem__":
        return read[0][args["index"]]
    first = [args[arg] for arg in call["positional"] if arg in args]
    args = {arg: value for arg, value in args.items() if arg not in call["positional"]}
    if home == "Tensor":
        return getattr(read[0], name)(*first, *read[1:], **args)
    return _of_function(call, args, first, read)


def _of_function(call: Mapping[str, Any], args: dict[str, Any], first: Sequence[Any], read: Sequence[Any]) -> Any:
    """What a function returns, given arguments by their places and by their names."""
    home, _, name = call["target"].rpartition(".")
    function = getattr(import_module(HOMES[home]), name)
    if call["unbatched"]:
        function = import_module("torch").vmap(function)
    if call["pairwise"]:
        return reduce(function, read)
    if call["gathers"]:
        return function(read, *first, **args)
    leading = [args.pop(name) for name in call["leading"]]
    count = len(read) - len(call["named"])
    return function(*leading, *read[:count], *first, **args, **dict(zip(call["named"], read[count:], strict=True)))


def _of_module(call: Mapping[str, Any], module: Any, read: Sequence[Any]) -> Any:
    """What a module returns; where it takes rows, axes before these go into the batch and back."""
    count, batch = len(read) - len(call["named"]), read[0].shape[:-2]
    options = {name: _value(each) for name, each in call["forward"].items()}
    options |= dict(zip(call["named"], read[count:], strict=True))
    read = read[:count]
    if call["tupled"]:
        read = [*read[: -call["tupled"]], tuple(read[-call["tupled"] :])]
    if call["causal"]:
        length = read[0].shape[-2]
        options[call["causal"]] = read[0].new_full((length, length), -float("inf")).triu(1)
    if not call["in_rows"]:
        return module(*read, **options)
    for name in call["named"]:
        sizes = (*batch, module.num_heads, read[0].shape[-2], read[1].shape[-2])
        options[name] = options[name].expand(sizes).flatten(0, -3)
    result = module(*[tensor.flatten(0, -3) for tensor in read], **options)
    return [result[0].unflatten(0, batch)] if isinstance(result, tuple) else result.unflatten(0, batch)


def _mean(pool: Any, x: Any, counted: tuple[int, ...], uncounted: tuple[int, ...]) -> Any:
    """The means that a pool takes of a tensor and the zeros around it that count."""
    torch = import_module("torch")
    pad = torch.nn.functional.pad
    x = pad(x, counted) if counted else x
    return pool(pad(x, uncounted)) / pool(pad(torch.ones_like(x), uncounted))


def _thing(call: Mapping[str, Any], step: str, state: Mapping[str, Any] | None) -> Any:
    """The module or the free parameter of a call, if it needs one."""
    if not call["target"].startswith("nn."):
        return None
    if call["target"] == "nn.Parameter" and state is not None:
        return state[step]
    if call["target"] == "nn.Buffer" and state is not None:
        return state[step] if step in state else _as_a_buffer(_made(call))
    with import_module("torch").device("meta"):
        made = _made(call)
    if call["target"] in FREE:
        return made
    if state is not None:
        own = {name: state[f"{step}.{name}"] for name in made.state_dict()}
        made.load_state_dict(own, assign=True)
    return made.eval()


def _made(call: Mapping[str, Any]) -> Any:
    home, _, name = call["target"].rpartition(".")
    args = {key: _value(each) for key, each in call["args"].items() if key not in ("counted", "uncounted")}
    if call["target"] in TABLES:
        return TABLES[call["target"]](**args)
    return getattr(import_module(HOMES[home]), name)(**args)


def _as_a_buffer(tensor: Any) -> Any:
    """A constant as a module has it whose numbers are all in double precision."""
    return tensor.double() if tensor.is_floating_point() else tensor


def _turned(x: Any, interleaved: bool, base: float = 10_000.0) -> Any:
    """Pairs of channels turned by their position, as complex numbers are (arXiv:2104.09864)."""
    torch = import_module("torch")
    length, channels = x.shape[-2:]
    pairs = x.unflatten(-1, (-1, 2) if interleaved else (2, -1))
    pairs = pairs if interleaved else pairs.transpose(-2, -1)
    place, pair = (torch.arange(n, device=x.device, dtype=x.dtype) for n in (length, channels // 2))
    angles = place[:, None] * base ** (-2 * pair / channels)
    turned = torch.view_as_complex(pairs.contiguous()) * torch.polar(torch.ones_like(angles), angles)
    found = torch.view_as_real(turned)
    return (found if interleaved else found.transpose(-2, -1)).flatten(-2)


def _rearranged(x: Any, sizes: Sequence[int], ins: Sequence[Sequence[int]], outs: Sequence[Sequence[int]]) -> Any:
    """Axes parted into pieces and joined in another way, of a tensor with its channels second."""
    known = dict(enumerate(sizes))
    for pieces, n in zip(ins, (*x.shape[2:], x.shape[1]), strict=True):
        for piece in pieces:
            others = math.prod(known[each] for each in pieces if each != piece)
            known[piece] = n // others if known[piece] < 0 else known[piece]
    order = [piece for pieces in ins for piece in pieces]
    parted = x.movedim(1, -1).reshape(len(x), *(known[piece] for piece in order))
    turned = parted.permute(0, *(1 + order.index(piece) for pieces in outs for piece in pieces))
    return turned.reshape(len(x), *(math.prod(known[piece] for piece in pieces) for pieces in outs)).movedim(-1, 1)


def _sinusoidal(length: int, channels: int) -> Any:
    """The table of positions of arXiv:1706.03762, as the layer's page has it."""
    torch = import_module("torch")
    position, channel = torch.arange(length)[:, None], torch.arange(channels)
    angles = position / 10_000 ** ((channel - channel % 2).double() / channels)
    return torch.where(channel % 2 == 0, angles.sin(), angles.cos()).float()


def _relative_position_index(size: Sequence[int]) -> Any:
    """How far two cells of a window lie apart, as arXiv:2103.14030 numbers it, query by query and key by key."""
    window = next(w for w in range(1, math.prod(size) + 1) if w**4 == math.prod(size))
    cells = [divmod(i, window) for i in range(window * window)]
    found = [(y - v + window - 1) * (2 * window - 1) + x - u + window - 1 for y, x in cells for v, u in cells]
    return import_module("torch").tensor(found).reshape(tuple(size))


TABLES: Mapping[str, Callable[..., Any]] = {
    "planner.sinusoidal": _sinusoidal,
    "planner.relative_position_index": _relative_position_index,
}
"""What makes the contents of a constant, where PyTorch has no function for it."""


def _value(written: Any) -> Any:
    """An argument of a call as PyTorch takes it."""
    if isinstance(written, list):
        return tuple(map(_value, written))
    if isinstance(written, dict):
        return slice(*written["slice"]) if "slice" in written else _made(written)
    return written


def _for_every_sample(tensor: Any, axes: int) -> Any:
    """A free parameter, which may have an axis for the batch, as what it is for every sample."""
    tensor = tensor if tensor.dim() > axes else tensor[None]
    return tensor.expand(BATCH, *tensor.shape[1:])
