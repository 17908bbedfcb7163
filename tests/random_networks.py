"""Random networks as parsed model files: small, valid by construction, and of every kind of geometry that there is.

A network grows layer by layer. Each layer is asked for its shapes as it is added, and one that does not fit its input is
drawn anew. Branches that meet are brought to one size first, as people do it: by a crop, an interpolation, a pad or an
adaptive pool to the other's size, and a 1×1 convolution to its channels.
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

Entry = dict[str, Any]
Drawn = tuple[str, Entry] | None
"""A layer's type and arguments; None where there is none of that kind for such an input."""

LARGEST = {1: 96, 2: 48, 3: 16}
"""The longest axis that is let grow, by the number of axes."""
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
    layers: tuple[int, int] = (3, 12),
    sizes: tuple[int, int] | None = None,
    channels: Sequence[int] = (1, 2, 3, 4, 6),
    inputs: int | None = None,
) -> dict[str, Any]:
    """A network of `layers` layers (at least, at most), not counting those that bring branches to one size.

    kinds     the names of the kinds of layers to draw from, among KINDS and MERGES; all where left out
    sizes     the shortest and the longest input axis
    channels  how many channels an input or a convolution may have
    """
    rank = rank or random.choice([1, 2, 2, 2, 2, 3])
    sizes = sizes or {1: (5, 60), 2: (5, 24), 3: (4, 9)}[rank]
    drawn_from = [kind for kind in kinds or (*KINDS, *MERGES) for _ in range(OFTEN.get(kind, 1))]
    grown = _Growing(random, rank, drawn_from, channels)
    for name in ["x", "y"][: inputs or random.choice([1, 1, 1, 2])]:
        grown.tensors.append(
            Tensor(name, Shape((*(random.randint(*sizes) for _ in range(rank)), random.choice(channels))))
        )
    first = tuple(grown.tensors)
    for _ in range(random.randint(*layers)):
        grown.grow()
    return grown.finished(first)


def networks(**options: Any) -> st.SearchStrategy[dict[str, Any]]:
    """The same as a Hypothesis strategy: what fails is shrunk to a smaller network."""
    return st.builds(lambda random: network(random, **options), st.randoms(use_true_random=False))


@dataclass
class _Growing:
    random: Random
    rank: int
    kinds: list[str]
    channels: Sequence[int]
    tensors: list[Tensor] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def grow(self) -> None:
        """Add a layer of a random kind, or nothing where ten kinds did not fit."""
        for _ in range(10):
            kind = self.random.choice(self.kinds)
            if kind in MERGES:
                if self.merged(kind):
                    return
            elif drawn := KINDS[kind](self.random, (x := self.recent()).shape, self.channels):
                if self.added(*drawn, x):
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
        longest = max((n for shape in facts.outputs for n in shape.spatial), default=1)
        if longest > LARGEST[self.rank] or max(shape.channels for shape in facts.outputs) > MOST_CHANNELS:
            return []
        name = f"{kind.lower()}_{len(self.entries)}"
        names = [each.name for each in sources]
        self.entries.append({"name": name, "type": kind, "from": names[0] if len(names) == 1 else names, **args})
        self.read.update(names)
        several = len(facts.outputs) > 1
        made = [Tensor(f"{name}.{i}" if several else name, shape) for i, shape in enumerate(facts.outputs)]
        self.tensors += made
        return made

    # Branches that meet

    def merged(self, kind: str) -> bool:
        """Whether two or three tensors could be brought together by the merge of this kind."""
        if len(self.tensors) < 2:
            return False
        branches = [self.recent()]
        for _ in range(self.random.choice([1, 1, 1, 2])):
            branches.append(self.random.choice([each for each in self.tensors if each != branches[0]]))
        if any(len(each.shape.spatial) != self.rank for each in branches):
            return False
        if kind == "gate":
            return self.gated(branches[0])
        like = branches[0]
        fitted: list[Tensor] = [like]
        for branch in branches[1:]:
            found = self.fitted(branch, like, self_channels=kind != "Concat")
            if found is None:
                return False
            fitted.append(found)
        return bool(self.added(kind, {}, *fitted))

    def fitted(self, x: Tensor, like: Tensor, *, self_channels: bool) -> Tensor | None:
        """A tensor brought to the spatial size of another one, and to its channels where they must agree."""
        if x.shape.spatial != like.shape.spatial:
            ways: list[tuple[str, Entry, tuple[Tensor, ...]]] = [
                ("CropLike", {}, (x, like)),
                ("CropLike", {}, (x, like)),
                ("PadLike", {}, (x, like)),
                ("Interpolate", {"mode": self.random.choice(["nearest", _linear(self.rank)])}, (x, like)),
                (f"AdaptiveAvgPool{self.rank}d", {"output_size": list(like.shape.spatial)}, (x,)),
                ("CenterCrop", {"size": list(like.shape.spatial)}, (x,)),
            ]
            self.random.shuffle(ways)
            made = next((made for kind, args, sources in ways if (made := self.added(kind, args, *sources))), None)
            if made is None:
                return None
            x = made[0]
        if self_channels and x.shape.channels != like.shape.channels:
            args = {"out_channels": like.shape.channels, "kernel_size": 1}
            made = self.added(f"Conv{self.rank}d", args, x)
            return made[0] if made else None
        return x

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


def _linear(rank: int) -> str:
    return {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]


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
    return args and (_of_rank("MaxPool", x), args)


def _avg_pool(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    args = _pool_args(random, x)
    if args is not None and len(x.spatial) == 1:  # takes lists of one number only
        args = {name: value[0] if isinstance(value, list) else value for name, value in args.items()}
    return args and (_of_rank("AvgPool", x), args)


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
    if random.randint(0, 1):
        args["ceil_mode"] = True
    return args


def _adaptive(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    rank = len(x.spatial)
    if not rank:
        return None
    sizes: int | list[int] = random.choice([1, 2, [random.randint(1, 9) for _ in range(rank)]])
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
    return _interpolation(random, x, {"scale_factor": factor})


def _downsample(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return _interpolation(random, x, {"scale_factor": random.choice([0.5, 0.5, 0.25])})


def _resize(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return _interpolation(random, x, {"size": [random.randint(1, min(2 * n, 20)) for n in x.spatial]})


def _interpolation(random: Random, x: Shape, args: Entry) -> Drawn:
    rank = len(x.spatial)
    if not rank:
        return None
    mode = random.choice(["nearest", "nearest-exact", "area", _linear(rank), _linear(rank)])
    args = {**args, "mode": mode}
    if mode == _linear(rank) and random.randint(0, 2) == 0:
        args["align_corners"] = True
    elif mode == "bilinear" and random.randint(0, 2) == 0:
        return "Interpolate", {**args, "antialias": True}
    return random.choice(["Interpolate", "Upsample"]), args


def _pixel_shuffle(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    if len(x.spatial) != 2:
        return None
    return random.choice([("PixelShuffle", {"upscale_factor": 2}), ("PixelUnshuffle", {"downscale_factor": 2})])


def _channel_shuffle(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return ("ChannelShuffle", {"groups": _divisor(random, x.channels)}) if x.spatial and x.channels > 1 else None


def _parts(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    dim = random.choice([1, 1, 1, random.randint(1, len(x))])
    n = x.torch[dim - 1]
    if n < 2:
        return None
    first = random.randint(1, n - 1)
    return random.choice(
        [
            ("Split", {"split_size": [first, n - first], "dim": dim}),
            ("Split", {"split_size": -(-n // 2), "dim": dim}),
            ("Chunk", {"chunks": random.randint(2, 3), "dim": dim}),
        ]
    )


def _pointwise(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    norm = _of_rank("BatchNorm", x) if x.spatial else "BatchNorm1d"
    return random.choice([(norm, {}), ("ReLU", {}), ("SiLU", {}), ("Dropout", {"p": 0.2}), ("Identity", {})])


def _transpose(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return ("Permute", {"dims": [0, 1, 3, 2]}) if len(x.spatial) == 2 else None


def _head(random: Random, x: Shape, channels: Sequence[int]) -> Drawn:
    return random.choice([("Flatten", {}), ("Linear", {"out_features": random.choice(channels)})])


KINDS: Mapping[str, Draw] = {
    "conv": _conv,
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
    "pointwise": _pointwise,
    "transpose": _transpose,
    "head": _head,
}
"""What draws each kind of layer, given the shape that it stands on."""

MERGES = ("Add", "Concat", "Multiply", "Subtract", "gate")
"""What brings branches together."""

OFTEN = {"conv": 5, "transposed conv": 2, "max pool": 2, "pad": 2, "Add": 2, "Concat": 2}
"""Kinds that are drawn so many times as often as others."""
