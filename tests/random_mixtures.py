"""Random flat models that mix layers on the last axis with layers on any other: maps, sequences, vectors and volumes.

PyTorch's Linear, LayerNorm, attention and recurrent layers want the channels last, its convolutions want them second,
and a `dim` may mean any axis: where these stand side by side, emitted code moves axes. A model grows tensor by tensor;
each layer is asked for its shapes as it is added, and one that does not fit is drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.layers import all_layers
from planner.layers._layer import Layer
from random_networks import KINDS as WINDOWED
from random_networks import Drawn, Entry

CHANNELS = (1, 2, 3, 4, 4, 6, 8, 8, 12)
LENGTHS: Mapping[int, tuple[int, int]] = {0: (1, 1), 1: (2, 8), 2: (1, 6), 3: (1, 4)}
"""The shortest and the longest axis of an input, by the number of its axes."""
LONGEST = 40
"""The longest axis that is let grow."""
MOST_CHANNELS = 48
MOST_ELEMENTS = 1500
MOST_AXES = 4


@dataclass(frozen=True)
class Tensor:
    """One tensor of a model in the making: its name in the file and its shape, and whether it holds places in another
    tensor, which are whole numbers.
    """

    name: str
    shape: Shape
    places: bool = False


def model(random: Random) -> dict[str, Any]:
    """A model file of a few inputs, 3 to 14 layers and a few outputs; one in five is a chain."""
    mixing = _Mixing(random, numbered=random.random() < 0.25, chain=random.random() < 0.2)
    for name in (
        ["x"] if mixing.chain else random.choice([["x"], ["x"], ["x"], ["input"], ["x", "y"], ["left", "right", "0in"]])
    ):
        mixing.inputs.append(Tensor(name, _shape(random)))
    mixing.tensors += mixing.inputs
    if random.random() < 0.1 and not mixing.chain:
        mixing.tokens()
    for _ in range(random.randint(3, 14)):
        mixing.grow()
    return mixing.finished()


def _shape(random: Random) -> Shape:
    rank = random.choice([0, 1, 1, 1, 2, 2, 2, 3])
    return Shape((*(random.randint(*LENGTHS[rank]) for _ in range(rank)), random.choice(CHANNELS)))


@dataclass
class _Mixing:
    random: Random
    numbered: bool
    chain: bool
    inputs: list[Tensor] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    above: str = ""
    position: int = 0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # Growing

    def grow(self) -> None:
        """Add a layer of a random kind, or nothing where twenty kinds did not fit."""
        for _ in range(20):
            x = self.recent()
            if x.places:
                fits = self.added(*self.random.choice(MOVES)(self.random, x.shape), x)
            elif self.chance(0.3) and not self.chain:
                fits = self.random.choice(MEETINGS)(self, x)
            else:
                drawn = self.random.choice(SINGLES)(self.random, x.shape)
                fits = drawn is not None and self.added(*drawn, x)
            if fits:
                return

    def recent(self) -> Tensor:
        """A tensor to go on from: mostly the last one, often one that nothing reads yet."""
        if self.chain:
            return self.tensors[-1]
        unread = [each for each in self.tensors if each.name not in self.read and (not each.places or self.chance(0.3))]
        return self.random.choice([self.tensors[-1], self.tensors[-1], *unread[-3:], self.random.choice(self.tensors)])

    def tokens(self) -> None:
        """A further input of whole numbers, which a table turns into vectors."""
        numbers = Tensor("tokens", Shape((self.random.randint(1, 6),)))
        self.inputs.append(numbers)
        self.added("Embedding", {"num_embeddings": 9, "embedding_dim": self.random.choice(CHANNELS)}, numbers)

    def added(self, kind: str, args: Entry, *sources: Tensor) -> bool:
        """Add a layer; nothing is added, and false given, where it does not fit."""
        layer = all_layers()[kind](**args)
        try:
            facts = layer.facts(*(each.shape for each in sources))
        except Fault:
            return False
        if not all(map(_small, facts.outputs)) or (self.chain and len(facts.outputs) > 1 and not layer.extras):
            return False
        copies = self.random.choice([1, 2, 3]) if self.repeats(facts.outputs, sources) else None
        name = self.named(kind)
        self.entries.append({**self.heading(name, sources), "type": kind, **args})
        if copies is not None:
            self.entries[-1]["repeat"] = copies
        self.read.update(each.name for each in sources)
        self.position += copies or 1
        self.above = str(self.position - 1) if self.numbered else name
        places = 0 in layer.places or any(each.places for each in sources)
        self.tensors += self.made(layer, name, facts.outputs, places, copies or 1)
        return True

    def made(self, layer: Layer, name: str, outputs: tuple[Shape, ...], places: bool, copies: int) -> list[Tensor]:
        """The outputs of a layer by their names, the one that a bare name means last."""
        parts = [Tensor(f"{name}.{i}", shape, places) for i, shape in enumerate(outputs)]
        if len(outputs) > 1 and not layer.extras:
            return parts
        main = Tensor(self.above if len(outputs) == 1 or self.chance(0.7) else parts[0].name, outputs[0], places)
        extras = [Tensor(each.name, each.shape, places or i in layer.places) for i, each in enumerate(parts) if i]
        if copies > 1 and self.chance(0.5):
            extras.append(Tensor(name if self.numbered else f"{name}.0", outputs[0], places))
        return [*extras, main]

    def repeats(self, outputs: tuple[Shape, ...], sources: tuple[Tensor, ...]) -> bool:
        """Whether the layer is written with a `repeat`: only one that hands on what it takes."""
        return len(outputs) == len(sources) == 1 and outputs[0] == sources[0].shape and self.chance(0.12)

    def named(self, kind: str) -> str:
        return str(self.position) if self.numbered else f"{kind.lower()}_{len(self.entries)}"

    def heading(self, name: str, sources: tuple[Tensor, ...]) -> Entry:
        """An entry's name, and what it reads, which is left out now and then where it is the layer above."""
        found: Entry = {} if self.numbered else {"name": name}
        names = [each.name for each in sources]
        if names and not self.chain and not (names == [self.above] and self.chance(0.7)):
            found["from"] = names[0] if len(names) == 1 and self.chance(0.9) else names
        return found

    # Tensors that meet

    def others(self, x: Tensor, fits: Callable[[Shape], bool]) -> list[Tensor]:
        """Tensors to bring together with this one, and it itself."""
        return [each for each in self.tensors if not each.places and fits(each.shape)]

    def partner(self, x: Tensor) -> Tensor | None:
        """A tensor made of this one, of the same shape."""
        same: list[tuple[str, Entry]] = [
            ("Linear", {"out_features": x.shape.channels}),
            ("LayerNorm", {}),
            ("Softmax", {"dim": _dim(self.random, x.shape)}),
            ("Tanh", {}),
        ]
        kind, args = self.random.choice(same)
        return self.tensors[-1] if self.added(kind, args, x) and self.tensors[-1].shape == x.shape else None

    def parameter(self, shape: Shape) -> Tensor | None:
        """A tensor of its own, trained or constant."""
        if self.chance(0.3):
            fill = {"fill": self.random.choice(["ones", 0.5, "linspace"])}
            return self.tensors[-1] if self.added("Constant", {"shape": list(shape), **fill}) else None
        args: Entry = {"shape": list(shape), "init": self.random.choice(["normal", "ones", 0.5])}
        args |= {name: True for name in ("batch", "channels_last") if self.chance(0.4)}
        return self.tensors[-1] if self.added("Parameter", args) else None

    # The file

    def finished(self) -> dict[str, Any]:
        """The model file. Most tensors that nothing reads are outputs, and now and then one that is read."""
        if not self.entries:
            self.added("Identity", {}, self.tensors[0])
        made = [each.name for each in self.tensors if each not in self.inputs]
        ends = [self.above] if self.chain else [name for name in made if name not in self.read]
        outputs = self.random.sample(ends, min(len(ends), self.random.randint(1, 3))) or [self.above]
        if self.chance(0.2) and not self.chain:
            outputs.append(self.random.choice(made))
        file: dict[str, Any] = {"name": "mixture", "input": self.shapes(), "layers": self.entries}
        if outputs != [self.above] or self.chance(0.3):
            file["outputs"] = outputs if len(outputs) > 1 or self.chance(0.5) else outputs[0]
        if self.chance(0.3):
            _without_needless_names(file)
        return file

    def shapes(self) -> Any:
        if len(self.inputs) == 1 and self.inputs[0].name == "input":
            return list(self.inputs[0].shape)
        return {each.name: list(each.shape) for each in self.inputs}


def _without_needless_names(file: dict[str, Any]) -> None:
    """Take the names away from layers that none of the others mentions."""
    said = [
        *_listed(file.get("outputs", [])),
        *(name for entry in file["layers"] for name in _listed(entry.get("from"))),
    ]
    mentioned = {part for name in said for part in (name, name.rpartition(".")[0])}
    if mentioned & {entry.get("name") for entry in file["layers"]}:
        for entry in file["layers"]:
            if entry.get("name") not in mentioned:
                entry.pop("name", None)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _small(shape: Shape) -> bool:
    return (
        shape.elements <= MOST_ELEMENTS
        and len(shape.spatial) <= MOST_AXES
        and shape.channels <= MOST_CHANNELS
        and max(shape) <= LONGEST
    )


# Layers of one source

Draw = Callable[[Random, Shape], Drawn]


def _dim(random: Random, x: Shape, least: int = 1) -> int:
    """PyTorch's `dim` for some axis, counted from either end."""
    dim = random.randint(least, len(x))
    return random.choice([dim, dim, dim - len(x) - 1])


def _size(x: Shape, dim: int) -> int:
    return x.torch[dim - 1] if dim > 0 else x.torch[dim]


def _divisors(n: int) -> list[int]:
    return [each for each in range(1, n + 1) if n % each == 0]


def _rank(name: str, x: Shape) -> str:
    return f"{name}{len(x.spatial)}d"


def _has_windows(x: Shape) -> bool:
    return 1 <= len(x.spatial) <= 3


def _some(random: Random, **options: Any) -> Entry:
    """Some of these arguments."""
    return {name: value for name, value in options.items() if random.random() < 0.35}


def _windowed(kind: str) -> Draw:
    """A kind of the networks of windows."""

    def drawn(random: Random, x: Shape) -> Drawn:
        return WINDOWED[kind](random, x, CHANNELS) if _has_windows(x) else None

    return drawn


def _linear(random: Random, x: Shape) -> Drawn:
    return "Linear", {"out_features": random.choice(CHANNELS), **_some(random, bias=False, in_features=x.channels)}


def _trailing_norm(random: Random, x: Shape) -> Drawn:
    kind = random.choice(["LayerNorm", "LayerNorm", "RMSNorm"])
    count = random.choice([0, 0, 1, random.randint(1, len(x))])
    sizes: Entry = {"normalized_shape": list(x[-count:])} if count else {}
    if count == 1 and random.random() < 0.5:
        sizes = {"normalized_shape": x.channels}
    return kind, {**sizes, **_some(random, eps=0.01, elementwise_affine=False)}


def _attention(random: Random, x: Shape) -> Drawn:
    if not x.spatial:
        return None
    return "MultiheadAttention", {**_heads(random, x), **_some(random, is_causal=True)}


def _heads(random: Random, x: Shape) -> Entry:
    heads = random.choice(_divisors(x.channels))
    return {"num_heads": heads, **_some(random, bias=False, add_bias_kv=True, add_zero_attn=True)}


def _encoder(random: Random, x: Shape) -> Drawn:
    if not x.spatial:
        return None
    heads = random.choice(_divisors(x.channels))
    args = {"nhead": heads, "dim_feedforward": 5, **_some(random, norm_first=True, activation="gelu", is_causal=True)}
    if random.random() < 0.5:
        return "TransformerEncoderLayer", args
    return "TransformerEncoder", {**args, "num_layers": random.choice([1, 2]), **_some(random, norm=True)}


def _recurrent(random: Random, x: Shape) -> Drawn:
    kind = random.choice(["LSTM", "GRU", "RNN"])
    args = _some(random, bidirectional=True, num_layers=2, bias=False)
    if kind == "LSTM" and random.random() < 0.2:
        args["proj_size"] = 2
    return (kind, {"hidden_size": random.choice([3, 4, 5]), **args}) if len(x.spatial) == 1 else None


def _weighing(random: Random, x: Shape) -> Drawn:
    if len(x.spatial) == 2 and random.random() < 0.1:
        return "Softmax2d", {}
    args: Entry = {} if random.random() < 0.2 else {"dim": _dim(random, x)}
    return random.choice(["Softmax", "LogSoftmax", "Softmin"]), args


def _gated(random: Random, x: Shape) -> Drawn:
    even = [dim for dim in range(1, len(x) + 1) if x.torch[dim - 1] % 2 == 0]
    if not even:
        return None
    dim = random.choice(even)
    return "GLU", {} if dim == len(x) and random.random() < 0.5 else {"dim": random.choice([dim, dim - len(x) - 1])}


def _norm(random: Random, x: Shape) -> Drawn:
    rank = len(x.spatial)
    groups = [each for each in _divisors(x.channels) if each < x.elements]  # PyTorch refuses groups of one value
    if rank > 3 or not groups:
        return None
    kinds: list[tuple[str, Entry]] = [
        (f"BatchNorm{rank or 1}d", _some(random, affine=False, num_features=x.channels)),
        ("GroupNorm", {"num_groups": random.choice(groups), **_some(random, affine=False)}),
        (f"InstanceNorm{rank or 1}d", _some(random, affine=True, track_running_stats=True)),
        ("LocalResponseNorm", {"size": random.choice([1, 2, 3]), "alpha": 0.5}),
    ]
    if x.elements > x.channels:  # of one value there are no statistics, and a sample may be alone
        kinds.append((f"BatchNorm{rank or 1}d", {"track_running_stats": False}))
    return random.choice(kinds)


def _activation(random: Random, x: Shape) -> Drawn:
    kinds = ["ReLU", "ReLU", "GELU", "SiLU", "Sigmoid", "Tanh", "LeakyReLU", "Hardswish", "ELU", "Softplus", "Identity"]
    kind = random.choice(kinds)
    return kind, {"inplace": True} if kind == "ReLU" and random.random() < 0.2 else {}


def _sloped(random: Random, x: Shape) -> Drawn:
    return "PReLU", random.choice([{}, {"num_parameters": x.channels}, {"num_parameters": x.channels, "init": 0.5}])


def _dropout(random: Random, x: Shape) -> Drawn:
    kinds = ["Dropout", "AlphaDropout", "FeatureAlphaDropout"]
    kinds += [_rank("Dropout", x)] if _has_windows(x) else []
    return random.choice(kinds), _some(random, p=0.3)


def _reduced(random: Random, x: Shape) -> Drawn:
    dims = random.sample(range(1, len(x) + 1), random.randint(1, len(x)))
    counted = [random.choice([dim, dim - len(x) - 1]) for dim in dims]
    dim = counted[0] if len(counted) == 1 and random.random() < 0.6 else counted
    kind, args = random.choice([("Mean", {}), ("Mean", {}), *REDUCTIONS])
    return kind, {**args, "dim": dim, **({"keepdim": True} if random.random() < 0.4 else {})}


REDUCTIONS: tuple[tuple[str, Entry], ...] = (
    ("Sum", {}),
    ("Max", {}),
    ("Min", {}),
    ("Var", {"correction": 0}),
    ("Norm", {}),
    ("Norm", {"p": 1}),
    ("LogSumExp", {}),
)


def _place(random: Random, x: Shape) -> Drawn:
    return random.choice(["ArgMax", "ArgMin"]), {"dim": _dim(random, x), **_some(random, keepdim=True)}


def _function(random: Random, x: Shape) -> Drawn:
    """A function of each value, or of those along an axis."""
    dim = {"dim": _dim(random, x)}
    return random.choice([*FUNCTIONS, ("Cumsum", dim), ("Normalize", random.choice([{}, dim, {**dim, "p": 1}]))])


FUNCTIONS: tuple[tuple[str, Entry], ...] = (
    *((kind, {}) for kind in ("Abs", "Neg", "Square", "Sin", "Cos", "Atan", "Erf")),
    ("Clamp", {"min": -1, "max": 1}),
    ("Clamp", {"max": 0.5}),
)


def _with_number(random: Random, x: Shape) -> Drawn:
    """A tensor and a number."""
    kind = random.choice(["Add", "Subtract", "Multiply", "Divide", "Power", "Maximum", "Minimum"])
    turned: Entry = {"reversed": True} if kind == "Subtract" and random.random() < 0.5 else {}
    return kind, {"other": 2 if kind == "Power" else random.choice([2, -1, 0.5]), **turned}


def _flatten(random: Random, x: Shape) -> Drawn:
    start = random.choice([1, 1, random.randint(1, len(x))])
    end = random.randint(start, len(x))
    args: Entry = (
        {"start_dim": random.choice([start, start - len(x) - 1])} if start > 1 or random.random() < 0.2 else {}
    )
    if end < len(x) or random.random() < 0.2:
        args["end_dim"] = random.choice([end, end - len(x) - 1])
    return "Flatten", args


def _unflatten(random: Random, x: Shape) -> Drawn:
    dim = _dim(random, x)
    return "Unflatten", {"dim": dim, "unflattened_size": _factors(random, _size(x, dim))}


def _reshape(random: Random, x: Shape) -> Drawn:
    return "Reshape", {"shape": _factors(random, x.elements)}


def _one_of(random: Random, drawn: list[tuple[str, Entry]]) -> tuple[str, Entry]:
    return random.choice(drawn)


def _factors(random: Random, total: int) -> list[int]:
    """Sizes that multiply to the total, one of them perhaps left open."""
    sizes: list[int] = []
    for _ in range(random.randint(0, 2)):
        sizes.append(random.choice([each for each in _divisors(total) if each <= 12]))
        total //= sizes[-1]
    sizes.append(random.choice([total, total, -1]))
    random.shuffle(sizes)
    return sizes


def _permute(random: Random, x: Shape) -> tuple[str, Entry]:
    order = list(range(1, len(x) + 1))
    random.shuffle(order)
    return "Permute", {"dims": [0, *(random.choice([dim, dim, dim - len(x) - 1]) for dim in order)]}


def _turned(random: Random, x: Shape) -> tuple[str, Entry]:
    """Cells that go round, an axis the other way round, two axes in each other's place, or some cells."""
    dim, other = _dim(random, x), _dim(random, x)
    n = _size(x, dim)
    return _one_of(
        random,
        [
            ("Roll", {"shifts": random.randint(-3, 3), "dims": dim}),
            ("Roll", {"shifts": [1, -2], "dims": [dim, other]}),
            ("Flip", {"dims": [dim]}),
            ("Transpose", {"dim0": dim, "dim1": other}),
            ("IndexSelect", {"dim": dim, "index": [random.randrange(n) for _ in range(random.randint(1, 5))]}),
        ],
    )


def _single(random: Random, x: Shape) -> Drawn:
    """An axis of one cell that comes, goes, or is repeated."""
    single = [dim for dim in range(1, len(x) + 1) if x.torch[dim - 1] == 1]
    if not single:
        return "Unsqueeze", {"dim": random.choice([random.randint(1, len(x) + 1), -1])}
    dim = random.choice(single)
    size = [-1, *(random.choice([1, 3]) if n == 1 else random.choice([-1, n]) for n in x.torch)]
    return _one_of(random, [("Squeeze", {"dim": dim}), ("Squeeze", {"dim": single}), ("Expand", {"size": size})])


def _repeated(random: Random, x: Shape) -> Drawn:
    dim = _dim(random, x)
    times = [1, *(random.choice([1, 2]) for _ in x)]
    return _one_of(random, [("Tile", {"dims": times}), ("RepeatInterleave", {"repeats": 2, "dim": dim})])


def _largest(random: Random, x: Shape) -> Drawn:
    dim = _dim(random, x)
    args: Entry = {"k": random.randint(1, _size(x, dim)), "dim": dim}
    return "TopK", {**args, **_some(random, largest=False)}


def _slice(random: Random, x: Shape) -> tuple[str, Entry]:
    dim = _dim(random, x)
    n = _size(x, dim)
    start = random.randint(0, n - 1)
    args: Entry = {"dim": dim, "start": random.choice([start, start - n])} if random.random() < 0.8 else {"dim": dim}
    return "Slice", {**args, **_some(random, stop=random.choice([start + 1, n, -1]), step=random.choice([1, 2]))}


def _select(random: Random, x: Shape) -> Drawn:
    dim = _dim(random, x)
    n = _size(x, dim)
    return "Select", {"dim": dim, "index": random.randint(-n, n - 1)}


def _parts(random: Random, x: Shape) -> Drawn:
    dim = random.choice([1, _dim(random, x)])
    n = _size(x, dim)
    first = random.randint(1, n)
    kinds: list[tuple[str, Entry]] = [
        ("Split", {"split_size": [first, n - first] if first < n else [n]}),
        ("Split", {"split_size": first}),
        ("Chunk", {"chunks": random.choice([1, 2, 2, 3])}),
    ]
    kind, args = random.choice(kinds)
    return kind, args if dim == 1 and random.random() < 0.5 else {**args, "dim": dim}


def _places(random: Random, x: Shape) -> Drawn:
    """A pool that says where it found each maximum."""
    if not _has_windows(x):
        return None
    if random.random() < 0.3:
        return _rank("AdaptiveMaxPool", x), {"output_size": random.choice([1, 2]), "return_indices": True}
    return _rank("MaxPool", x), {"kernel_size": random.choice([1, 2]), "return_indices": True}


def _blocks(random: Random, x: Shape) -> Drawn:
    """Windows of an image as a sequence."""
    args = _some(random, stride=2, padding=1, dilation=[1, 2])
    return ("Unfold", {"kernel_size": random.choice([1, 2, [2, 1]]), **args}) if len(x.spatial) == 2 else None


def _folded(random: Random, x: Shape) -> Drawn:
    """A sequence as windows of an image."""
    if len(x.spatial) != 1:
        return None
    rows, columns = random.choice([(1, 1), (2, 2), (1, 2)])
    down = random.choice(_divisors(x[0]))
    size = [down + rows - 1, x[0] // down + columns - 1]
    kernel = rows if rows == columns else [rows, columns]
    return ("Fold", {"output_size": size, "kernel_size": kernel}) if x.channels % (rows * columns) == 0 else None


SINGLES: tuple[Draw, ...] = (
    *(_linear,) * 3,
    *(_trailing_norm,) * 3,
    *(_attention,) * 4,
    *(_encoder,) * 3,
    *(_recurrent,) * 5,
    *(_weighing,) * 3,
    *(_gated,) * 2,
    *(_norm,) * 3,
    *(_activation,) * 3,
    _sloped,
    _dropout,
    *(_reduced,) * 3,
    _place,
    *(_function,) * 3,
    *(_with_number,) * 3,
    *(_flatten,) * 3,
    *(_unflatten,) * 2,
    *(_reshape,) * 2,
    *(_permute,) * 3,
    *(_slice,) * 2,
    *(_turned,) * 4,
    *(_single,) * 3,
    _repeated,
    _largest,
    _select,
    *(_parts,) * 4,
    *(_places,) * 2,
    *(_blocks,) * 2,
    *(_folded,) * 2,
    *(_windowed("conv"),) * 4,
    _windowed("transposed conv"),
    _windowed("max pool"),
    _windowed("avg pool"),
    _windowed("adaptive pool"),
    _windowed("pad"),
    _windowed("crop"),
    _windowed("upsample"),
    _windowed("resize"),
    *(_windowed("pixel shuffle"),) * 2,
    *(_windowed("channel shuffle"),) * 2,
    *(_windowed("rearranged"),) * 4,
)
"""What draws a layer of one source, given its shape; each as often as it is drawn."""

MOVES: tuple[Callable[[Random, Shape], tuple[str, Entry]], ...] = (_permute, _slice, _turned)
"""What may be done to whole numbers that are places in another tensor."""


# Layers of several sources

Meeting = Callable[[_Mixing, Tensor], bool]


ALIKE = ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Where")


def _cell_by_cell(mixing: _Mixing, x: Tensor) -> bool:
    """An operator on tensors of one shape, perhaps on one and itself."""
    others = mixing.others(x, lambda shape: shape == x.shape)
    partner = mixing.partner(x) if len(others) == 1 and mixing.chance(0.8) else None
    count = mixing.random.choice([1, 1, 1, 2])
    chosen = [mixing.random.choice([*others, *([partner] * 3 if partner else [])]) for _ in range(count)]
    return mixing.added(mixing.random.choice(ALIKE), {}, *_shuffled(mixing, [x, *chosen]))


def _shuffled(mixing: _Mixing, tensors: list[Tensor]) -> list[Tensor]:
    return mixing.random.sample(tensors, len(tensors)) if mixing.chance(0.4) else tensors


def _scaled(mixing: _Mixing, x: Tensor) -> bool:
    """A tensor and a trained one, of which some axes are repeated."""
    sizes = [n if mixing.chance(0.5) else 1 for n in x.shape]
    weight = mixing.parameter(Shape(sizes))
    kind = mixing.random.choice(["Add", "Multiply", "Subtract"])
    args = {} if kind == "Multiply" or sizes == list(x.shape) else {"broadcast": True}
    return weight is not None and mixing.added(kind, args, *_shuffled(mixing, [x, weight]))


def _gate(mixing: _Mixing, x: Tensor) -> bool:
    """A tensor, and its own mean along some axes."""
    dims = mixing.random.sample(range(1, len(x.shape) + 1), mixing.random.randint(1, len(x.shape)))
    if not mixing.added("Mean", {"dim": dims, "keepdim": True}, x):
        return False
    kind, args = mixing.random.choice([("Multiply", {}), ("Subtract", {"broadcast": True})])
    return mixing.added(kind, args, *_shuffled(mixing, [x, mixing.tensors[-1]]))


def _joined(mixing: _Mixing, x: Tensor) -> bool:
    """Tensors one after the other along some axis, or beside each other along a new one."""
    if mixing.chance(0.25):
        dim = mixing.random.randint(1, len(x.shape) + 1)
        others = mixing.others(x, lambda shape: shape == x.shape)
        args = {"dim": mixing.random.choice([dim, dim - len(x.shape) - 2])}
        return mixing.added("Stack", args, x, *_few(mixing, others))
    dim = _dim(mixing.random, x.shape)
    axis = (dim - 2) % len(x.shape) if dim > 0 else (dim - 1) % len(x.shape)
    rest = (*x.shape[:axis], *x.shape[axis + 1 :])
    others = mixing.others(x, lambda s: len(s) == len(x.shape) and (*s[:axis], *s[axis + 1 :]) == rest)
    args = {} if dim == 1 and mixing.chance(0.7) else {"dim": dim}
    return mixing.added("Concat", args, *_shuffled(mixing, [x, *_few(mixing, others)]))


def _few(mixing: _Mixing, others: list[Tensor]) -> list[Tensor]:
    return [mixing.random.choice(others) for _ in range(mixing.random.choice([0, 1, 1, 1, 2]))]


def _token(mixing: _Mixing, x: Tensor) -> bool:
    """A trained tensor in front of another one along an axis."""
    axis = mixing.random.randrange(len(x.shape))
    token = mixing.parameter(Shape((*x.shape[:axis], mixing.random.choice([1, 2]), *x.shape[axis + 1 :])))
    dim = 1 if axis == len(x.shape) - 1 else axis + 2
    return token is not None and mixing.added("Concat", {"dim": dim}, *_shuffled(mixing, [token, x]))


def _matrices(mixing: _Mixing, x: Tensor) -> bool:
    """A product of matrices: by another one that fits, by itself, or by itself with the last two axes exchanged."""
    rank = len(x.shape)
    if rank < 2:
        return False
    if mixing.chance(0.5):
        columns = mixing.others(x, lambda shape: len(shape) == rank and shape.channels == x.shape.channels)
        return mixing.added("MatMul", {"transpose_b": True}, x, mixing.random.choice(columns))
    rows = mixing.others(x, lambda shape: len(shape) == rank and shape[-2] == x.shape.channels)
    if not rows and mixing.added("Permute", {"dims": [0, rank, *range(2, rank), 1]}, x):
        rows = [mixing.tensors[-1]]
    return bool(rows) and mixing.added("MatMul", {}, x, mixing.random.choice(rows))


def _summed(mixing: _Mixing, x: Tensor) -> bool:
    """Einstein's sum over some axes of a tensor and of one that has an axis in common, or of itself."""
    letters = "cdefgh"[: len(x.shape)]
    other = mixing.random.choice(mixing.others(x, lambda shape: shape.channels in x.shape.torch))
    at = x.shape.torch.index(other.shape.channels)
    second = letters[at] + "ijklm"[: len(other.shape.spatial)]
    kept = [*dict.fromkeys(letters + second)]
    mixing.random.shuffle(kept)
    kept = kept[: mixing.random.randint(1, min(len(kept), MOST_AXES))]
    return mixing.added("Einsum", {"equation": f"b{letters},b{second}->b{''.join(kept)}"}, x, other)


def _picked(mixing: _Mixing, x: Tensor) -> bool:
    """A tensor at the places of its largest values, or of those of another one."""
    dim = _dim(mixing.random, x.shape)
    others = mixing.others(x, lambda shape: shape == x.shape)
    if not mixing.added("TopK", {"k": 1, "dim": dim}, mixing.random.choice(others)):
        return False
    return mixing.added("Gather", {"dim": dim}, x, next(each for each in reversed(mixing.tensors) if each.places))


def _written_over(mixing: _Mixing, x: Tensor) -> bool:
    """A part of a tensor written over another one."""
    others = mixing.others(x, lambda shape: shape == x.shape)
    dim = _dim(mixing.random, x.shape)
    end = mixing.random.randint(1, _size(x.shape, dim))
    if not mixing.added("Slice", {"dim": dim, "stop": end}, mixing.random.choice(others)):
        return False
    return mixing.added("SetSlice", {"dim": dim, "end": end}, x, mixing.tensors[-1])


def _attended(mixing: _Mixing, x: Tensor) -> bool:
    """A sequence that attends to another one, whose keys and values may be two."""
    if len(x.shape) != 2:
        return False
    key = mixing.random.choice(mixing.others(x, lambda shape: len(shape) == 2))
    values = mixing.others(x, lambda shape: len(shape) == 2 and shape[0] == key.shape[0])
    more = [mixing.random.choice(values)] if mixing.chance(0.5) else []
    if key.shape.channels == x.shape.channels and mixing.chance(0.5):
        args = _some(mixing.random, is_causal=True, scale=0.5)
        return mixing.added("ScaledDotProductAttention", args, x, key, *(more or [key]))
    return mixing.added("MultiheadAttention", _heads(mixing.random, x.shape), x, key, *more)


def _with_state(mixing: _Mixing, x: Tensor) -> bool:
    """A recurrent layer on a sequence, or a cell on a vector, whose first state is another tensor, or its own last."""
    rank = len(x.shape.spatial)
    if rank > 1:
        return False
    states = [each for each in mixing.others(x, lambda shape: len(shape) == rank + 1) if not each.places]
    state = mixing.random.choice([*states, *(each for each in states if "." in each.name)])
    args = {"hidden_size": state.shape.channels}
    kind = mixing.random.choice(["LSTM", "GRU", "RNN"])
    if rank:
        both = state.shape[0] % 2 == 0 and mixing.chance(0.5)
        args |= {"num_layers": state.shape[0] // (1 + both), "bidirectional": both}
    return mixing.added(kind if rank else f"{kind}Cell", args, x, *[state] * (1 + (kind == "LSTM")))


def _bilinear(mixing: _Mixing, x: Tensor) -> bool:
    other = mixing.random.choice(mixing.others(x, lambda shape: shape.spatial == x.shape.spatial))
    return mixing.added("Bilinear", {"out_features": mixing.random.choice(CHANNELS)}, x, other)


def _sized_like(mixing: _Mixing, x: Tensor) -> bool:
    """A tensor brought to the size of another one."""
    others = mixing.others(x, lambda shape: len(shape) == len(x.shape))
    kind, args = mixing.random.choice([("CropLike", {}), ("PadLike", {}), ("Interpolate", {"mode": "nearest-exact"})])
    return _has_windows(x.shape) and mixing.added(kind, args, x, mixing.random.choice(others))


MEETINGS: tuple[Meeting, ...] = (
    *(_cell_by_cell,) * 4,
    *(_scaled,) * 3,
    *(_gate,) * 2,
    *(_joined,) * 4,
    *(_token,) * 2,
    *(_matrices,) * 3,
    *(_summed,) * 2,
    _picked,
    _written_over,
    *(_attended,) * 3,
    *(_with_state,) * 3,
    _bilinear,
    *(_sized_like,) * 3,
)
"""What brings tensors together, each as often as it is drawn."""
