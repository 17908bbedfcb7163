"""Windows, grids, patches and heads: what is read through them, against gradients; sizes; what is written."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from linear_copy import LinearCopy, mask
from planner.analyses.reach import trace
from random_networks import planned
from test_reach import check_unread
from test_receptive_field import check_fields

Entry = dict[str, Any]
CASES = Path(__file__).parent / "cases" / "architectures"
FEW = settings(max_examples=settings().max_examples // 8)


# Random networks


def _windows(random: Random) -> tuple[str, str]:
    """A pattern that makes windows, patches or a grid of a map, and the one that takes them back."""
    there = random.choice(
        [
            "(h i) (w j) c -> (h w) (i j) c",
            "(h i) (w j) c -> (w h) (j i) c",
            "(i h) (j w) c -> (h w) (i j) c",
            "(h i) (w j) c -> (i j) (h w) c",
            "(h i) (w j) c -> h w (i j c)",
            "(h i) w c -> h (i w) c",
            "h w c -> (h w) c",
            "(h i k) w c -> k (h w) i c",
        ]
    )
    left, right = there.split(" -> ")
    return there, f"{right} -> {left}"


def _attended(random: Random, layers: list[Entry], inside: str, width: int) -> str:
    """The last of a few layers in windows: attention, alone or beside what it reads, and dense ones."""
    for _ in range(random.randint(1, 2)):
        kind = random.choice(["attention", "attention", "residual", "linear"])
        at = f"l{len(layers)}"
        if kind == "linear":
            layers.append({"name": at, "type": "Linear", "out_features": width, "from": inside})
        else:
            layers.append({"name": at, "type": "MultiheadAttention", "num_heads": 1, "from": inside})
        if kind == "residual":
            layers.append({"name": f"{at}_x", "type": "Add", "from": [at, inside]})
        inside = layers[-1]["name"]
    return inside


def network(random: Random) -> Entry:
    """A network on a map that is parted again and again, with convolutions, shifts and residuals between."""
    size = random.choice([12, 24, 36])
    layers: list[Entry] = []
    names = ["input"]
    for _ in range(random.randint(1, 4)):
        x, at = names[-1], f"l{len(layers)}"
        kind = random.choice(["windows", "windows", "windows", "conv", "roll", "residual", "channels"])
        if kind == "conv":
            layers.append({"name": at, "type": "Conv2d", "out_channels": 2, "kernel_size": 3, "padding": 1, "from": x})
        elif kind == "roll":
            shifts = [random.randint(-3, 3), random.randint(-3, 3)]
            layers.append({"name": at, "type": "Roll", "shifts": shifts, "dims": [2, 3], "from": x})
        elif kind == "residual":
            layers.append({"name": at, "type": "Add", "from": [x, random.choice(names)]})
        elif kind == "channels":
            there, back = "(h i) w c -> h w (i c)", "h w (i c) -> (h i) w c"
            layers.append({"name": at, "type": "Rearrange", "pattern": there, "i": 2, "from": x})
            layers.append({"name": f"{at}_b", "type": "Linear", "out_features": 4, "from": at})
            layers.append({"name": f"{at}_c", "type": "Rearrange", "pattern": back, "i": 2, "from": f"{at}_b"})
        else:
            there, back = _windows(random)
            sizes = {name: random.choice([2, 3]) if name < "k" else 2 for name in "ijk" if name in there}
            width = 2 * sizes["i"] * sizes["j"] if "(i j c)" in there else 2
            layers.append({"name": at, "type": "Rearrange", "pattern": there, **sizes, "from": x})
            inside = _attended(random, layers, at, width)
            layers.append({"name": f"{at}_b", "type": "Rearrange", "pattern": back, **sizes, "from": [inside, x]})
        names.append(layers[-1]["name"])
    return {"input": [size, size, 2], "layers": layers or [{"type": "ReLU"}]}


NETWORKS = st.integers(0, 1 << 32).map(lambda seed: network(Random(seed)))


@FEW
@given(NETWORKS)
def test_fields_are_extents_of_gradients(mapping: Entry) -> None:
    check_fields(mapping)


@FEW
@given(NETWORKS, st.randoms(use_true_random=False))
def test_a_cell_sees_what_its_gradient_says(mapping: Entry, random: Random) -> None:
    """Cell by cell: of the output, and of every tensor on the way."""
    plan = planned(mapping)
    copy = LinearCopy(plan)
    for i in {random.randrange(1, len(plan.steps)), len(plan.steps) - 1}:
        value = copy.values[i][0]
        place = [random.randrange(n) for n in plan.steps[i].outputs[0]]
        region = tuple(1 << cell for cell in place)
        chosen = value[(0, place[-1], *place[:-1])]
        (seen,) = copy.read(chosen, [copy.values[0][0]])
        found = trace(plan, i, 0, (region,))["input"]
        assert (mask(found, plan.steps[0].outputs[0]) == seen).all(), plan.steps[i].name


@FEW
@given(NETWORKS, st.randoms(use_true_random=False))
def test_unread_is_what_has_no_gradient(mapping: Entry, random: Random) -> None:
    """Where only a corner of the output, or of one that is still in windows, is read."""
    x = random.choice(mapping["layers"])["name"]
    cut = {"name": "cut", "type": "Slice", "dim": random.choice([2, -1]), "stop": random.randint(1, 4), "from": x}
    check_unread({**mapping, "layers": [*mapping["layers"], cut]})
