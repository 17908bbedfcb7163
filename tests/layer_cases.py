"""Generated cases of a layer type, from what its class says of itself: the schema of its fields, its inputs, its axes.

What is drawn so would seldom fit for a few layers: `MENDED` makes most of their cases fit, by their names, and
`MENDED_BY_FIELD` by what fields they have, so that a new operator or reduction is among them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from hypothesis import strategies as st

from layer_oracle import WORKED_OUT, Case
from planner.geometry import Shape
from planner.layers._layer import Layer

Arguments = dict[str, Any]
Draw = st.DrawFn

LONGEST = {0: 1, 1: 14, 2: 11, 3: 7}
"""The longest axis, by the number of axes."""
CHANNELS = st.sampled_from((1, 2, 3, 4, 6, 8, 9, 12, 16))

FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "batch_axes": st.sampled_from((0, 1, 2)),
    "groups": st.sampled_from((1, 1, 1, 2, 3, 4, "depthwise", 0)),
    "out_channels": st.sampled_from((12, 6, 4, 8, 2, 1, 5, 0)),
    "num_groups": st.sampled_from((1, 2, 3, 4, 0)),
    "num_heads": st.sampled_from((1, 2, 3, 4, 0)),
    "nhead": st.sampled_from((1, 2, 3, 4, 0)),
    "pattern": st.sampled_from(
        ("l c -> c l", "(h i) w c -> h w (i c)", "h w c -> (h w) c", "... c -> c ...", "c -> c 1", "a b", "a (b -> a b")
    ),
    "equation": st.sampled_from(("bc->bc", "bcl, bcl->bc", "bchw,bck->bkhw", "bi,bj", "b...->b", "bcl->lbc", "b.c->b")),
}
"""Arguments that must divide one another, or are read as texts."""


@st.composite
def cases(draw: Draw, type: type[Layer], longest: Mapping[int, int] = LONGEST) -> Case:
    """A case of a layer type; in some of them the arguments do not fit one another, the input, or any layer."""
    least, most = type.takes
    count = draw(st.sampled_from(range(least, (least + 2 if most is None else most) + 1)))
    rank = draw(st.sampled_from((1, 2, 3, 0))) if type.rank is None else type.rank
    inputs = [draw(_shapes(rank, longest[rank]))] if count else []
    while len(inputs) < count:
        inputs.append(draw(_like(inputs[0])))
    args = draw(arguments(type, rank))
    more = args.get("batch_axes", 0)
    if more and count:
        inputs[0] = Shape((*draw(st.tuples(*(st.integers(1, 3),) * more)), *inputs[0]))
    for name in (name for name in WORKED_OUT if name in args):
        args[name] = inputs[-1 if name == "in2_features" else 0].channels + draw(st.sampled_from((0, 0, 0, 1)))
    if (mend := _mend_of(type)) is not None and draw(st.sampled_from((True, True, True, False))):
        mend(draw, args, inputs)
    return Case(type, args, tuple(inputs))


@cache
def _shapes(rank: int, longest: int) -> st.SearchStrategy[Shape]:
    return st.tuples(*(st.integers(1, longest),) * rank, CHANNELS).map(Shape)


@st.composite
def _like(draw: Draw, x: Shape) -> Shape:
    """The shape of a further input: mostly the same, or another size of one axis, or of all."""
    kind = draw(st.sampled_from(("same", "same", "one", "all")))
    if kind == "same":
        return x
    if kind == "all":
        return draw(_shapes(len(x.spatial), max(x)))
    axis = draw(st.integers(0, len(x) - 1))
    n = draw(st.sampled_from((1, 2 * x[axis], x[axis] + 1, max(1, x[axis] // 2))))
    return Shape((*x[:axis], n, *x[axis + 1 :]))


@cache
def arguments(type: type[Layer], rank: int) -> st.SearchStrategy[Arguments]:
    """Arguments of a layer, of which those that have a default are often left out."""
    properties = type.model_json_schema()["properties"] if type.model_fields else {}
    # Pads take a number for each side of each axis, other layers one for each axis.
    usual = 2 * rank if type.__name__.rstrip("123d").endswith("Pad") else rank
    drawn = {name: FIELDS.get(name) or _values(schema, usual) for name, schema in properties.items()}
    required = {name: drawn[name] for name, each in type.model_fields.items() if each.is_required()}
    return st.fixed_dictionaries(required, optional={name: drawn[name] for name in drawn if name not in required})


def _values(schema: Mapping[str, Any], usual: int) -> st.SearchStrategy[Any]:
    """Values that a JSON schema describes, and a few just outside; lists mostly have the `usual` length."""
    if "anyOf" in schema:
        return st.one_of([_values(each, usual) for each in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema["type"]
    if kind == "array":
        lengths = [usual or 1] * 10 + [usual + 1, 1]
        if "maxItems" in schema:
            lengths = list(range(schema.get("minItems", 0), schema["maxItems"] + 1))
        items = _values(schema["items"], usual)
        return st.sampled_from(lengths).flatmap(lambda n: st.lists(items, min_size=n, max_size=n))
    if kind == "integer":
        return st.sampled_from(_integers(schema))
    if kind == "number":
        return st.sampled_from(_numbers(schema))
    return {"boolean": st.booleans(), "null": st.none()}[kind]


def _integers(schema: Mapping[str, Any]) -> list[int]:
    least = schema.get("minimum")
    if least is None:
        return [1, 0, 2, -1, 1, 0, 1, 2, 3, -2, 4, -3, 5, -5]
    most = schema.get("maximum", math.inf)
    return [*(least + n for n in (0, 1, 2) * 6 + (3, 3, 3, 4, 4, 5, 6, 8) if least + n <= most), least - 1]


def _numbers(schema: Mapping[str, Any]) -> list[float]:
    numbers: list[float] = [0.5, 0.1, 1.0, 1e-5, 2.0, 0.3, 3, 2, 1, 1.5, 0.75, 0.0, -0.5, -1.0]
    above, below = schema.get("exclusiveMinimum", schema.get("minimum", -9)), schema.get("maximum", 9)
    inside = [number for number in numbers if above < number <= below]
    return [*inside, *inside, *numbers]


# Layers whose arguments and inputs hang together


def _convolved(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Groups that divide the channels on both sides; an output_padding seldom, as it is rarely small enough."""
    groups = args.get("groups", 1)
    if isinstance(groups, int) and groups:
        inputs[0] = Shape((*inputs[0][:-1], groups * draw(st.sampled_from((1, 2, 3, 5)))))
        args["out_channels"] = groups * draw(st.sampled_from((1, 2, 3, 5)))
    if draw(st.sampled_from((True, True, False))):
        args.pop("output_padding", None)


def _one_size(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """One of a size, a factor, and a second input."""
    ways = [name for name in ("size", "scale_factor", "output_size", "output_ratio") if name in args]
    for name in ways[len(inputs) == 1 :]:
        del args[name]
    if not ways and len(inputs) == 1:
        args["scale_factor"] = draw(st.sampled_from((2, 0.5, 1.5, 3)))


def _fractional(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    args.pop("output_size", None)
    args["kernel_size"], args["output_ratio"] = draw(st.sampled_from((1, 2))), draw(st.sampled_from((0.3, 0.5, 0.4)))


def _blocks(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """As many blocks as windows on an image, each with as many cells as a window."""
    pairs = {name: (value,) * 2 if isinstance(value, int) else value for name, value in args.items()}
    defaults = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
    numbers = [pairs.get(name, (default,) * 2) for name, default in defaults.items()]
    image = args["output_size"] = draw(st.lists(st.integers(4, 12), min_size=2, max_size=2))
    kernel, count = numbers[0], 1
    for n, k, s, p, d in zip(image, *numbers, strict=False):
        count *= max((n + 2 * p - d * (k - 1) - 1) // max(s, 1) + 1, 1)
    inputs[0] = Shape((count, max(math.prod(kernel), 1) * draw(st.integers(1, 3))))


def _convolved_with(rank: int, draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """A weight for the channels of a map, and a bias for those of the result."""
    groups = args["groups"] = draw(st.sampled_from((1, 1, 2, 3)))
    inputs[0] = Shape((*draw(_shapes(rank, 6)).spatial, groups * draw(st.integers(1, 3))))
    width = groups * draw(st.integers(1, 3))
    kernel = draw(st.tuples(*(st.integers(1, 3),) * rank))
    inputs[1:] = [Shape((inputs[0].channels // groups, *kernel, width)), Shape((width,))][: len(inputs) - 1]
    for name in ("stride", "padding", "dilation"):
        if isinstance(args.get(name), list) and len(args[name]) != rank:
            del args[name]


def _matrices(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Rows of the second matrix as the columns of the first; axes before them may be 1, or missing."""
    if not inputs[0].spatial:
        inputs[0] = draw(_shapes(1, 6))
    last = (inputs[0].channels, draw(st.integers(1, 5)))
    before = [draw(st.sampled_from((n, n, 1))) for n in inputs[0][:-2]]
    del before[: draw(st.sampled_from((0, 0, 0, 1, 2)))]
    inputs[1] = Shape((*before, *(last[::-1] if args.get("transpose_b") else last)))
    if draw(st.sampled_from((False, False, True))):
        a, b = inputs
        swapped = (*b[:-2], *a[-2:]), (*a[:-2], *b[-2:])
        inputs[:] = map(Shape, swapped)


def _rows(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Matrices whose rows are equally long."""
    _matrices(draw, {"transpose_b": True}, inputs)


def _summed_over(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Letters with a size each, or one cell, the batch first; what is kept stands in any order."""
    sizes = {letter: draw(st.integers(1, 4)) for letter in "ijklm"}
    several = st.lists(st.sampled_from("ijklm"), min_size=1, max_size=4)
    drawn = [draw(several) for _ in inputs]
    single = [draw(st.sampled_from((" ", " ", *letters))) for letters in drawn]  # of one cell, which is repeated
    shapes = [
        [1 if letter == one else sizes[letter] for letter in letters]
        for letters, one in zip(drawn, single, strict=True)
    ]
    kept = draw(st.permutations(sorted({letter for letters in drawn for letter in letters})))
    kept = kept[: draw(st.integers(1, len(kept)))]
    if draw(st.booleans()):  # whose places `...` may take, where they are the last of all
        more = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
        drawn = [[*letters, "..."] for letters in drawn]
        shapes = [[*shape, *(draw(st.sampled_from((n, n, 1))) for n in more)] for shape in shapes]
        kept = [*kept, "..."]
    args["equation"] = f"{','.join('b' + ''.join(letters) for letters in drawn)}->b{''.join(kept)}"
    inputs[:] = [Shape.of_torch(tuple(shape)) for shape in shapes]


def _listed_cells(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Cells that an axis has."""
    dim = args["dim"] = draw(st.integers(1, len(inputs[0])))
    n = inputs[0].torch[dim - 1]
    args["index"] = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=6))


def _picking(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Numbers for as many cells as there are, or fewer, but any number along the axis; no more than these cells."""
    x = inputs[0]
    dim = args["dim"] = draw(st.integers(1, len(x)))
    sizes = [draw(st.sampled_from((n, n, max(n - 1, 1)))) for n in x.torch]
    sizes[dim - 1] = draw(st.integers(1, 5))
    inputs[1] = Shape.of_torch(tuple(sizes))


def _largest(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    dim = args["dim"] = draw(st.integers(1, len(inputs[0])))
    args["k"] = draw(st.integers(1, inputs[0].torch[dim - 1]))


def _over_slice(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """A second source of the slice's shape."""
    dim = args["dim"] = draw(st.integers(1, len(inputs[0])))
    sizes = [*inputs[0].torch]
    cut = slice(args.get("start"), args.get("end"), max(args.get("step", 1), 1))
    sizes[dim - 1] = max(len(range(sizes[dim - 1])[cut]), 1)
    inputs[1] = Shape.of_torch(tuple(sizes))


def _operands(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Sources that mostly are alike, or a number in place of all but the first."""
    inputs[1:] = [draw(st.sampled_from((inputs[0], inputs[0], x))) for x in inputs[1:]]
    if args.get("other") is None:
        args.pop("reversed", None)
    else:
        del inputs[1:]


def _conditional(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """A condition and two sources, or one and a number."""
    _operands(draw, {}, inputs)
    if args.get("other") is not None:
        del inputs[2:]


def _bounds(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """At least one bound, and the lower one first."""
    args.setdefault("min", -0.5)
    if args["min"] is None or args.get("max") is not None:
        args["max"] = (args["min"] or 0) + draw(st.sampled_from((0.5, 1, 3)))


def _reduced(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Axes that are there, each once, and one that is left; as many values as a variance needs."""
    count = len(inputs[0])
    dims = draw(st.permutations(range(1, count + 1)))[: draw(st.integers(1, count))]
    dims = [dim - draw(st.sampled_from((0, 0, count + 1))) for dim in dims]
    args["dim"] = dims[0] if not isinstance(args["dim"], list) or draw(st.booleans()) else dims
    args["keepdim"] = args.get("keepdim", False) or count == 1 or (args["dim"] is dims and len(dims) == count)
    if "correction" in args:
        args["correction"] = draw(st.sampled_from((0, 0, 1)))


def _along(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """An axis that is there."""
    args["dim"] = draw(st.integers(1, len(inputs[0]))) - draw(st.sampled_from((0, len(inputs[0]) + 1)))


def _order(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Axes in some order, the batch first, counted from either end."""
    rank = len(inputs[0])
    order = draw(st.permutations(range(1, rank + 1)))
    args["dims"] = [0, *(axis - draw(st.sampled_from((0, 0, rank + 1))) for axis in order)]


def _as_many(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """As many shifts as axes, which exist."""
    count = draw(st.integers(1, 3))
    args["dims"] = draw(st.lists(st.integers(1, len(inputs[0])), min_size=count, max_size=count))
    args["shifts"] = draw(st.lists(st.integers(-20, 20), min_size=count, max_size=count))


def _some_axes(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """A few different axes, counted from either end."""
    rank = len(inputs[0])
    some = draw(st.lists(st.integers(1, rank), min_size=1, unique=True))
    args["dims"] = [axis - draw(st.sampled_from((0, 0, rank + 1))) for axis in some]


def _two_axes(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    args["dim0"], args["dim1"] = (draw(st.integers(1, len(inputs[0]))) for _ in range(2))


def _single_cells(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Axes of one cell, some of which are to go."""
    single = draw(st.lists(st.booleans(), min_size=len(inputs[0]), max_size=len(inputs[0])))
    inputs[0] = Shape([1 if one else n for n, one in zip(inputs[0], single, strict=True)])
    some = draw(st.lists(st.integers(1, len(inputs[0])), min_size=1, unique=True))
    args["dim"] = draw(st.sampled_from((some, some[0])))


def _expanded(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Another size for axes of one cell."""
    _single_cells(draw, args, inputs)
    del args["dim"]
    sizes = [draw(st.integers(1, 5)) if n == 1 else n for n in inputs[0].torch]
    args["size"] = [-1, *(draw(st.sampled_from((-1, size))) for size in sizes)]


def _tiled(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """At most a number for every axis, the batch being one."""
    times = draw(st.lists(st.integers(1, 3), min_size=1, max_size=len(inputs[0])))
    args["dims"] = [1, *times] if len(times) == len(inputs[0]) and draw(st.booleans()) else times


def _parted(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Sizes that multiply to the axis that is parted."""
    dim = args["dim"] = draw(st.integers(1, len(inputs[0])))
    args["unflattened_size"] = _factors(draw, inputs[0].torch[dim - 1])


def _reshaped(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Sizes that multiply to all elements."""
    args["shape"] = _factors(draw, inputs[0].elements)


def _rearranged(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """A name for each axis, or two or three for its parts, put together in another way; a second input has the sizes
    of the result, and one of the parts of an axis, or more, are not given then.
    """
    sizes: dict[str, int] = {}
    left, given = [], set[str]()
    for _ in inputs[0]:
        names = ["abdefghijklmnop"[len(sizes) + i] for i in range(draw(st.sampled_from((1, 1, 2, 2, 3))))]
        sizes |= {name: draw(st.sampled_from((1, 2, 2, 3))) for name in names}
        left.append(names)
        given |= set(names) - {draw(st.sampled_from([*names, ""]))}
    row = draw(st.permutations([*sizes]))
    right: list[list[str]] = [[] for _ in range(draw(st.integers(1, 4)))]
    for name in row:
        right[draw(st.integers(0, len(right) - 1))].append(name)
    inputs[0] = Shape([math.prod(sizes[name] for name in names) for names in left])
    if len(inputs) > 1:
        inputs[1] = Shape([*(math.prod(sizes[name] for name in names) for names in right[:-1]), 2])
        given -= {draw(st.sampled_from([*sizes]))}
    args["pattern"] = f"{_axes(left)} -> {_axes(right)}"
    args.update({name: sizes[name] for name in sorted(given)})


def _axes(axes: list[list[str]]) -> str:
    return " ".join(names[0] if len(names) == 1 else f"({' '.join(names)})" for names in axes)


def _factors(draw: Draw, total: int) -> list[int]:
    sizes = []
    for _ in range(draw(st.integers(0, 2))):
        sizes.append(draw(st.sampled_from([n for n in range(1, min(total, 40) + 1) if total % n == 0])))
        total //= sizes[-1]
    sizes.append(draw(st.sampled_from((total, total, -1))))
    return draw(st.permutations(sizes))


def _summed(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Parts that add up to the axis that is split."""
    dim = args["dim"] = draw(st.integers(1, len(inputs[0])))
    n = inputs[0].torch[dim - 1]
    first = draw(st.integers(1, n))
    args["split_size"] = [first, n - first] if first < n else first


def _on_vectors(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """One axis or none, which is all that it takes."""
    inputs[0] = draw(_shapes(draw(st.integers(0, 1)), 9))
    args.pop("batch_axes", None)


def _alike(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """An input that is not smaller than what it is cropped to, or not larger than what it is padded to."""
    x, like = inputs
    larger = tuple(map(max, x, like)) if len(x) == len(like) else x
    smaller = tuple(map(min, x, like)) if len(x) == len(like) else x
    inputs[:] = [Shape(larger), Shape(smaller)]


def _padded_like(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    _alike(draw, args, inputs)
    inputs.reverse()


def _multiple(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Channels, and an axis, that what must divide them divides."""
    factor = next(iter(args.values())) or 1
    height, width, channels = inputs[0]
    inputs[0] = Shape((factor * height, factor * width, factor**2 * channels))


def _attending(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Heads that divide the channels, keys and values of one length, axes before the sequences that are the same, and
    a mask of the products, of which axes are missing or one cell.
    """
    heads = args["num_heads"] = args["num_heads"] or 2
    before, (length, keys) = inputs[0].spatial[:-1], draw(st.tuples(*(st.integers(1, 6),) * 2))
    if args.get("is_causal"):
        keys, inputs[:] = length, inputs[:3]
    width = heads * draw(st.integers(1, 3))
    sizes = [(length, width), (keys, draw(st.integers(1, 5))), (keys, draw(st.integers(1, 5)))]
    if len(inputs) == 2 or draw(st.booleans()):
        sizes[1:] = [(keys, width)] * 2
    masks = [draw(_masks((*before, heads), length, keys)) for _ in inputs[3:]]
    inputs[:] = [*(Shape((*before, *each)) for each, _ in zip(sizes, inputs, strict=False)), *masks]


def _products(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Queries, keys and values that meet, with a mask of the products, of which axes are missing or one cell."""
    before, (length, keys) = inputs[0].spatial[:-1], draw(st.tuples(*(st.integers(1, 6),) * 2))
    width, out = draw(st.tuples(*(st.integers(1, 4),) * 2))
    if args.get("is_causal"):
        inputs[:] = inputs[:3]
    many = before
    if args.get("enable_gqa") and before:
        many = (*before[:-1], before[-1] * draw(st.integers(1, 3)))
    masks = [draw(_masks(many, length, keys)) for _ in inputs[3:]]
    sizes = [(*many, length, width), (*before, keys, width), (*before, keys, out)]
    if before and not args.get("enable_gqa") and draw(st.booleans()):
        sizes[1] = (1, *sizes[1][1:])
    inputs[:] = [*map(Shape, sizes), *masks]


@st.composite
def _masks(draw: Draw, before: tuple[int, ...], length: int, keys: int) -> Shape:
    """The shape of a mask that can be repeated to all products."""
    some = before[draw(st.integers(0, len(before))) :]
    if not some and draw(st.sampled_from((True, False, False))):
        return Shape((keys,))
    return Shape((*(draw(st.sampled_from((n, n, 1))) for n in some), draw(st.sampled_from((length, 1))), keys))


def _table(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Rows by columns, where that is what is made, and ends for numbers that have some."""
    if args.get("fill") != "linspace":
        args.pop("start", None)
        args.pop("end", None)
    if args.get("fill") in ("causal_mask", "sinusoidal"):
        args["shape"] = draw(st.lists(st.integers(1, 9), min_size=2, max_size=2))
    if args.get("fill") == "relative_position_index":
        window = draw(st.integers(1, 4))
        args["shape"] = draw(st.sampled_from(([window**2, window**2], [window**4], [window, window**3])))


def _paired(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Channels that are pairs."""
    inputs[0] = Shape((*inputs[0].spatial, 2 * draw(st.integers(1, 5))))


def _with_states(count: int) -> Callable[[Draw, Arguments, list[Shape]], None]:
    """No state or all of them, each for all layers and directions, with the channels that are carried on."""

    def mend(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
        hidden = args["hidden_size"] = args["hidden_size"] or 3
        if args.get("proj_size", 0) >= hidden:
            del args["proj_size"]
        layers = args["num_layers"] = args.get("num_layers", 1) or 1
        before = [layers * (1 + args.get("bidirectional", False))] * len(inputs[0].spatial)
        states = [Shape((*before, n)) for n in (args.get("proj_size") or hidden, hidden)]
        inputs[1:] = states[:count] if inputs[1:] and not args.get("batch_axes") else []
        if not before:
            del args["num_layers"]

    return mend


def _encoded(draw: Draw, args: Arguments, inputs: list[Shape]) -> None:
    """Heads that divide the channels, and a memory with as many."""
    args["nhead"] = args["nhead"] or 2
    width = args["nhead"] * draw(st.integers(1, 3))
    inputs[0] = Shape((*(inputs[0].spatial or (3,)), width))
    inputs[1:] = [Shape((*inputs[0].spatial[:-1], draw(st.integers(1, 6)), width)) for _ in inputs[1:]]
    for name in ("embed_dim", "d_model"):
        args.pop(name, None)


Mend = Callable[[Draw, Arguments, list[Shape]], None]
"""Changes arguments and inputs, so that they fit one another."""

MENDED_BY_FIELD: Mapping[str, Mend] = {"other": _operands, "keepdim": _reduced}

MENDED: Mapping[str, Mend] = {
    "BatchNorm1d": _on_vectors,
    "CDist": _rows,
    "Constant": _table,
    "Conv1d": _convolved,
    "Conv2d": _convolved,
    "Conv3d": _convolved,
    "ConvTranspose1d": _convolved,
    "ConvTranspose2d": _convolved,
    "ConvTranspose3d": _convolved,
    "Clamp": _bounds,
    **{f"Convolve{rank}d": partial(_convolved_with, rank) for rank in (1, 2, 3)},
    "CropLike": _alike,
    "Cumsum": _along,
    "Fold": _blocks,
    "Einsum": _summed_over,
    "Expand": _expanded,
    "Flip": _some_axes,
    "FractionalMaxPool2d": _fractional,
    "FractionalMaxPool3d": _fractional,
    **dict.fromkeys(("GRU", "GRUCell", "RNN", "RNNCell"), _with_states(1)),
    "Gather": _picking,
    "IndexSelect": _listed_cells,
    "Interpolate": _one_size,
    "LSTM": _with_states(2),
    "LSTMCell": _with_states(2),
    "MatMul": _matrices,
    "MultiheadAttention": _attending,
    "Normalize": _along,
    "PadLike": _padded_like,
    "Permute": _order,
    "PixelShuffle": _multiple,
    "PixelUnshuffle": _multiple,
    "Rearrange": _rearranged,
    "Reshape": _reshaped,
    "Roll": _as_many,
    "SetSlice": _over_slice,
    "RotaryEmbedding": _paired,
    "ScaledDotProductAttention": _products,
    "Split": _summed,
    "TransformerDecoder": _encoded,
    "TransformerDecoderLayer": _encoded,
    "TransformerEncoder": _encoded,
    "TransformerEncoderLayer": _encoded,
    "Squeeze": _single_cells,
    "Tile": _tiled,
    "TopK": _largest,
    "Transpose": _two_axes,
    "Unflatten": _parted,
    "Upsample": _one_size,
    "UpsamplingBilinear2d": _one_size,
    "UpsamplingNearest2d": _one_size,
    "Where": _conditional,
}


def _mend_of(type: type[Layer]) -> Mend | None:
    """What makes the cases of a layer type fit, where most would not."""
    by_field = (mend for field, mend in MENDED_BY_FIELD.items() if field in type.model_fields)
    return MENDED.get(type.__name__) or next(by_field, None)
