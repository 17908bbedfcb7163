"""Sizes of several axes together, against planning the model at one combination after another and judging the plan."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from random import Random

import pytest

from coupled_networks import NETWORKS, STRIDED
from planner.analyses.input_sizes import InputSizes, _Solver, input_sizes
from planner.analyses.sizes import AxisSizes
from planner.geometry import Shape
from planner.plan import Known, Plan
from planner.propagation import propagate
from planner.report import Report
from planner.rules import judge, rules
from planner.source import of_mapping, read
from planner.unfolding import load
from planner.workbench import checked

CONFIGS = Path(__file__).parents[1] / "configs"
Sizes = dict[tuple[str, str], int]
"""The sizes of axes, by the names of input and axis."""
NO_RULE = {"positions from another input", "coordinate attention in halves"}
"""Where axes depend on one another in more ways than can be said, and so are told beside the others as they are."""
LOSSES = {"NSP320", "NSP321", "NSP322", "NSP325", "NSP334"}


def losses_in(plan: Plan) -> set[str]:
    """The codes of what the rules find of losses in a plan."""
    report = Report(plan)
    return {each.code for rule in rules() for each in judge(report, rule)} & LOSSES


"""What `check` says of cells that nothing reads."""


@cache
def answer(name: str, start: int) -> list[InputSizes]:
    return list(input_sizes(load(of_mapping(NETWORKS[name].mapping(start)))))


def said(found: list[InputSizes], sizes: Sizes, kind: str) -> bool | None:
    """What is said of the sizes of all axes; None where it is said beside other sizes only."""
    holds, joined = True, set[tuple[str, str]]()
    for each in found:
        for axis in each.axes:
            if not isinstance(axis, AxisSizes) or any(sizes[named(name, each.input)] != n for name, n in axis.beside):
                return None
        for together in each.together:
            places = [(axis.input, axis.name) for axis in together.axes]
            joined.update(places)
            holds = holds and together.match([sizes[place] for place in places], kind) is not None
    alone = [axis for each in found for axis in each.axes if isinstance(axis, AxisSizes)]
    return holds and all(
        sizes[axis.input, axis.name] in getattr(axis, kind) for axis in alone if (axis.input, axis.name) not in joined
    )


def named(name: str, input: str) -> tuple[str, str]:
    """An axis by its name, that of another input with the input's."""
    other, _, axis = name.rpartition(".")
    return other or input, axis


def combinations(found: list[InputSizes], long: bool, name: str) -> Iterator[Sizes]:
    """Every pair to 64 and 400 to 512 with --long, of both a sample otherwise; and some that are said to go together,
    or nearly.
    """
    random = Random(name)
    places = [(each.input, axis.name) for each in found for axis in each.axes]
    most = {1: 64, 2: 64, 3: 19}.get(len(places), 8)
    every = list(product(range(1, most + 1), repeat=len(places)))
    for sizes in every if long else random.sample(every, 160):
        yield dict(zip(places, sizes, strict=True))
    for _ in range(400 if long else 40):
        yield {place: random.randint(1, 512) for place in places}
    several = list(dict.fromkeys(together for each in found for together in each.together))
    for _ in range(400 if long else 40):
        near = {place: random.randint(1, most) for place in places}
        for together in several:
            sets = random.choice(together.matches).box().at(random.randint(0, 30))
            for axis, each in zip(together.axes, sets, strict=True):
                near[axis.input, axis.name] = (each.nearest(random.randint(1, 99)) or 1) + random.choice((0, 0, 0, 1))
        yield near


def compare(name: str, *, long: bool) -> None:
    starts = [answer(name, start) for start in range(3)]
    model = load(of_mapping(NETWORKS[name].mapping()))
    known: Known = {}
    shapes = [(each.input, [axis.name for axis in each.axes], each.shape.channels) for each in starts[0]]
    for sizes in combinations(starts[0], long, name):
        inputs = {name: Shape((*(sizes[name, axis] for axis in axes), channels)) for name, axes, channels in shapes}
        plan = propagate(model, inputs=inputs, known=known)
        for each in starts:
            assert said(each, sizes, "works") in (plan.complete, None), (sizes, each)
        if plan.complete:
            codes = losses_in(plan)
            for each in starts:
                assert said(each, sizes, "lossless") in (not codes, None), (sizes, each, codes)


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_that_go_together_from_three_starts(name: str) -> None:
    compare(name, long=False)


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_every_pair_of_sizes_from_three_starts(name: str) -> None:
    compare(name, long=True)


@pytest.mark.parametrize("name", sorted({*NETWORKS} - NO_RULE))
def test_one_answer_from_any_start(name: str) -> None:
    """What is said of each axis is said beside no other size, and is the same whatever size stands in the file."""
    one, *others = [
        [
            (axis.works, axis.lossless, axis.beside)
            for each in answer(name, start)
            for axis in each.axes
            if isinstance(axis, AxisSizes)
        ]
        for start in range(3)
    ]
    assert all(each == one for each in others)
    assert one
    assert not any(beside for _, _, beside in one)


@pytest.mark.parametrize("name", ["resnet18", "unet_same", "squeezenet1_1", "lenet5", "vit_b_16"])
def test_pairs_of_sizes_of_networks(name: str) -> None:
    """What `check` says at pairs of sizes is what the sizes say of them."""
    model = load(read(CONFIGS / f"{name}.yaml"))
    (found,) = input_sizes(model)
    random = Random(name)
    known: Known = {}
    sizes = [(random.randint(1, 512), random.randint(1, 512)) for _ in range(24)]
    for pair in [*sizes, (224, 224), (230, 224), (448, 112), (119, 463)]:
        plan = propagate(model, inputs={"input": Shape((*pair, found.shape.channels))}, known=known)
        both = {("input", "height"): pair[0], ("input", "width"): pair[1]}
        assert said([found], both, "works") == plan.complete, pair
        if plan.complete:
            codes = losses_in(plan)
            assert said([found], both, "lossless") == (not codes), (pair, codes)


def test_positions_at_384_have_other_sizes() -> None:
    report = checked(CONFIGS / "vit_b_16.yaml", input={"input": [384, 384, 3]})
    (found,) = input_sizes(report.plan.model)
    (together,) = found.together
    assert together.equal.works.also == tuple(range(224, 240))
    assert together.match((119, 463)) is not None
    assert together.match((384, 384)) is None
    assert [len(each.axes) for each in together.matches] == [2] * 9


def test_axes_that_must_be_equal_are_said_as_pairs() -> None:
    square = [
        {"name": "c", **STRIDED},
        {"name": "t", "type": "Permute", "dims": [0, 1, 3, 2]},
        {"type": "Add", "from": ["c", "t"]},
    ]
    (found,) = input_sizes(load(of_mapping({"input": [32, 32, 4], "layers": square})))
    (together,) = found.together
    (match,) = together.matches
    assert [axis.works.also for axis in match.axes] == [(1, 2), (1, 2)]
    assert match.step == (2, 2)
    assert together.equal.works.words() == "every n from 1"
    for pair, works in (((31, 32), True), ((32, 33), False), ((10**9 - 1, 10**9), True), ((1, 3), False)):
        assert (together.match(pair) is not None) == works


@pytest.mark.parametrize("count", [2, 7])
@pytest.mark.parametrize("kind", ["Concat", "Add"])
def test_inputs_that_the_same_steps_read_alike_have_the_same_answer(
    count: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"i{k}" for k in range(count)]
    conv = {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2}
    layers = [
        {"type": kind, "from": names},
        conv,
        {"type": "Flatten"},
        {"type": "Linear", "in_features": 140, "out_features": 2},
    ]
    model = load(of_mapping({"input": {name: [16, 12, 3] for name in names}, "layers": layers}))
    found = list(input_sizes(model))
    monkeypatch.setattr(_Solver, "role", lambda _, source: source)
    assert found == list(input_sizes(model))


def test_inputs_that_meet_behind_another_merge_are_told_beside_the_others() -> None:
    """Along each axis by itself the first merge fails at all sizes but one, so the second is never seen to change."""
    layers = [{"name": "ab", "type": "Add", "from": ["a", "b"]}, {"name": "abc", "type": "Add", "from": ["ab", "c"]}]
    model = load(of_mapping({"input": {name: [8, 8, 4] for name in "abc"}, "layers": layers}))
    assert propagate(model, inputs={name: Shape((9, 9, 4)) for name in "abc"}).complete
    for each in input_sizes(model):
        for axis in each.axes:
            assert isinstance(axis, AxisSizes)
            assert 9 in axis.works or axis.beside, axis


def test_inputs_of_one_shape_are_told_at_once_too() -> None:
    """Through attention the axes of both depend on one another, for too many sizes to try them all."""
    encoder = [
        {"name": "down", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1},
        {"name": "map", "type": "MaxPool2d", "kernel_size": 2},
        {"name": "tokens", "type": "Rearrange", "pattern": "h w c -> (h w) c"},
        {"name": "mixed", "type": "MultiheadAttention", "num_heads": 2},
        {"type": "Rearrange", "pattern": "(h w) c -> h w c", "h": "ceil($input.height / 2) // 2"},
    ]
    layers = [
        {"name": "a", "type": "encoder", "from": "before"},
        {"name": "b", "type": "encoder", "from": "after", "share": "a"},
        {"type": "Subtract", "from": ["a", "b"]},
    ]
    inputs = {"before": [24, 16, 3], "after": [24, 16, 3]}  # which lose nothing
    model = load(of_mapping({"input": inputs, "layers": layers, "blocks": {"encoder": {"layers": encoder}}}))
    found = next(input_sizes(model))
    assert [each.inputs for each in found.at_once] == [("before", "after")] * 2
    for k, each in enumerate(found.at_once):
        for n in range(1, 90):
            shape = [24, 16, 3]
            shape[k] = n
            plan = propagate(model, inputs=dict.fromkeys(inputs, Shape(shape)))
            assert (n in each.axis.works) == plan.complete, (k, n)
            if plan.complete:
                lossless = not losses_in(plan)
                assert (n in each.axis.lossless) == lossless, (k, n)


def test_outputs_that_are_not_there_at_some_sizes_are_not_seen_there() -> None:
    """Of one row there is no second half."""
    layers = [
        {"name": "halves", "type": "Chunk", "dim": 2, "chunks": 2},
        {"name": "turned", "type": "Permute", "dims": [0, 3, 1, 2], "from": "input"},
        {"name": "product", "type": "MatMul", "from": ["turned", "halves.0"]},
    ]
    model = load(of_mapping({"input": [2, 4, 4], "layers": layers, "outputs": ["halves.1", "product"]}))
    found = list(input_sizes(model))
    for height, width in product(range(1, 9), repeat=2):
        plan = propagate(model, inputs={"input": Shape((height, width, 4))})
        sizes = {("input", "height"): height, ("input", "width"): width}
        assert said(found, sizes, "works") in (plan.complete, None), sizes
