"""Sizes: the answers for every n against planning the model at one n after another, and against published figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lighter import seldom
from planner.analyses.input_sizes import input_sizes
from planner.analyses.line import NotPeriodic
from planner.analyses.residues import Residues
from planner.analyses.sizes import AxisSizes, sizes
from planner.geometry import AxisMap, SameWindow, Shape, Spread, Window
from planner.model import Model
from planner.plan import Known, Plan
from planner.propagation import propagate
from planner.report import Report
from planner.rules._dropped import dropped
from planner.source import of_mapping, read
from planner.unfolding import load
from random_networks import ALL, network, networks

CONFIGS = Path(__file__).parents[1] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
LAST = 1200
LONG = settings().max_examples > 1_000
"""Whether the run is one with `--long`."""

SOME = settings(max_examples=settings().max_examples * 2 // 5)

# What the words mean, at one size


@dataclass(frozen=True)
class Verdict:
    """What is said of one size.

    works     every step has its shapes
    lossless  and none leaves out a line of real cells of the axis that nothing else reads, as the rules find it
    exact     and none has a cell left over there, of padding either, or hangs over the end
    """

    works: bool
    lossless: bool
    exact: bool


def verdict(plan: Plan, input: str, axis: int) -> Verdict:
    """The verdict on a plan, of whose steps those count that depend on the input; none of them exchanges axes."""
    if not plan.complete:
        return Verdict(False, False, False)
    behind = {i for i, step in enumerate(plan.steps) if step.name == input}
    exact = True
    for i, step in enumerate(plan.steps):
        if any(ref.step in behind for ref in step.sources):
            behind.add(i)
        for links, out in zip(step.links, step.outputs, strict=not step.is_input):
            for ref, link, x in zip(step.sources, links, step.inputs, strict=True):
                if ref.step in behind and axis < len(link.axes) and link.landing[axis] == axis:
                    along = link.axes[axis]
                    exact = exact and fits(along, x[axis], out[axis]) and not loses(along, x[axis], out[axis])
    lossless = not lost(plan, axis, {plan.steps[i].name for i in behind})
    return Verdict(True, lossless, lossless and exact)


def lost(plan: Plan, axis: int, behind: set[str]) -> bool:
    """Whether steps lose lines of cells of an axis by the rules, or have windows on padding alone."""
    report = Report(plan)
    for step, found in dropped(report):
        nowhere = any(each.axis.axis == axis and (each.edge | each.between) & each.nowhere for each in found)
        if nowhere and plan.steps[step.sources[found[0].axis.source].step].name in behind:
            return True
    losses = [
        each for step, found in zip(plan.steps, report.losses, strict=True) if step.name in behind for each in found
    ]
    return any(each.axis == axis and each.loss.blank for each in losses)


def loses(along: AxisMap, n: int, out: int) -> bool:
    """Whether the first or the last of n cells has no part in any of the out cells that a map makes of them."""
    if isinstance(along, Spread):
        return along.extent - 1 < along.padding or (n - 1) * along.stride - along.padding >= out
    if isinstance(along, SameWindow):
        along = along.at(n)
    if not isinstance(along, Window):
        return False
    last = (out - 1) * along.stride - along.before + along.extent - 1
    return any(cell not in copied(along, n, out) for cell in range(max(last + 1, 0), n))


def copied(window: Window, n: int, out: int) -> set[int]:
    """The real cells that windows read in padding that repeats them."""
    places = range(-window.before, n + window.after)
    taps = {i * window.stride - window.before + j * window.dilation for i in range(out) for j in range(window.kernel)}
    padding = [place for place in places if place in taps and not 0 <= place < n]
    if window.mode == "reflect":
        return {-place if place < 0 else 2 * (n - 1) - place for place in padding}
    if window.mode == "replicate":
        return {0 if place < 0 else n - 1 for place in padding}
    return {place % n for place in padding} if window.mode == "circular" else set()


def fits(along: AxisMap, n: int, out: int) -> bool:
    """Whether the last window ends where the padded axis does."""
    if isinstance(along, SameWindow):
        along = along.at(n)
    return not isinstance(along, Window) or (out - 1) * along.stride + along.extent == along.before + n + along.after


def check(model: Model, input: str, axis: int, tried: Iterable[int]) -> None:
    found = sizes(model, input, axis)
    given = next(each.input for each in model.instances if each.name == input)
    assert given is not None
    known: Known = {}
    for n in tried:
        shape = Shape((*given[:axis], n, *given[axis + 1 :]))
        expected = verdict(propagate(model, inputs={input: shape}, known=known), input, axis)
        answer = Verdict(n in found.works, n in found.lossless, n in found.exact)
        assert answer == expected, f"{input} axis {axis} of {n}"


# Random networks

ALIKE = tuple(kind for kind in ALL if kind not in ("transpose", "parts"))
"""No axes are exchanged, and none is cut into more and more parts."""


@SOME
@given(networks(kinds=ALIKE), st.integers(0, 5))
def test_every_size_of_random_networks(mapping: dict[str, Any], place: int) -> None:
    model = load(of_mapping(mapping))
    inputs = [each for each in model.instances if each.input]
    chosen = inputs[place % len(inputs)]
    assert chosen.input is not None
    check(model, chosen.name, place % len(chosen.input.spatial), range(1, LAST + 1 if LONG else 121))


@pytest.mark.parametrize("seed", range(6))
def test_every_size_up_to_the_last_of_a_few_random_networks(seed: int) -> None:
    model = load(of_mapping(network(Random(seed), kinds=ALIKE, rank=1, layers=6)))
    check(model, "x", 0, range(1, LAST + 1))


# Networks


@cache
def config(name: str) -> Model:
    return load(read(CONFIGS / f"{name}.yaml"))


def axes(name: str) -> list[tuple[str, int]]:
    """The spatial axes of a network's inputs."""
    inputs = [each for each in config(name).instances if each.input]
    return [(each.name, axis) for each in inputs for axis in range(len((each.input or ())[:-1]))]


AXES = [(name, *each) for name in NAMES for each in axes(name)]


@pytest.mark.parametrize(("name", "input", "axis"), seldom(AXES))
def test_sizes_of_networks(name: str, input: str, axis: int) -> None:
    """All small sizes and some of the others; of the first axis more."""
    random = Random(f"{name} {axis}")
    small, many = (64, 24) if axis == 0 else (8, 12)
    check(config(name), input, axis, [*range(1, small + 1), *sorted(random.sample(range(small + 1, LAST + 1), many))])


@pytest.mark.long
@pytest.mark.parametrize(("name", "input", "axis"), AXES)
def test_every_size_of_networks(name: str, input: str, axis: int) -> None:
    check(config(name), input, axis, range(1, LAST + 1))


@dataclass(frozen=True)
class Sizes:
    """A network's sizes: the smallest that works, and those that are exact, as residue, period and the first one."""

    config: str
    works: int
    exact: tuple[int, int, int]


SIZES = [
    Sizes("alexnet", 63, (31, 32, 63)),
    Sizes("vgg16", 32, (0, 32, 32)),
    Sizes("resnet18", 1, (1, 32, 1)),
    Sizes("resnet50", 1, (1, 32, 1)),
    Sizes("mobilenet_v2", 1, (1, 32, 1)),
    Sizes("inception_v3", 75, (11, 32, 75)),
    Sizes("squeezenet1_0", 21, (3, 16, 35)),
    Sizes("squeezenet1_1", 17, (15, 16, 31)),
    Sizes("densenet121", 29, (29, 32, 29)),
    Sizes("googlenet", 15, (13, 32, 45)),
]


@pytest.mark.parametrize("each", SIZES, ids=lambda each: each.config)
def test_published_sizes(each: Sizes) -> None:
    for axis in (0, 1):
        found = sizes(config(each.config), "input", axis)
        assert found.works == Residues(each.works, 1, (0,))
        residue, period, first = each.exact
        assert found.exact == Residues(first, period, (residue,))
        assert (found.given, found.name) == (299 if each.config == "inception_v3" else 224, ("height", "width")[axis])


def test_unet_as_published() -> None:
    """Valid convolutions at four levels: a tile must be even wherever it is halved; 184 cells go (arXiv:1505.04597)."""
    model = config("unet")
    found = sizes(model, "input", 0)
    assert found.works == found.lossless == found.exact == Residues(188, 16, (12,))
    assert found.works.words("height") == "height ≡ 12 mod 16, from 188"
    for n in (188, 572, 188 + 16 * 7):
        plan = propagate(model, inputs={"input": Shape((n, 572, 1))})
        shape = plan.shape(plan.outputs[0])
        assert shape is not None
        assert shape[:2] == (n - 184, 388)


def test_unet_with_same_padding() -> None:
    found = sizes(config("unet_same"), "input", 1)
    assert found.works == found.lossless == found.exact == Residues(16, 16, (0,))


def test_positions_that_are_learnt_fix_the_size() -> None:
    """ViT adds a vector to each of 196 patches: up to 15 pixels more are cut off, another patch does not fit."""
    found = sizes(config("vit_b_16"), "input", 0)
    assert found.works == Residues(1, 1, (), tuple(range(224, 240)))
    assert found.exact == Residues(1, 1, (), (224,))


# By hand


def axis_sizes(layers: list[dict[str, Any]], shape: list[int] | None = None, axis: int = 0) -> AxisSizes:
    model = load(of_mapping({"input": shape or [64, 48, 4], "layers": layers}))
    return sizes(model, "input", axis)


def test_a_layer_that_wants_even_sizes_behind_a_stride() -> None:
    """The period is longer than the strides tell: n // 2 must be even."""
    found = axis_sizes([{"type": "MaxPool2d", "kernel_size": 2}, {"type": "PixelUnshuffle", "downscale_factor": 2}])
    assert found.works == Residues(4, 4, (0, 1))
    assert found.lossless == found.exact == Residues(4, 4, (0,))


@pytest.mark.parametrize("window", [10, 33, 64, 100, 127, 300])
def test_windows_however_long(window: int) -> None:
    cut = {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, window]}
    assert axis_sizes([cut], [window, 4]).works == Residues(window, window, (0,))
    found = axis_sizes([{"type": "MaxPool1d", "kernel_size": 2}, cut], [2 * window, 4])
    assert found.works == Residues(2 * window, 2 * window, (0, 1))
    shaped = axis_sizes([{"type": "Reshape", "shape": [-1, window * 2, 2]}], [window * 4, 4])
    assert shaped.works == Residues(window, window, (0,))


def test_a_size_that_must_be_as_large_as_the_channels() -> None:
    """The length grows past the channels, and one length on the way works."""
    assert axis_sizes([{"type": "MatMul", "from": ["input", "input"]}], [6, 4]).works == Residues(1, 1, (), (4,))
    pool = {"name": "pool", "type": "MaxPool1d", "kernel_size": 2}
    found = axis_sizes([pool, {"type": "MatMul", "from": ["pool", "pool"]}], [6, 40])
    assert found.works == Residues(1, 1, (), (80, 81))


def test_an_output_that_is_not_there_at_the_smallest_sizes() -> None:
    layers = [
        {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, 3]},
        {"type": "Conv2d", "out_channels": 4, "kernel_size": 1, "stride": 3, "padding": 1},
        {"name": "halves", "type": "Chunk", "dim": 2, "chunks": 2},
    ]
    model = load(of_mapping({"input": [12, 4], "layers": layers, "outputs": ["halves.0", "halves.1"]}))
    assert sizes(model, "input", 0).works == Residues(6, 3, (0,))


def test_a_layer_that_is_too_large_far_out_is_not_said_to_fail() -> None:
    """Halves of any length are windows as far apart as the length has cells, of which there may be too many."""
    halves = {"type": "Unflatten", "dim": 2, "unflattened_size": [2, -1]}
    assert axis_sizes([halves], [8, 4]).works == Residues(2, 2, (0,))
    with pytest.raises(NotPeriodic, match="too large"):
        axis_sizes([{"type": "Conv1d", "out_channels": 1 << 50, "kernel_size": 1}], [8, 4])


def test_sizes_that_grow_with_the_square_are_followed_less_far() -> None:
    """Every cell with every other, and text of any length with them: sizes cross where the two are equal."""
    cells = {"name": "cells", "type": "Flatten", "start_dim": 2, "from": "image"}
    known = {
        "input": {"image": [16, 12, 4], "text": [7, 4]},
        "layers": [
            cells,
            {"name": "own", "type": "Einsum", "equation": "bcn,bcm->bnm", "from": ["cells", "cells"]},
            {"name": "told", "type": "Einsum", "equation": "bcn,bcm->bnm", "from": ["cells", "text"]},
        ],
        "outputs": ["own", "told"],
    }
    model = load(of_mapping(known))
    for name, axis in (("image", 0), ("image", 1), ("text", 0)):
        check(model, name, axis, [*range(1, 40), 150, 191, 192, 193, 1000])
        assert sizes(model, name, axis).works == Residues(1, 1, (0,))
    found = {each.input: each for each in input_sizes(model)}
    assert all(isinstance(axis, AxisSizes) and not axis.beside for each in found.values() for axis in each.axes)


def test_numbers_too_large_for_any_size_are_answered_at_once() -> None:
    conv = {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 1 << 62}
    started = process_time()
    assert not axis_sizes([conv]).works
    with pytest.raises(NotPeriodic, match="no period"):
        axis_sizes([{"type": "Flatten"}, {"type": "Linear", "in_features": 10**9, "out_features": 2}])
    assert process_time() - started < 5  # 0.2 s where nothing else runs


def test_a_dense_layer_of_a_given_width_fixes_the_size() -> None:
    linear = {"type": "Linear", "out_features": 2, "in_features": 16 * 12 * 4}
    found = axis_sizes([{"type": "MaxPool2d", "kernel_size": 4}, {"type": "Flatten"}, linear])
    assert found.works == Residues(1, 1, (), (64, 65, 66, 67))
    assert found.exact == Residues(1, 1, (), (64,))


def test_two_inputs_must_agree() -> None:
    mapping = {
        "input": {"x": [64, 48, 4], "y": [32, 24, 4]},
        "layers": [
            {"name": "half", "type": "MaxPool2d", "from": "x", "kernel_size": 2},
            {"type": "Add", "from": ["half", "y"]},
        ],
    }
    model = load(of_mapping(mapping))
    assert sizes(model, "x", 0).works == Residues(1, 1, (), (64, 65))
    assert sizes(model, "x", 0).exact == Residues(1, 1, (), (64,))
    assert sizes(model, "y", 1).works == Residues(1, 1, (), (24,))


def test_a_crop_needs_what_it_crops() -> None:
    found = axis_sizes([{"type": "CenterCrop", "size": [40, 8]}])
    assert found.works == Residues(40, 1, (0,))


def test_losses_behind_another_axis_do_not_count() -> None:
    layers = [{"type": "MaxPool2d", "kernel_size": [1, 5]}]
    assert axis_sizes(layers, axis=0).exact == Residues(1, 1, (0,))
    assert axis_sizes(layers, axis=1).exact == Residues(5, 5, (0,))


def test_a_size_at_which_the_model_never_works() -> None:
    layers = [{"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "groups": 3}]
    found = axis_sizes(layers)
    assert not found.works
    assert found.works.words() == "no n"


def test_which_steps_ask_for_what() -> None:
    conditions = {each.step: each for each in sizes(config("vgg16"), "input", 0).conditions}
    pools = ["features.4", "features.9", "features.16", "features.23", "features.30"]
    assert list(conditions) == pools
    for i, name in enumerate(pools, 1):
        asked = conditions[name]
        assert asked.works.words() == f"every n from {2**i}"
        residues = f"0–{2 ** (i - 1) - 1}" if i > 1 else "0"
        assert asked.lossless.words() == asked.exact.words() == f"n ≡ {residues} mod {2**i}, from {2**i}"


def test_a_model_file_with_faults_has_no_sizes() -> None:
    with pytest.raises(NotPeriodic, match="faults"):
        axis_sizes([{"type": "Conv2d", "out_channels": 8, "kernel_size": 0}])


# Sets of sizes


RESIDUES = [
    (Residues(188, 16, (12,)), "height ≡ 12 mod 16, from 188"),
    (Residues(1, 1, (0,)), "every height from 1"),
    (Residues(63, 32, (0, 1, 31)), "height ≡ 0–1, 31 mod 32, from 63"),
    (Residues(1, 1, (), (224, 225)), "height = 224–225"),
    (Residues(10, 2, (0,), (3, 7)), "height ≡ 0 mod 2, from 10; also 3, 7"),
    (Residues(1, 1, ()), "no height"),
]


@pytest.mark.parametrize(("residues", "words"), RESIDUES, ids=[words for _, words in RESIDUES])
def test_sets_of_sizes(residues: Residues, words: str) -> None:
    """In words, and the next ones to either side of every size."""
    assert residues.words("height") == words
    members = [n for n in range(1, 700) if n in residues]
    assert bool(residues) == bool(members)
    for n in range(1, 400):
        assert residues.below(n) == max((m for m in members if m < n), default=None)
        assert residues.above(n) == min((m for m in members if m > n), default=None)
