"""Random model files of blocks with everything that the format has, on maps, on sequences and on vectors.

A file is written without a look at its shapes: most layers keep the spatial size, and where branches meet, layers
before them bring them to the same channels. What does not fit all the same is found by planning, and taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from planner.diagnostics import Diagnostic
from planner.plan import Plan
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load

Entry = dict[str, Any]

NAMES = (
    *("conv", "a", "b", "fc", "main", "side", "in", "0x", "b-1", "self", "forward", "out", "Übung", "class", "block"),
    *("stage", "relu", "conv2d", "linear", "nn", "torch", "x", "skip", "a b", "index", "width", "__init__", "split"),
)
BLOCKS = ("block", "stage", "cell", "my-block", "class", "Net", "0th", "nn", "residual", "Linear2")
MOST_STEPS = 40
MOST_ROUNDS = 25


def model(random: Random) -> Entry:
    """A model file of one to three blocks, which mostly plans completely; one in six is a chain of chains."""
    while True:
        file = mended(_Writing(random).file(), random)
        plan = _plan(file)
        if len(plan.steps) <= MOST_STEPS and not places_read(plan):
            return file


def places_read(plan: Plan) -> bool:
    """Whether a layer computes with the places of maxima, which are whole numbers."""
    return any("Pool" in plan.steps[ref.step].type and ref.output for step in plan.steps for ref in step.sources)


# What is in sight

KINDS = {
    "width": "width",
    "inner": "width",
    "n": "count",
    "flag": "flag",
    "act": "act",
    "d": "small",
    "parts": "small",
    "heads": "small",
    "widths": "widths",
    "base": "width",
    "depth": "count",
}
"""What each parameter stands for: an expression of the same kind may be given for it."""


@dataclass(frozen=True)
class _Scope:
    """The parameters that a list of layers sees, the names of its inputs, and how deep it stands."""

    random: Random
    params: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    index: bool = False
    depth: int = 0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def of_kind(self, kind: str) -> list[str]:
        return [name for name in self.params if KINDS[name] == kind]

    def some(self, kind: str) -> Any:
        """A value of a kind, as a number or as an expression."""
        values: dict[str, Callable[[], list[Any]]] = {
            "width": self._widths,
            "count": self._counts,
            "flag": self._flags,
            "act": self._acts,
            "small": self._smalls,
            "widths": self._lists,
        }
        return self.random.choice(values[kind]())

    def _widths(self) -> list[Any]:
        found: list[Any] = [4, self.random.choice([2, 6, 8])]
        for name in self.of_kind("width"):
            found += [f"${name}", f"${name}", f"2 * ${name}", f"${name} + 2", f"max(${name}, 4)", f"${name} // 2 + 1"]
            found += [f"2 ** (${name} % 3) * 2"]
            found += [f"make_divisible(${name}, 4)", f"${name} if {self._flags()[-1]} else 4"]
        for name in self.of_kind("widths"):
            found += [f"${name}[0]", f"${name}[len(${name}) - 1]"]
            found += [f"${name}[$index % len(${name})]"] * 2 if self.index else []
        return found + (["4 + 4 * $index", "2 ** ($index + 1)", "$index // 2 + 4"] if self.index else [])

    def _counts(self) -> list[Any]:
        found: list[Any] = [1, 2, 2, 3]
        for name in self.of_kind("count"):
            found += [f"${name}", f"${name}", f"${name} - 1", f"max(${name}, 1)"]
        found += [f"len(${name})" for name in self.of_kind("widths")]
        return found + (["$index + 1"] if self.index else [])

    def _flags(self) -> list[Any]:
        found: list[Any] = ["$index == 0" if self.index else True]
        for name in self.of_kind("count"):
            found += [f"${name} > 1", f"${name} % 2 == 0"]
        found += ["$index > 0", "$index % 2 == 1"] if self.index else []
        for name in self.of_kind("flag"):
            found += [f"${name}", f"not ${name}"]
        return found

    def _acts(self) -> list[Any]:
        found: list[Any] = ["ReLU", "GELU", "Tanh"]
        found += [f"${name}" for name in self.of_kind("act")] * 3
        return found + [f"'SiLU' if ${name} else 'Tanh'" for name in self.of_kind("flag")]

    def _smalls(self) -> list[Any]:
        return [1, 2, *(f"${name}" for name in self.of_kind("small"))]

    def _lists(self) -> list[Any]:
        lists: list[Any] = [[4, 6], [4], [2, 4, 6]]
        lists += [[f"${name}", f"2 * ${name}"] for name in self.of_kind("width")]
        return lists + [f"${name}" for name in self.of_kind("widths")] * 3


@dataclass
class _Block:
    """What a caller must know of a block."""

    name: str
    params: Entry
    inputs: int
    outputs: int
    keeps: bool
    takes_any: bool = False


@dataclass
class _List:
    """A list of layers in the making. `refs` are names of tensors of the spatial size at hand, `sides` of others, and
    `repeated` of all copies of a layer.
    """

    scope: _Scope
    named: bool
    refs: list[str]
    entries: list[Entry] = field(default_factory=list)
    sides: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    position: int | None = 0
    keeps: bool = True
    chain: bool = False

    def some(self, kind: str) -> Any:
        return self.scope.some(kind)

    def chance(self, share: float) -> bool:
        return self.scope.chance(share)

    def ref(self) -> str | None:
        """A tensor to read: mostly one made not long ago."""
        return self.scope.random.choice(self.refs[-3:] + self.refs) if self.refs else None

    def add(self, entry: Entry, *, named: bool = False, side: bool = False, parts: int = 1) -> str | None:
        """Put an entry at the end, and give the name that others read it by, if there is one."""
        repeat = entry.get("repeat")
        name = self.name(entry, named)
        if name is not None:
            entry = {"name": name, **entry}
        last = self.numbered(entry) if not self.named else None if name is None or "$" in name else name
        if name is not None and "$" in name:
            last = name.replace("${index + 1}", str(repeat)) if isinstance(repeat, int) and repeat else None
        self.entries.append(entry)
        if last is not None and not side and not self.chain:
            self.refs += [last] if parts == 1 else [f"{last}.{k}" for k in range(parts)]
            if isinstance(repeat, int) and repeat > 1 and self.named and name is not None and "$" not in name:
                self.refs.append(f"{name}.0")
        if repeat and self.named and name is not None and "$" not in name and "when" not in entry and parts == 1:
            self.repeated.append(f"{name}.*")
        return last

    def name(self, entry: Entry, wanted: bool) -> str | None:
        if not self.named or not (wanted or self.chance(0.55)):
            return None
        if "repeat" in entry and self.chance(0.3):
            return f"layer{len(self.entries)}_${{index + 1}}"
        taken = {*self.scope.inputs, "input", *(each.get("name") for each in self.entries)}
        return self.scope.random.choice([each for each in (*NAMES, f"n{len(self.entries)}") if each not in taken])

    def numbered(self, entry: Entry) -> str | None:
        """The number of the entry's last copy; None where conditions and repetitions before it leave it open."""
        copies = entry.get("repeat", 1)
        if self.position is None or "when" in entry or not isinstance(copies, int) or copies == 0:
            self.position = None
            return None
        self.position += copies
        return str(self.position - 1)


# Writing a file


class _Writing:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.blocks: dict[str, Entry] = {}
        self.made: list[_Block] = []
        self.called: set[str] = set()
        self.params: Entry = {}
        self.rank = random.choice([0, 1, 1, 1, 2, 2, 2])
        self.chain = random.random() < 1 / 6

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def file(self) -> Entry:
        self.params = self.some_params(["base", "depth", "widths", "flag", "act", "d", "parts"], 0.7)
        for name in self.random.sample(BLOCKS, self.random.choice([1, 2, 2, 3])):
            self.block(name)
            if self.chance(0.1):
                self.params["kind"] = name
        shape = [self.random.choice([3, 4, 6]) for _ in range(self.rank)] + [self.random.choice([2, 3, 4, 4, 6])]
        inputs = ["input"] if self.chain else self.random.choice([["input"], ["input"], ["x"], ["left", "right"]])
        found = self.listing(_Scope(self.random, self.known(), tuple(inputs)), self.random.randint(2, 4))
        for block in self.made:
            if block.name not in self.called and self.chance(0.9):
                _called(self, found, block)
        if self.chance(0.2):
            found.add({"type": "Flatten"})
            found.add({"type": "Linear", "out_features": found.some("width")})
        file: Entry = {"name": self.random.choice(["net", "Net 3", "class"])}
        file["input"] = shape if inputs == ["input"] else {name: list(shape) for name in inputs}
        file |= {"params": self.params} if self.params else {}
        file |= {"layers": found.entries, "blocks": self.blocks}
        return file | self.outputs(found, 0.4, [*found.refs, *found.sides])

    def known(self) -> tuple[str, ...]:
        return tuple(name for name in self.params if name in KINDS)

    def some_params(self, names: list[str], share: float) -> Entry:
        choices: dict[str, list[Any]] = {
            "base": [2, 4, 6],
            "depth": [1, 2, 3],
            "widths": [[4, 8], [4], [4, 6, 2], [4, 4]],
            "flag": [True, False],
            "act": ["ReLU", "GELU"],
            "d": [1, 2],
            "parts": [1, 2],
        }
        values = {name: self.random.choice(each) for name, each in choices.items()}
        return {name: values[name] for name in names if self.chance(share)}

    def outputs(self, found: _List, share: float, names: list[str]) -> Entry:
        """What a file or a block gives out, where that is not its last layer; several in any order."""
        names = [name for name in dict.fromkeys(names) if name not in (*found.scope.inputs, "input")]
        if not names or not self.chance(share):
            return {}
        several = self.random.sample(names, min(len(names), self.random.choice([1, 2, 2, 3])))
        parts = [name for name in names if name.endswith((".0", ".1", ".2"))]
        if parts and self.chance(0.4):
            owner = self.random.choice(parts).rpartition(".")[0]
            several = [name for name in reversed(parts) if name.rpartition(".")[0] == owner]
        return {"outputs": several if len(several) > 1 or self.chance(0.5) else several[0]}

    def block(self, name: str) -> None:
        inputs = (
            None
            if self.chain
            else self.random.choice([None, None, None, ["x"], ["x", "skip"], ["a", "b"], ["x", "*rest"]])
        )
        params = self.block_params()
        known = tuple(dict.fromkeys([*self.known(), *params]))
        scope = _Scope(self.random, known, tuple(inputs or ["input"]), depth=1)
        found = self.listing(scope, self.random.randint(1, 4))
        if inputs is not None and inputs[-1] == "*rest" and self.chance(0.7):
            found.add({"type": "Concat", "from": [found.ref() or "x", "*rest"]})
        if self.chance(0.2) and (ending := _with_extras(self, found)):
            found.add(ending)
        block: Entry = {"params": params} if params else {}
        if inputs is not None:
            block["inputs"] = inputs[0] if len(inputs) == 1 and self.chance(0.5) else inputs
        block |= self.outputs(found, 0.35, found.refs)
        given = block.get("outputs", "")
        self.blocks[name] = {**block, "layers": found.entries}
        count = len(given) if isinstance(given, list) else 1
        takes_any = inputs is not None and inputs[-1] == "*rest"
        self.made.append(_Block(name, params, len(inputs or [""]), count, found.keeps, takes_any))

    def block_params(self) -> Entry:
        """Parameters of a block: needed ones, and ones with a number or an expression of those before as default."""
        params: Entry = {}
        for name in ["width", "inner", "n", "flag", "act", "d", "parts", "widths"]:
            if not self.chance(0.8 if name == "width" else 0.35):
                continue
            scope = _Scope(self.random, tuple(dict.fromkeys([*self.known(), *params])))
            params[name] = None if self.chance(0.35) else scope.some(KINDS[name])
        return params

    # Lists of layers

    def listing(self, scope: _Scope, count: int) -> _List:
        """A list of layers, with names or without; a few kinds, one after the other."""
        refs = ["input"] if len(scope.inputs) == 1 else [each for each in scope.inputs if each != "*rest"]
        found = _List(scope, self.chance(0.65), [] if self.chain else refs, chain=self.chain)
        found.repeated += [each for each in scope.inputs if each == "*rest"]
        for _ in range(count):
            self.random.choice(self.kinds(scope))(self, found)
        if not found.entries:
            found.add({"type": found.some("act")})
        return found

    def kinds(self, scope: _Scope) -> list[Callable[[_Writing, _List], None]]:
        kinds = [each for each in (*ANY, *BY_RANK[self.rank]) if not self.chain or each in CHAINED]
        if self.made:
            kinds += [_call] * (8 if scope.depth == 0 else 3)
        return kinds + [_in_place] * 4 if scope.depth < 3 else kinds


Kind = Callable[[_Writing, _List], None]


def _reading(found: _List, entry: Entry, share: float = 0.25) -> Entry:
    """The entry, reading something by its name now and then."""
    ref = found.ref()
    return {**entry, "from": ref} if ref is not None and found.chance(share) else entry


def _varied(found: _List, entry: Entry) -> Entry:
    """The entry with repetitions and conditions, now and then."""
    if found.chance(0.25):
        entry = {**entry, "repeat": found.some("count")}
    elif found.chance(0.05):
        entry = {**entry, "repeat": 0}
    if found.chance(0.15):
        entry = {**entry, "when": found.some("flag")}
    return entry


def _dense(writing: _Writing, found: _List, width: Any, **more: Any) -> Entry:
    """A layer that gives so many channels and keeps the size."""
    rank, random = writing.rank, writing.random
    if rank == 0 or random.random() < 0.25:
        return {"type": "Linear", "out_features": width, **more}
    ways: list[Entry] = [
        {"kernel_size": 1},
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": 3, "padding": random.choice(["same", "tf_same"])},
        {"kernel_size": 2, "padding": [[0, 1] for _ in range(rank)]},
    ]
    small = [name for name in found.scope.of_kind("small") if name == "d"]
    for name in small:
        ways += [
            {"kernel_size": 3, "dilation": f"${name}", "padding": [[f"2 * ${name}", 0] for _ in range(rank)]},
            {"kernel_size": f"2 * ${name} + 1", "padding": f"${name}"},
            {"kernel_size": [3] * rank, "padding": [[f"${name}", f"2 - ${name}"] for _ in range(rank)]},
        ]
    return {"type": f"Conv{rank}d", "out_channels": width, **random.choice(ways), **more}


def _layer(writing: _Writing, found: _List) -> None:
    """A layer of some width, perhaps repeated with the same one, perhaps growing from copy to copy."""
    entry = _varied(found, _dense(writing, found, found.some("width")))
    found.add(_reading(found, entry))


def _growing(writing: _Writing, found: _List) -> None:
    """Copies of a layer or of a block with different widths."""
    within = replace(found.scope, index=True)
    lists = found.scope.of_kind("widths")
    repeat, width = writing.random.choice([1, 2, 3, found.some("count")]), within.some("width")
    if lists and found.chance(0.5):
        name = writing.random.choice(lists)
        repeat, width = f"len(${name})", f"${name}[$index]"
    takers = [each for each in writing.made if "width" in each.params and each.inputs == 1]
    if takers and found.chance(0.4):
        block = writing.random.choice(takers)
        entry: Entry = {"type": block.name, **_arguments(block, within), "width": width, "repeat": repeat}
        if block.outputs == 1:
            found.keeps &= block.keeps
            found.add(_reading(found, entry))
        return
    found.add(_reading(found, _dense(writing, found, width, repeat=repeat)))


def _pointwise(writing: _Writing, found: _List) -> None:
    rank = writing.rank
    shares = [0.2, *(f"0.1 * ${name}" for name in found.scope.of_kind("small"))]
    numbers = [0.5, 2, *(f"${name}" for name in found.scope.of_kind("small")), *shares[1:]]
    numbers += [f"1 / ${name}" for name in found.scope.of_kind("width")]
    kinds: list[Entry] = [
        {"type": found.some("act")},
        {"type": found.some("act")},
        {"type": "LayerNorm"},
        {"type": "RMSNorm"},
        {"type": f"BatchNorm{rank or 1}d"},
        {"type": "GroupNorm", "num_groups": found.some("small") if rank else 1},
        {"type": "Dropout", "p": writing.random.choice(shares)},
        {"type": "Softmax", "dim": found.some("small") if rank else 1},
        {"type": "PReLU"},
        {"type": "Identity"},
        {"type": writing.random.choice(["Abs", "Neg", "Square", "Atan"])},
        {"type": "Clamp", "min": -1, "max": writing.random.choice(numbers)},
        *[
            {"type": kind, "other": writing.random.choice(numbers)}
            for kind in ("Add", "Multiply", "Divide", "Maximum", "Minimum")
        ],
        {"type": "Subtract", "other": writing.random.choice(numbers), "reversed": found.some("flag")},
    ]
    found.add(_reading(found, _varied(found, writing.random.choice(kinds))))


MEETING = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
"""Operators on tensors of one shape."""


def _sum(writing: _Writing, found: _List) -> None:
    """Branches of one width that meet: by an operator, or where there is one channel only by repeating it."""
    width = found.some("width")
    first = found.add(_reading(found, _dense(writing, found, width)), named=True)
    ref = found.refs[0] if found.refs and found.chance(0.6) else found.ref()
    second = found.add(_dense(writing, found, width, **({"from": ref} if ref else {})), named=True)
    if first is None or second is None:
        return
    entry: Entry = {"type": writing.random.choice(MEETING), "from": [first, second]}
    found.add(_merged(writing, found, entry))


def _merged(writing: _Writing, found: _List, entry: Entry) -> Entry:
    """A merge, with a repetition of one and with conditions now and then."""
    if found.chance(0.2):
        entry["repeat"] = 1
    if found.chance(0.2):
        entry["when"] = found.some("flag")
    return entry


def _concat(writing: _Writing, found: _List) -> None:
    refs = [ref for ref in (found.ref(), found.ref(), found.ref()) if ref is not None]
    if found.repeated and found.chance(0.7):
        refs.insert(0, writing.random.choice(found.repeated))
    if len(refs) > 1:
        entry: Entry = {"type": "Concat", "from": refs[: writing.random.choice([1, 2, 2, 3])]}
        if found.chance(0.15):
            entry["repeat"] = found.some("count")
        found.add(_merged(writing, found, entry))


def _sized_like(writing: _Writing, found: _List) -> None:
    """A tensor brought to the size of another one, which it mostly has already."""
    first, second = found.ref(), found.ref()
    if writing.rank and first is not None and second is not None:
        kind = writing.random.choice(["CropLike", "PadLike", "Interpolate"])
        found.add(_merged(writing, found, {"type": kind, "from": [first, second]}))


def _parts(writing: _Writing, found: _List) -> None:
    """A tensor cut into parts, of which some are read; into a single one now and then."""
    count = writing.random.choice([1, 2, 2, 3])
    found.add(_reading(found, _dense(writing, found, 2 * count)))
    ways: list[tuple[int, Entry]] = [
        (count, {"type": "Chunk", "chunks": count}),
        (count, {"type": "Split", "split_size": 2}),
        (count, {"type": "Split", "split_size": [2] * count}),
        (1, {"type": "Split", "split_size": 2 * count}),
        *((1, {"type": "Chunk", "chunks": f"${name}"}) for name in found.scope.of_kind("small")),
        *((1, {"type": "Split", "split_size": f"${name}"}) for name in found.scope.of_kind("width")),
    ]
    count, entry = writing.random.choice(ways)
    if found.chance(0.25):
        entry["repeat"] = 1 if count > 1 else found.some("count")
    name = found.add(entry, named=True, side=True)
    if name is None:
        return
    parts = [f"{name}.{k}" for k in range(count)]
    found.refs += parts
    if count == 1 and found.chance(0.5):
        found.add({"type": found.some("act")})
    elif found.chance(0.7):
        one = found.add(_dense(writing, found, found.some("width"), **{"from": parts[-1]}), named=True)
        found.add({"type": "Concat", "from": [*([one] if one else []), *reversed(parts)]})
    else:
        found.add({"type": found.some("act"), "from": parts[-1]})


def _trained(writing: _Writing, found: _List) -> None:
    """A trained tensor whose size is a parameter's, and what it is added to or multiplied by."""
    width = found.some("width")
    body = found.add(_dense(writing, found, width), named=True)
    shape = [*(1,) * writing.rank, width]
    args = {name: True for name in ("batch", "channels_last") if found.chance(0.4)}
    entry = {"type": "Parameter", "shape": shape, "init": writing.random.choice(["ones", "normal", 0.5]), **args}
    weight = found.add(entry, named=True, side=True)
    if body is None or weight is None:
        return
    pair = [body, weight] if found.chance(0.7) else [weight, body]
    kind: Entry = writing.random.choice([{"type": "Multiply"}, {"type": "Add", "broadcast": True}])
    found.add(_merged(writing, found, {**kind, "from": pair}))


def _of_one_width(writing: _Writing, found: _List) -> None:
    """A layer that is told the channels by the same expression as the one above it."""
    width = found.some("width")
    found.add(_reading(found, _dense(writing, found, width)))
    kinds: list[Entry] = [
        {"type": "LayerNorm", "normalized_shape": width},
        {"type": "GroupNorm", "num_groups": width if writing.rank else 1},
        {"type": "PReLU", "num_parameters": width},
        {"type": "Linear", "out_features": found.some("width"), "in_features": width},
        {"type": f"BatchNorm{writing.rank or 1}d", "num_features": width, "affine": found.some("flag")},
        _dense(writing, found, width, bias=found.some("flag")),
    ]
    if writing.rank:
        kinds.append({"type": f"Conv{writing.rank}d", "out_channels": width, "kernel_size": 1, "groups": width})
        kinds.append({"type": f"Conv{writing.rank}d", "kernel_size": 3, "padding": 1, "groups": "depthwise"})
    found.add(_varied(found, writing.random.choice(kinds)))


def _regrouped(writing: _Writing, found: _List) -> None:
    """Channels parted by a parameter and joined again, perhaps with something between."""
    part = found.some("small")
    found.add(_reading(found, _dense(writing, found, 4)))
    found.add({"type": "Unflatten", "dim": 1, "unflattened_size": writing.random.choice([[part, -1], [-1, part]])})
    if found.chance(0.5):
        found.add(writing.random.choice([{"type": "Softmax", "dim": 1}, {"type": "LayerNorm"}, {"type": "ReLU"}]))
    found.add({"type": "Flatten", "start_dim": writing.random.choice([1, -2 - writing.rank]), "end_dim": 2})


def _padded(writing: _Writing, found: _List) -> None:
    """Cells before the first axis, by a parameter, that are cut off again."""
    amount = found.some("small")
    found.add({"type": f"ZeroPad{writing.rank}d", "padding": [*(0, 0) * (writing.rank - 1), amount, 0]}, side=True)
    if found.chance(0.5):
        found.add(_dense(writing, found, found.some("width")), side=True)
    found.add({"type": "Slice", "dim": 2, "start": amount})


def _unread(writing: _Writing, found: _List) -> None:
    """A layer that nothing reads, since the one below reads something else."""
    ref = found.ref()
    if ref is not None:
        found.add(_dense(writing, found, found.some("width")), side=True)
        found.add({"type": found.some("act"), "from": ref})


def _halved(writing: _Writing, found: _List) -> None:
    """Twice the channels, and a gate that halves them."""
    found.add(_dense(writing, found, f"2 * ({found.some('width')})" if found.scope.params else 8))
    found.add({"type": "GLU", "dim": writing.random.choice([1, -1 - writing.rank])})


def _smaller(writing: _Writing, found: _List) -> None:
    """A pool that halves the size: what stands above is no longer of the same size."""
    kind = writing.random.choice(["Avg", "Avg", "Max", "LP"])
    entry: Entry = {"type": f"{kind}Pool{writing.rank}d", "kernel_size": 2}
    if kind == "LP":
        entry["norm_type"] = 2
    if kind == "LP" or found.chance(0.5):
        amount = found.some("small")
        sides: list[Any] = ["tf_same", [[0, 1]] * writing.rank, [[amount, 0], *[[0, amount]] * (writing.rank - 1)]]
        entry["padding"] = writing.random.choice(sides)
    if kind != "LP":
        entry["ceil_mode"] = True
    if kind == "Avg" and found.chance(0.4):
        entry["count_include_pad"] = found.some("flag")
    name = found.add(entry, named=True, side=True)
    found.refs, found.keeps = [name] if name and not found.chain else [], False


def _in_place(writing: _Writing, found: _List) -> None:
    """A list in place, with the parameters around it in sight; some end in a layer with a second output."""
    repeats = found.chance(0.4)
    scope = replace(found.scope, inputs=("input",), index=found.scope.index or repeats, depth=found.scope.depth + 1)
    inner = writing.listing(scope, writing.random.choice([1, 1, 2, 3]))
    extra = states = False
    if found.chance(0.35) and (ending := _with_extras(writing, inner)):
        inner.add(ending)
        extra, states = True, "hidden_size" in ending
    entry: Entry = {"layers": inner.entries}
    if repeats:
        entry["repeat"] = found.some("count")
    if found.chance(0.15):
        entry["when"] = found.some("flag")
    if found.chance(0.1):
        entry["type"] = "Sequential"
    found.keeps &= inner.keeps
    name = found.add(_reading(found, entry), named=extra)
    if extra and name is not None:
        _second(found, name, states)


def _with_extras(writing: _Writing, found: _List) -> Entry | None:
    """A layer whose second output only a number means."""
    if writing.rank == 0:
        return None
    if writing.rank == 1 and found.chance(0.7):
        kind = writing.random.choice(["LSTM", "GRU", "RNN"])
        args: Entry = {"hidden_size": found.some("width")}
        if found.chance(0.4):
            args["bidirectional"] = found.some("flag")
        if found.chance(0.3):
            args["num_layers"] = found.some("small")
        return {"type": kind, **args}
    padding = writing.random.choice([1, "same", [[1, 1]] * writing.rank])
    pool = {"type": f"MaxPool{writing.rank}d", "kernel_size": 3, "stride": 1, "padding": padding}
    return {**pool, "return_indices": True}


def _second(found: _List, name: str, states: bool) -> None:
    """A reader of the second output where that holds states, and a place among the outputs for it."""
    if states and found.chance(0.4) and not found.chain:
        kind = found.scope.random.choice(["Tanh", "Identity", "LayerNorm"])
        found.add({"type": kind, "from": f"{name}.1"}, side=True)
        if (ref := found.ref()) is not None:
            found.add({"type": "Identity", "from": ref})
    if not found.chain:
        found.sides.append(f"{name}.1")


def _extras(writing: _Writing, found: _List) -> None:
    entry = _with_extras(writing, found)
    if entry is not None:
        if found.chance(0.35):
            entry["repeat"] = found.some("count")
        if found.chance(0.15):
            entry["when"] = found.some("flag")
        name = found.add(_reading(found, entry), named=found.chance(0.7))
        if name is not None:
            _second(found, name, "hidden_size" in entry)


def _attention(writing: _Writing, found: _List) -> None:
    """Attention to itself, or to others; with a number of heads that is a parameter."""
    heads = found.some("small")
    query = found.add(_reading(found, _dense(writing, found, 4)), named=True)
    entry: Entry = {"type": "MultiheadAttention", "num_heads": heads}
    others = [ref for ref in (found.ref(), found.ref()) if ref is not None]
    if query is not None and found.chance(0.6):
        entry["from"] = [query, *others[: writing.random.choice([0, 1, 2])]]
    if found.chance(0.3):
        entry["repeat"] = writing.random.choice([1, found.some("count")])
    if found.chance(0.2):
        entry["when"] = found.some("flag")
    found.add(entry)


def _encoder(writing: _Writing, found: _List) -> None:
    entry = {"type": "TransformerEncoderLayer", "nhead": 1, "dim_feedforward": found.some("width")}
    found.add(_reading(found, _varied(found, entry)))


def _matrices(writing: _Writing, found: _List) -> None:
    """Queries times keys, weighed, times values."""
    width = found.some("width")
    query = found.add(_reading(found, _dense(writing, found, width)), named=True)
    key = found.add(_dense(writing, found, width), named=True)
    if query is not None and key is not None:
        scores: Entry = {"type": "MatMul", "transpose_b": True, "from": [query, key]}
        found.add({**scores, "repeat": 1} if found.chance(0.2) else scores, side=True)
        weighed = found.add({"type": "Softmax", "dim": 1}, named=True, side=True)
        if weighed is not None:
            found.add({"type": "MatMul", "from": [weighed, key]})


# Calls of blocks


def _arguments(block: _Block, scope: _Scope) -> Entry:
    """Arguments for a block: all that it needs, and some of the others."""
    return {
        name: scope.some(KINDS[name]) for name, default in block.params.items() if default is None or scope.chance(0.4)
    }


def _call(writing: _Writing, found: _List) -> None:
    _called(writing, found, writing.random.choice(writing.made))


def _called(writing: _Writing, found: _List, block: _Block) -> None:
    """A call of a block, in some cases two in a row, or by a parameter that names it."""
    writing.called.add(block.name)
    kind = "$kind" if writing.params.get("kind") == block.name and found.chance(0.7) else block.name
    for _ in range(writing.random.choice([1, 1, 1, 2])):
        entry: Entry = {"type": kind, **_arguments(block, found.scope)}
        refs = [ref for ref in (found.ref(), found.ref()) if ref is not None]
        if block.inputs == 2:
            if len(refs) < 2:
                return
            entry["from"] = refs if not block.takes_any else (refs * 2)[: writing.random.choice([1, 2, 3])]
        elif refs and found.chance(0.2):
            entry["from"] = refs[0]
        if found.chance(0.3 if block.outputs == 1 or block.inputs == 2 else 0.1):
            entry["repeat"] = found.some("count")
        if found.chance(0.12):
            entry["when"] = found.some("flag")
        found.add(entry, named=block.outputs > 1, parts=block.outputs)
    if not block.keeps:
        found.refs, found.keeps = [], False


ANY: tuple[Kind, ...] = (
    *(_layer,) * 4,
    *(_growing,) * 4,
    *(_pointwise,) * 4,
    *(_sum,) * 3,
    *(_concat,) * 2,
    *(_parts,) * 4,
    *(_trained,) * 2,
    *(_of_one_width,) * 2,
    _regrouped,
    _unread,
    _halved,
)
"""What stands on tensors of any number of axes, each as often as it is drawn."""
_WINDOWED: tuple[Kind, ...] = (_sized_like, _sized_like, _smaller, _padded)
BY_RANK: dict[int, tuple[Kind, ...]] = {
    0: (),
    1: (*_WINDOWED, *(_extras,) * 4, *(_attention,) * 4, _encoder, _matrices),
    2: (*_WINDOWED, *(_extras,) * 2),
}
"""What stands on tensors of so many spatial axes besides."""
CHAINED = (_layer, _growing, _pointwise, _of_one_width, _regrouped, _halved, _smaller, _padded, _extras, _encoder)
"""What reads and hands on a single tensor."""


# Taking out what does not fit


def _plan(file: Entry) -> Plan:
    return propagate(load(of_mapping(file)))


def mended(file: Entry, random: Random) -> Entry:
    """The file without the entries in which the planner finds a fault, as far as that goes."""
    file = deepcopy(file)
    for _ in range(MOST_ROUNDS):
        plan = _plan(file)
        found = [*plan.model.diagnostics, *plan.diagnostics]
        if not found:
            break
        if not _taken_out(file, _blamed(found[0], random)):
            break
    return file


def _blamed(found: Diagnostic, random: Random) -> tuple[Any, ...]:
    """Where the fault is: in a block, or now and then in the call that made it wrong."""
    calls = [call for call in found.calls if call]
    return random.choice(calls) if calls and random.random() < 0.5 else found.path


def _taken_out(file: Entry, path: tuple[Any, ...]) -> bool:
    """Whether what a path leads to could be taken out: the innermost entry of a list of layers, or a key."""
    if "outputs" in path:
        owner: Entry = file if path[0] == "outputs" else file["blocks"].get(path[1], {})
        if owner.pop("outputs", None) is not None:
            return True
    ends = [i + 1 for i, part in enumerate(path) if i and path[i - 1] == "layers" and isinstance(part, int)]
    for end in reversed(ends):
        *way, last = path[:end]
        entries: Any = file
        for part in way:
            entries = entries[part]
        if len(entries) > 1:
            del entries[last]
            return True
        if end == ends[0]:
            entries[0] = {"type": "Identity"}
            return True
    return len(file["layers"]) > 1 and file["layers"].pop() is not None
