"""Random networks as parsed model files: small, valid by construction, and of every kind of geometry that there is.

A network grows layer by layer. Each layer is asked for its shapes as it is added, and one that does not fit its input
is drawn anew. Branches that meet are brought to one size first, as people do it: by a crop, an interpolation, a pad or
an adaptive pool to the other's size, and a 1×1 convolution to its channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.layers import all_layers
from planner.plan import Plan
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load

Entry = dict[str, Any]
Drawn = tuple[str, Entry] | None
"""A layer's type and arguments; None where there is none of that kind for such an input."""

LONGEST = {1: 96, 2: 48, 3: 16}
"""The longest axis that is let grow, by the number of axes, unless the input's is more than half of it."""
MOST_CHANNELS = 24


@dataclass(frozen=True)
class Tensor:
    """One tensor of a network in the making: its name in the file and its shape."""

    name: str
    shape: Shape


def network(
    random: Random,
    *,
    kinds: Iterable[str] | None = None,
    rank: int | None = None,
    layers: int | None = None,
    sizes: tuple[int, int] | None = None,
    channels: Sequence[int] = (1, 2, 3, 4, 6),
    inputs: int | None = None,
) -> dict[str, Any]:
    """A network of so many layers, not counting those that bring branches to one size.

    kinds     the names of the kinds of layers to draw from, among ALL; all where left out
    sizes     the shortest and the longest input axis
    channels  how many channels an input or a convolution may have
    """
    layers = layers or random.randint(3, 12)
    rank = rank or random.choice([1, 2, 2, 2, 2, 3])
    sizes = sizes or {1: (5, 60), 2: (5, 24), 3: (4, 9)}[rank]
    drawn_from = [kind for kind in kinds or ALL for _ in range(OFTEN.get(kind, 1))]
    grown = _Growing(random, rank, drawn_from, channels, longest=max(LONGEST[rank], 2 * sizes[1]))
    for name in ["x", "y"][: inputs or random.choice([1, 1, 1, 2])]:
        grown.tensors.append(
            Tensor(name, Shape((*(random.randint(*sizes) for _ in range(rank)), random.choice(channels))))
        )
    first = tuple(grown.tensors)
    for _ in range(layers):
        grown.grow()
    return grown.finished(first)


def networks(*, layers: tuple[int, int] = (3, 12), **options: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Networks of so many layers, at least and at most, as a strategy: one that fails is cut short while it does."""

    def grown(seed: int, layers: int) -> dict[str, Any]:
        return network(Random(seed), layers=layers, **options)

    return st.builds(grown, st.integers(0, 1 << 32), st.integers(*layers))


def planned(mapping: Mapping[str, Any]) -> Plan:
    """The plan of a model file, which must be complete; nothing is judged."""
    model = load(of_mapping(mapping))
    plan = propagate(model)
    assert plan.complete, [*model.diagnostics, *plan.diagnostics]
    return plan


@dataclass
class _Growing:
    random: Random
    rank: int
    kinds: list[str]
    channels: Sequence[int]
    longest: int
    tensors: list[Tensor] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def grow(self) -> None:
        """Add a layer of a random kind, or nothing where ten kinds did not fit."""
        for _ in range(10):
            kind, x = self.random.choice(self.kinds), self.recent()
            if kind in MERGES:
                fits = self.merged(kind, x)
            elif kind == "head":
                fits = self.headed(x)
            else:
                drawn = KINDS[kind](self.random, x.shape, self.channels)
                fits = drawn is not None and bool(self.added(*drawn, x))
            if fits:
                return

    def recent(self) -> Tensor:
        """A tensor to go on from: mostly the last one, often one that nothing reads yet."""
        unread = [each for each in self.tensors if each.name not in self.read]
        return self.random.choice([self.tensors[-1], self.tensors[-1], *unread[-3:], self.random.choice(self.tensors)])

    def added(self, kind: str, args: Entry, *sources: Tensor) -> list[Tensor]:
        """Add a layer, and give its outputs; nothing is added where it does not fit."""
        try:
            facts = all_layers()[kind](**args).facts(*(each.shape for each in sources))
        except Fault:
            return []
        length = max((n for shape in facts.outputs for n in shape.spatial), default=1)
        if length > self.longest or max(shape.channels for shape in facts.outputs) > MOST_CHANNELS:
            return []
        name = f"{kind.lower()}_{len(self.entries)}"
        names = [each.name for each in sources]
        self.entries.append({"name": name, "type": kind, "from": names[0] if len(names) == 1 else names, **args})
        self.read.update(names)
        several = len(facts.outputs) > 1
        made = [Tensor(f"{name}.{i}" if several else name, shape) for i, shape in enumerate(facts.outputs)]
        self.tensors += made
        return made

    def headed(self, x: Tensor) -> bool:
        """A dense layer on all of a tensor."""
        flat = self.added("Flatten", {}, x)
        return bool(flat and self.added("Linear", {"out_features": self.random.choice(self.channels)}, *flat))

    # Branches that meet

    def merged(self, kind: str, like: Tensor) -> bool:
        """Whether one or two tensors could be brought together with this one by the merge of this kind."""
        others = [each for each in self.tensors if each != like and len(each.shape.spatial) == self.rank]
        if not others or len(like.shape.spatial) != self.rank:
            return False
        if kind == "gate":
            return self.gated(like)
        if kind == "SetSlice":
            return self.written(self.random.choice(others), like)
        fitted = [like]
        for _ in range(self.random.choice([1, 1, 1, 2])):
            found = self.fitted(self.random.choice(others), like, channels=kind != "Concat")
            if found is None:
                return False
            fitted.append(found)
        return bool(self.added(kind, {}, *fitted))

    def fitted(self, x: Tensor, like: Tensor, *, channels: bool) -> Tensor | None:
        """A tensor brought to the spatial size of another one, and to its channels where they must agree."""
        if x.shape.spatial != like.shape.spatial:
            ways: list[tuple[str, Entry, tuple[Tensor, ...]]] = [
                ("CropLike", {}, (x, like)),
                ("CropLike", {}, (x, like)),
                ("PadLike", {}, (x, like)),
                ("Interpolate", {"mode": _mode(self.random, x.shape, like.shape.spatial)}, (x, like)),
                (f"AdaptiveAvgPool{self.rank}d", {"output_size": list(like.shape.spatial)}, (x,)),
                ("CenterCrop", {"size": list(like.shape.spatial)}, (x,)),
            ]
            self.random.shuffle(ways)
            made = next((made for kind, args, sources in ways if (made := self.added(kind, args, *sources))), None)
            if made is None:
                return None
            x = made[0]
        if channels and x.shape.channels != like.shape.channels:
            args = {"out_channels": like.shape.channels, "kernel_size": 1}
            made = self.added(f"Conv{self.rank}d", args, x)
            return made[0] if made else None
        return x

    def written(self, x: Tensor, over: Tensor) -> bool:
        """A part of a tensor written over the same part of another one."""
        made = self.fitted(x, over, channels=True)
        dim = self.random.randint(1, self.rank + 1)
        start, end, step = (
            self.random.choice([0, 1, -3, None]),
            self.random.choice([-1, 5, None]),
            self.random.randint(1, 2),
        )
        cut: Entry = {"dim": dim, "step": step} if start is None else {"dim": dim, "start": start, "step": step}
        part = self.added("Slice", cut if end is None else {**cut, "stop": end}, made) if made else []
        return bool(part and self.added("SetSlice", cut if end is None else {**cut, "end": end}, over, *part))

    def gated(self, x: Tensor) -> bool:
        """Squeeze and excitation: a gate for each channel, worked out from the whole image (arXiv:1709.01507)."""
        pooled = self.added(f"AdaptiveAvgPool{self.rank}d", {"output_size": 1}, x)
        gate = self.added(f"Conv{self.rank}d", {"out_channels": x.shape.channels, "kernel_size": 1}, *pooled)
        return bool(self.added("Multiply", {}, x, *gate))

    # The file

    def finished(self, inputs: tuple[Tensor, ...]) -> dict[str, Any]:
        """The model file. Of the tensors that nothing reads, the last and a few more are outputs."""
        if not self.entries:
            self.added("Identity", {}, self.tensors[0])
        ends = [each.name for each in self.tensors if each.name not in self.read and each not in inputs]
        outputs = [each for each in ends[:-1] if self.random.randint(0, 2) == 0][-2:] + ends[-1:]
        shapes = {each.name: list(each.shape) for each in inputs}
        return {"name": "random", "input": shapes, "layers": self.entries, "outputs": outputs}


# Layers of one source

Draw = Callable[[Random, Shape, Sequence[int]], Drawn]


def _of_rank(name: str, x: Shape) -> str:
    return f"{name}{len(x.spatial)}d"


def _per_axis(random: Random, rank: int, choices: Sequence[int]) -> int | list[int]:
    """One number for all axes, or one for each."""
    return random.choice(choices) if random.randint(0, 2) else [random.choice(choices) for _ in range(rank)]


def _listed(value: int | list[int], rank: int) -> list[int]:
    return value if isinstance(value, list) else [value] * rank


def _divisor(random: Random, *numbers: int) -> int:
    return random.choice([d for d in range(1, min(numbers) + 1) if all(n % d == 0 for n in numbers)])


def _conv(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    rank = len(x.spatial)
    if not rank:
        return None
    args: Entry = {"kernel_size": _per_axis(random, rank, (1, 2, 3, 3, 3, 4, 5))}
    if random.randint(0, 1):
        args["stride"] = _per_axis(random, rank, (1, 2, 2, 3, 4))
    if random.randint(0, 3) == 0:
        args["dilation"] = _per_axis(random, rank, (1, 2, 3))
    args |= random.choice([_no_padding, _some_padding, _some_padding, _one_sided, _named_padding])(random, rank)
    if "padding" in args and random.randint(0, 3) == 0:
        args["padding_mode"] = random.choice(["reflect", "replicate", "circular"])
    groups = random.choice([1, 1, 1, _divisor(random, x.channels), x.channels])
    if groups == x.channels and groups > 1 and random.randint(0, 1):
        return _of_rank("Conv", x), {**args, "groups": "depthwise"}
    width = random.choice(channels)
    return _of_rank("Conv", x), {**args, "groups": groups, "out_channels": width + -width % groups}


def _grouped_conv(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    """One that reads every cell."""
    if not x.spatial:
        return None
    groups = _divisor(random, x.channels)
    width = random.choice(channels)
    kernel = random.choice([1, 3])
    args = {"out_channels": width + -width % groups, "kernel_size": kernel, "padding": kernel // 2}
    return _of_rank("Conv", x), {**args, "groups": groups}


def _no_padding(random: Random, rank: int) -> Entry:
    return {}


def _some_padding(random: Random, rank: int) -> Entry:
    return {"padding": _per_axis(random, rank, (0, 1, 1, 2, 3))}


def _one_sided(random: Random, rank: int) -> Entry:
    return {"padding": [[random.randint(0, 2), random.randint(0, 2)] for _ in range(rank)]}


def _named_padding(random: Random, rank: int) -> Entry:
    return {"padding": random.choice(["same", "tf_same", "tf_same"])}


def _transposed(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    rank = len(x.spatial)
    if not rank:
        return None
    stride = _per_axis(random, rank, (1, 2, 2, 3))
    extra = [random.randint(0, most - 1) for most in _listed(stride, rank)]
    groups = random.choice([1, 1, _divisor(random, x.channels)])
    width = random.choice(channels)
    return _of_rank("ConvTranspose", x), {
        "out_channels": width + -width % groups,
        "kernel_size": _per_axis(random, rank, (1, 2, 2, 3, 4, 5)),
        "stride": stride,
        "padding": _per_axis(random, rank, (0, 0, 1, 2)),
        "output_padding": random.choice([0, extra]),
        "dilation": random.choice([1, 1, 2]),
        "groups": groups,
    }


def _max_pool(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    args = _pool_args(random, x)
    if args is not None and random.randint(0, 4) == 0:
        args["dilation"] = 2
    return (_of_rank("MaxPool", x), args) if args else None


def _avg_pool(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    args = _pool_args(random, x)
    if args is None:
        return None
    if random.randint(0, 3) == 0:
        args.pop("ceil_mode", None)
        args["kernel_size"] = args["kernel_size"] if len(x.spatial) > 1 else _listed(args["kernel_size"], 1)[0]
        return _of_rank("LPPool", x), {**args, "norm_type": random.choice([1, 2, 3])}
    if random.randint(0, 2) == 0:
        args["count_include_pad"] = False
    if random.randint(0, 4) == 0 and len(x.spatial) > 1:
        args["divisor_override"] = random.choice([1, 3, -2])
    return _of_rank("AvgPool", x), args


def _pool_args(random: Random, x: Shape) -> Entry | None:
    rank = len(x.spatial)
    if not rank:
        return None
    kernel = _per_axis(random, rank, (1, 2, 2, 3, 3, 4))
    args: Entry = {"kernel_size": kernel}
    if random.randint(0, 2):
        args["stride"] = _per_axis(random, rank, (1, 2, 2, 3, 4))
    if random.randint(0, 1):
        args["padding"] = [random.randint(0, k // 2) for k in _listed(kernel, rank)]
    elif random.randint(0, 1):
        args |= random.choice([_one_sided, _named_padding])(random, rank)
    if random.randint(0, 1):
        args["ceil_mode"] = True
    return args


def _adaptive(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    rank = len(x.spatial)
    if not rank:
        return None
    sizes = random.choice([1, 2, 0]) or [random.randint(1, 9) for _ in range(rank)]
    return _of_rank(random.choice(["AdaptiveAvgPool", "AdaptiveMaxPool"]), x), {"output_size": sizes}


def _pad(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    rank = len(x.spatial)
    if not rank:
        return None
    kind = random.choice(["ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad"])
    least = -2 if kind in ("ZeroPad", "ConstantPad") else random.choice([0, -1])
    sides = [random.randint(least, 3) for _ in range(2 * rank)]
    args: Entry = {"padding": random.choice([sides, max(sides)])}
    return _of_rank(kind, x), {**args, "value": 0.5} if kind == "ConstantPad" else args


def _crop(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    if not x.spatial:
        return None
    if random.randint(0, 1):
        return "CenterCrop", {"size": [random.randint(-(-n // 2), n) for n in x.spatial]}
    return "Crop", {"amount": [[random.randint(0, 2), random.randint(0, 2)] for _ in x.spatial]}


def _slice(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    if not x.spatial:
        return None
    dim = random.randint(2, len(x))
    args: Entry = {"dim": random.choice([dim, dim - len(x) - 1]), "start": random.choice([0, 1, 2, -7])}
    if random.randint(0, 1):
        args["stop"] = random.choice([-1, -2, 5, 9])
    return "Slice", {**args, "step": random.choice([1, 1, 2, 3])}


def _channel_slice(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    start = random.randint(0, x.channels - 1)
    return "Slice", {"dim": 1, "start": start, "stop": random.randint(start + 1, x.channels)}


def _upsample(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    factor = random.choice([2, 2, 3, 1.5, 2.5, [random.choice([1, 2, 3]) for _ in x.spatial]])
    return _interpolation(random, x, {"scale_factor": factor}, _mode(random, x))


def _downsample(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return _interpolation(random, x, {"scale_factor": random.choice([0.5, 0.5, 0.25])}, _mode(random, x))


def _resize(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    size = [random.randint(1, min(2 * n, 20)) for n in x.spatial]
    return _interpolation(random, x, {"size": size}, _mode(random, x, size))


def _mode(random: Random, x: Shape, size: Sequence[int] = ()) -> str:
    """A mode of interpolation. By uneven sizes, rounding in single precision decides which cell is the nearest."""
    even = all(n % m == 0 or m % n == 0 for n, m in zip(x.spatial, size, strict=False))
    modes = ["nearest", "nearest-exact"] if even else []
    return random.choice([*modes, "area", _linear(len(x.spatial)), _linear(len(x.spatial))])


def _linear(rank: int) -> str:
    return {1: "linear", 2: "bilinear", 3: "trilinear"}.get(rank, "")


def _interpolation(random: Random, x: Shape, args: Entry, mode: str) -> Drawn:
    if not x.spatial:
        return None
    args = {**args, "mode": mode}
    if mode == _linear(len(x.spatial)) and random.randint(0, 2) == 0:
        args["align_corners"] = True
    elif mode == "bilinear" and random.randint(0, 2) == 0:
        return "Interpolate", {**args, "antialias": True}
    return random.choice(["Interpolate", "Upsample"]), args


def _pixel_shuffle(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    if len(x.spatial) != 2:
        return None
    kind, name = random.choice([("PixelShuffle", "upscale_factor"), ("PixelUnshuffle", "downscale_factor")])
    return kind, {name: 2}


def _channel_shuffle(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return ("ChannelShuffle", {"groups": _divisor(random, x.channels)}) if x.spatial and x.channels > 1 else None


def _parts(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return _cut(random, x, random.randint(1, len(x)))


def _channel_parts(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return _cut(random, x, 1)


def _cut(random: Random, x: Shape, dim: int) -> Drawn:
    n = x.torch[dim - 1]
    if n < 2:
        return None
    first = random.randint(1, n - 1)
    cuts: list[tuple[str, Entry]] = [
        ("Split", {"split_size": [first, n - first]}),
        ("Split", {"split_size": -(-n // 2)}),
        ("Chunk", {"chunks": random.randint(2, 3)}),
    ]
    kind, args = random.choice(cuts)
    return kind, {**args, "dim": dim}


def _pointwise(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    norm = _of_rank("BatchNorm", x) if x.spatial else "BatchNorm1d"
    return random.choice([(norm, {}), ("ReLU", {}), ("SiLU", {}), ("Dropout", {"p": 0.2}), ("Identity", {})])


def _transpose(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return ("Permute", {"dims": [0, 1, 3, 2]}) if len(x.spatial) == 2 else None


def _turned(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    """Cells that go round, or an axis the other way round."""
    dim = random.randint(1, len(x))
    if random.randint(0, 1):
        return "Roll", {"shifts": random.choice([1, -1, 2, -3]), "dims": random.choice([dim, dim - len(x) - 1])}
    return "Flip", {"dims": [dim]}


def _rearranged(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    """Axes parted in two where a small number divides them, and joined to as many others."""
    left: list[list[str]] = []
    sizes: dict[str, int] = {}
    for axis, n in enumerate(x):
        parts = [size for size in (2, 3) if n % size == 0]
        part = random.choice([None, *parts])
        left.append([f"a{axis}"] if part is None else [f"a{axis}", f"b{axis}"])
        sizes |= {} if part is None else {f"b{axis}": part}
    names = [name for axis in left for name in axis]
    right: list[list[str]] = [[] for _ in left]
    for name in random.sample(names, len(names)):
        right[random.randrange(len(right))].append(name)
    sides = (" ".join(f"({' '.join(axis)})" for axis in axes) for axes in (left, right))
    return "Rearrange", {"pattern": " -> ".join(sides), **sizes}


def _repeated(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    if not x.spatial:
        return None
    dim = random.randint(2, len(x))
    if random.randint(0, 1):
        return "RepeatInterleave", {"repeats": 2, "dim": dim}
    return "Tile", {"dims": [2 if each == dim else 1 for each in range(len(x) + 1)]}


def _picked(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    dim = random.randint(1, len(x))
    n = x.torch[dim - 1]
    return "IndexSelect", {"dim": dim, "index": [random.randrange(min(n, 8)) for _ in range(random.randint(2, 9))]}


def _linear_layer(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return "Linear", {"out_features": random.choice(channels)}


KINDS: Mapping[str, Draw] = {
    "conv": _conv,
    "grouped conv": _grouped_conv,
    "transposed conv": _transposed,
    "max pool": _max_pool,
    "avg pool": _avg_pool,
    "adaptive pool": _adaptive,
    "pad": _pad,
    "crop": _crop,
    "slice": _slice,
    "channel slice": _channel_slice,
    "upsample": _upsample,
    "downsample": _downsample,
    "resize": _resize,
    "pixel shuffle": _pixel_shuffle,
    "channel shuffle": _channel_shuffle,
    "parts": _parts,
    "channel parts": _channel_parts,
    "pointwise": _pointwise,
    "transpose": _transpose,
    "turned": _turned,
    "rearranged": _rearranged,
    "repeated": _repeated,
    "picked": _picked,
    "linear": _linear_layer,
}
"""What draws each kind of layer, given the shape that it stands on."""

MERGES = ("Add", "Concat", "Multiply", "SetSlice", "Subtract", "gate")
"""What brings branches together."""

ALL = (*KINDS, *MERGES, "head")
"""The names of all kinds."""

OFTEN = {"conv": 5, "transposed conv": 2, "max pool": 2, "pad": 2, "Add": 2, "Concat": 2}
"""Kinds that are drawn so many times as often as others."""
