"""What PyTorch has no module or function for, as code that is written where it is needed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache

from planner.classes.expressions import OF_ONE, SIGNS, quoted
from planner.layers._call import Call

CENTRED = '''
def centred(x: Tensor, size: Sequence[int]) -> Tensor:
    """Crops x, or pads it with zeros, to a spatial size; an odd cell is at the end."""
    pad: list[int] = []
    for have, want in zip(reversed(x.shape[2:]), reversed(size)):
        before = int((want - have) / 2)
        pad += [before, want - have - before]
    return F.pad(x, pad)
'''

SINUSOIDAL = '''
def sinusoidal(length: int, channels: int) -> Tensor:
    """Positions: sines in even channels, cosines in odd ones (Vaswani et al., arXiv:1706.03762)."""
    exponents = torch.arange(0, channels, 2, dtype=torch.float64) / channels
    angles = torch.arange(length)[:, None] / 10_000**exponents
    pairs = torch.stack([angles.sin(), angles.cos()], dim=-1)
    return pairs.flatten(1)[:, :channels].float()
'''

RELATIVE_POSITION_INDEX = '''
def relative_position_index(*size: int) -> Tensor:
    """How far each query and each key of a square window lie apart, down and across, as one number (Swin)."""
    window = round(math.prod(size) ** 0.25)
    row = torch.arange(window)
    cells = (row[:, None] * (2 * window - 1) + row).flatten()
    return (cells[:, None] - cells + 2 * window * (window - 1)).reshape(size)
'''

TABLES = {"relative_position_index": RELATIVE_POSITION_INDEX, "sinusoidal": SINUSOIDAL}
"""Functions that make what a constant holds, where PyTorch has none, by their names."""

CAUSAL_MASK = '''
def causal_mask(x: Tensor) -> Tensor:
    """Hides from each position of (N, ..., L, C) those behind it."""
    mask = nn.Transformer.generate_square_subsequent_mask
    return mask(x.shape[-2], device=x.device, dtype=x.dtype)
'''

MOVEDIM = '''
class Movedim(nn.Module):
    """Puts one axis of a tensor elsewhere, as Tensor.movedim does."""

    def __init__(self, source: int, destination: int) -> None:
        super().__init__()
        self.source = source
        self.destination = destination

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(self.source, self.destination)
'''

STOCHASTIC_DEPTH = '''
class {name}(nn.Dropout):
    """Drops {what} in training with probability p (arXiv:1603.09382)."""

    def forward(self, input: Tensor) -> Tensor:
        kept = super().forward(input.new_ones({sizes}))
        return input * kept
'''


ROTARY = '''
class {name}(nn.Module):
    """Turns {pairs} of channels by their position (arXiv:2104.09864)."""

    def __init__(self, base: float = 10_000.0) -> None:
        super().__init__()
        self.base = base

    def forward(self, x: Tensor) -> Tensor:
        length, channels = x.shape[-2:]
        even = torch.arange(0, channels, 2, device=x.device, dtype=x.dtype)
        frequencies = self.base ** (-even / channels)
        angles = torch.arange(length, device=x.device)[:, None] * frequencies
        sin, cos = angles.sin(), angles.cos()
        a, b = {parted}
        turned = [a * cos - b * sin, a * sin + b * cos]
        return {joined}
'''


@cache
def written(function: Callable[..., object]) -> str:
    """The source of a function of the planner's own."""
    return f"\n{inspect.getsource(function)}"


def stochastic_depth(name: str, mode: str) -> str:
    """The module that drops whole samples, or the whole batch."""
    if mode == "row":
        sizes = "len(input), *[1] * (input.dim() - 1)"
        return STOCHASTIC_DEPTH.format(name=name, what="whole samples", sizes=sizes)
    return STOCHASTIC_DEPTH.format(name=name, what="the whole batch", sizes="[1] * input.dim()")


def rotary(name: str, interleaved: str) -> str:
    """The module that turns pairs of channels: neighbours, or those of the two halves."""
    if interleaved == "True":
        pairs, parted, joined = "pairs", "x[..., ::2], x[..., 1::2]", "torch.stack(turned, dim=-1).flatten(-2)"
    else:
        pairs, parted, joined = "both halves", "x.chunk(2, dim=-1)", "torch.cat(turned, dim=-1)"
    return ROTARY.format(name=name, pairs=pairs, parted=parted, joined=joined)


INSTEAD = {
    "torchvision.ops.StochasticDepth": (stochastic_depth, "mode"),
    "planner.RotaryEmbedding": (rotary, "interleaved"),
}
"""What is written for classes that PyTorch itself does not have, and the argument that decides between its versions."""

HOMES = frozenset({"nn", "F", "torch", "Tensor"})
"""Where the classes, functions and methods stand that are written as they are."""


def is_writable(call: Call) -> bool:
    """Whether a call is one of those that can be written."""
    if call.is_operator:
        return call.name in SIGNS or call.name in OF_ONE
    return call.home in HOMES or call.target in INSTEAD or bool(call.imports) or call.is_rearrangement


_CONVOLVED = """for n, k, s, d in zip(
            reversed(input.shape[2:]),
            reversed(self.kernel_size),
            reversed(self.stride),
            reversed(self.dilation),
        ):"""
_POOLED = """for axis in reversed(range(input.dim() - 2)):
            n = input.shape[axis + 2]
            sizes = self.kernel_size, self.stride or self.kernel_size{dilation}
            k, s{d} = (m if isinstance(m, int) else m[axis] for m in sizes)"""


def padded_same(name: str, base: str, holds: str) -> str:
    """A convolution or a pool with TensorFlow's padding, by what the padding holds."""
    pools = "Pool" in base
    extent, each, padded = "d * (k - 1) + 1", _CONVOLVED, _padded_by(holds)
    if pools:
        dilated = base.startswith("nn.Max")
        extent = extent if dilated else "k"
        each = _POOLED.format(dilation=", self.dilation" if dilated else "", d=", d" if dilated else "")
    return f'''
class {name}({base}):
    """Pads as TensorFlow does, to ceil(size / stride); an odd cell is at the end.{_COUNTS.get(holds, "")}"""

    def forward(self, input: Tensor) -> Tensor:
        pad: list[int] = []
        {each}
            total = max((math.ceil(n / s) - 1) * s + {extent} - n, 0)
            pad += [total // 2, total - total // 2]
        return {padded.replace("PAD", "pad")}
'''


_COUNTS = {"uncounted": " A mean leaves padding out."}


def _padded_by(holds: str) -> str:
    """The forward pass of a module on its padded input; the sides are called PAD."""
    if holds == "uncounted":
        ones = "F.pad(torch.ones_like(input), PAD)"
        return f"super().forward(F.pad(input, PAD)) / super().forward({ones})"
    number = holds.lstrip("-").replace(".", "").isdecimal() or holds == "-inf"
    how = "" if holds == "constant" else f", value=float({quoted(holds)})" if number else f", mode={quoted(holds)}"
    return f"super().forward(F.pad(input, PAD{how}))"


def uncounted(name: str, base: str) -> str:
    """A pool that takes means of what is not padding, with its own padding for each side."""
    return f'''
class {name}({base}):
    """Takes means of cells that count, of which padding at each side is none: left, right, top, bottom, ..."""

    def __init__(
        self,
        *sizes: int,
        counted: Sequence[int] = (),
        uncounted: Sequence[int],
        **options: Any,
    ) -> None:
        super().__init__(*sizes, **options)
        self.counted = counted
        self.uncounted = uncounted

    def forward(self, input: Tensor) -> Tensor:
        input = F.pad(input, self.counted) if self.counted else input
        return {_padded_by("uncounted").replace("PAD", "self.uncounted")}
'''


def channels_first(name: str, base: str, module: str) -> str:
    """A module that works on the last axis, for tensors with the channels second."""
    return f'''
class {name}({base}):
    """{module} over the channels of (N, C, ...)."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)
'''


def in_rows(name: str, base: str) -> str:
    """A module for sequences that are rows of something: axes before a sequence go into the batch and back."""
    if base == "nn.MultiheadAttention":
        return f'''
class {name}({base}):
    """Attends along L of (N, ..., L, C); a mask is (..., L, S), or (..., num_heads, L, S)."""

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        attn_mask: Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None]:
        batch = query.shape[:-2]
        if attn_mask is not None and not options.get("is_causal"):
            sizes = (*batch, self.num_heads, query.shape[-2], key.shape[-2])
            attn_mask = attn_mask.expand(sizes).flatten(0, -3)
        rows = [x.flatten(0, -3) for x in (query, key, value)]
        out, weights = super().forward(*rows, attn_mask=attn_mask, **options)
        return out.unflatten(0, batch), weights
'''
    if base in ("nn.RNN", "nn.LSTM", "nn.GRU"):
        return f'''
class {name}({base}):
    """Goes along L of (N, ..., L, C); the last states are those of all rows."""

    def forward(self, input: Tensor) -> tuple[Tensor, Any]:
        out, states = super().forward(input.flatten(0, -3))
        return out.unflatten(0, input.shape[:-2]), states
'''
    return f'''
class {name}({base}):
    """Works along L of (N, ..., L, C)."""

    def forward(self, *sequences: Tensor, **options: Any) -> Tensor:
        rows = [x.flatten(0, -3) for x in sequences]
        return super().forward(*rows, **options).unflatten(0, sequences[0].shape[:-2])
'''


def folded(name: str, base: str, rank: int) -> str:
    """A module for its own axes, of so many; those before them go into the batch and back."""
    axes = ", ".join(("D", "H", "W")[-rank:] if rank > 1 else ("L",))
    return f'''
class {name}({base}):
    """Works on each ({axes}) of (N, C, ..., {axes}) by itself."""

    def forward(self, input: Tensor) -> Tensor:
        samples = input.movedim(1, {-rank - 1})
        out = super().forward(samples.flatten(0, {-rank - 2}))
        return out.unflatten(0, samples.shape[:{-rank - 1}]).movedim({-rank - 1}, 1)
'''


def wrapped(name: str, base: str, code: str, about: str, attributes: Mapping[str, str]) -> str:
    """A module of one call; a function may have numbers to keep for it, each of some type."""
    kept = ""
    if attributes:
        arguments = ", ".join(f"{each}: {kind}" for each, kind in attributes.items())
        kept = f"\n    def __init__(self, {arguments}) -> None:\n        super().__init__()\n"
        kept += "".join(f"        self.{each} = {each}\n" for each in attributes)
    return f'''
class {name}({base}):
    """{about}"""
{kept}
    def forward(self, x: Tensor) -> Tensor:
        return {code}
'''


def padded(name: str, base: str, holds: str) -> str:
    """A convolution or a pool with its own padding for each side, by what the padding holds."""
    return f'''
class {name}({base}):
    """Pads each side by a number of its own: left, right, top, bottom, ..."""

    def __init__(self, *sizes: int, pad: Sequence[int], **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.pad = pad

    def forward(self, input: Tensor) -> Tensor:
        return {_padded_by(holds).replace("PAD", "self.pad")}
'''


def init_weights(kinds: list[str]) -> str:
    """The initialization of layers that have a matrix or kernel and perhaps a bias."""
    wanted = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
    if len(wanted) > 50:
        wanted = "(\n" + "".join(f"            {kind},\n" for kind in kinds) + "        )"
        wanted = f"\n        module,\n        {wanted},\n    "
    else:
        wanted = f"module, {wanted}"
    return f'''
def init_weights(module: nn.Module) -> None:
    """Initializes for ReLU (He et al., arXiv:1502.01852); biases begin at zero."""
    if isinstance({wanted}):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
'''
