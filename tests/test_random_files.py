"""The generators of model files: what they give plans, is small, can be written as YAML, and is the same every time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import yaml

import random_block_files
import random_blocks
import random_mixtures
from planner.plan import Plan
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load

Generator = Callable[[Random], dict[str, Any]]

FILES = 150
GENERATORS: dict[str, Generator] = {
    "blocks": random_blocks.model,
    "block files": random_block_files.model,
    "mixtures": random_mixtures.model,
}


def plan_of(file: dict[str, Any]) -> Plan:
    return propagate(load(of_mapping(file)))


@pytest.mark.parametrize("name", ["block files", "mixtures"])
def test_most_files_plan_completely_and_are_small(name: str) -> None:
    plans = [plan_of(GENERATORS[name](Random(seed))) for seed in range(FILES)]
    whole = [each for each in plans if each.complete and not each.model.diagnostics and not each.diagnostics]
    assert len(whole) > 0.95 * FILES
    assert max(len(each.steps) for each in plans) <= 40
    types = {step.type for each in whole for step in each.layers}
    assert len(types) > {"block files": 30, "mixtures": 70}[name]


@pytest.mark.parametrize("name", GENERATORS)
def test_files_are_plain_yaml(name: str) -> None:
    for seed in range(20):
        file = GENERATORS[name](Random(seed))
        assert yaml.safe_load(yaml.safe_dump(file, sort_keys=False)) == file


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_gives_one_file(name: str) -> None:
    assert [GENERATORS[name](Random(seed)) for seed in range(20)] == [
        GENERATORS[name](Random(seed)) for seed in range(20)
    ]
