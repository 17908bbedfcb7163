"""Time grows with the size of a file, not with its square: files of one form, twice as large each time."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

import planner
from planner.analyses.input_sizes import input_sizes
from planner.source import of_mapping
from planner.unfolding import load

SMALL, DOUBLED = 500, 1000
MOST = 3.4
"""How much longer twice as large a file may take: 2 would be linear, 4 quadratic."""


def concat_of_convolutions(k: int) -> dict[str, Any]:
    convs = [conv(f"c{i}", i % 8, from_="input") for i in range(k)]
    return {"input": [64, 64, 3], "layers": [*convs, {"type": "Concat", "from": [f"c{i}" for i in range(k)]}]}


def one_source_many_times(k: int) -> dict[str, Any]:
    return {"input": [8, 8, 3], "layers": [{"type": "Concat", "from": ["input"] * k}]}


def branches_that_lose_cells(k: int) -> dict[str, Any]:
    convs = [
        {"name": f"c{i}", "type": "Conv1d", "out_channels": 1, "kernel_size": 2, "from": "input"} for i in range(k)
    ]
    for i, each in enumerate(convs):
        each["stride"] = 2 + i % 3
    return {"input": [9, 3], "layers": convs, "outputs": [f"c{i}" for i in range(k)], "allow": "lost-cells"}


def parts_of_one_tensor(k: int) -> dict[str, Any]:
    split = {"name": "s", "type": "Chunk", "chunks": k}
    return {"input": [4, k], "layers": [split, {"type": "Concat", "from": [f"s.{i}" for i in range(k)]}]}


def chain_of_additions(k: int) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    for i in range(k // 2):
        before = f"a{i - 1}" if i else "input"
        layers += [conv(f"c{i}", 1), {"name": f"a{i}", "type": "Add", "from": [f"c{i}", before]}]
    return {"input": [16, 16, 3], "layers": layers}


def conv(name: str, padding: int, from_: str | None = None) -> dict[str, Any]:
    found = {"name": name, "type": "Conv2d", "out_channels": 3, "kernel_size": 2 * padding + 1, "padding": padding}
    return {**found, "from": from_} if from_ else found


FORMS = [
    concat_of_convolutions,
    one_source_many_times,
    branches_that_lose_cells,
    parts_of_one_tensor,
    chain_of_additions,
]


def seconds(mapping: dict[str, Any]) -> float:
    start = process_time()
    planner.check(mapping)
    return process_time() - start


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_check_takes_twice_as_long_for_twice_the_file(form: Any) -> None:
    seconds(form(10))
    small = min(seconds(form(SMALL)) for _ in range(2))
    assert min(seconds(form(DOUBLED)) for _ in range(2)) < MOST * small + 0.1


def inputs_that_meet(k: int) -> dict[str, Any]:
    names = [f"i{i}" for i in range(k)]
    layers = [{"type": "Concat", "from": names}, {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "stride": 2}]
    return {"input": {name: [16, 12, 3] for name in names}, "layers": layers}


def test_sizes_of_many_inputs() -> None:
    def taken(k: int) -> float:
        start = process_time()
        assert len(list(input_sizes(load(of_mapping(inputs_that_meet(k)))))) == k
        return process_time() - start

    small = min(taken(100) for _ in range(2))
    assert min(taken(200) for _ in range(2)) < 4.5 * small + 0.1  # each answer names all the others
