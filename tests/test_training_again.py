"""What checkpointing each block is said to save and to cost, against `torch.utils.checkpoint` on the written code."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random

import pytest

import again_oracle
import random_block_files
from planner.diagnostics import Fault
from planner.model import Group
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.training.fitting import savings
from planner.unfolding import load
from test_training import NAMES, report_on

QUICK = {"crnn"}
REFUSALS = (ValueError, NotImplementedError, Fault)
"""How PyTorch says no to a model that it does not train."""


def differing(report: Report, batch: int, *, most: int = 1000) -> list[tuple[str, object, object]]:
    """The blocks, of so many at most, that save or cost something else in PyTorch: what is told, and what it does."""
    report.batch = batch
    told = {each.group: (each.saved, each.macs) for each in savings(report.training())}
    blocks = again_oracle.Blocks(report, batch)
    groups = list(blocks.calls)
    groups = Random(0).sample(groups, min(most, len(groups)))
    whole = blocks.kept([])
    costs = {group: macs for together in apart(groups) for group, macs in blocks.again(together).items()}
    found = {group: (whole - blocks.kept([group]), costs[group]) for group in groups}
    return [(group.name, told[group], found[group]) for group in groups if told[group] != found[group]]


def apart(groups: Sequence[Group]) -> list[list[Group]]:
    """Groups put together of which none lies in another."""
    found: list[list[Group]] = []
    for group in groups:
        for together in found:
            if all(group.last <= each.first or each.last <= group.first for each in together):
                together.append(group)
                break
        else:
            found.append([group])
    return found


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in QUICK else [pytest.mark.long]) for each in NAMES]
)
def test_blocks_of_networks_save_and_cost_what_they_do_in_torch(name: str, batch: int) -> None:
    try:
        assert differing(report_on(name), batch, most=6) == []
    except REFUSALS as error:
        pytest.skip(f"PyTorch does not train it so: {error}")


def test_blocks_of_random_files_save_and_cost_what_they_do_in_torch(request: pytest.FixtureRequest) -> None:
    found = {}
    for seed in range(500 if request.config.getoption("long") else 12):
        plan = propagate(load(of_mapping(random_block_files.model(Random(seed)))))
        report = Report(plan)
        if not plan.complete or report.training().unknown:
            continue
        with suppress(*REFUSALS):
            found[seed] = differing(report, 3 if seed % 2 else 1, most=20)
    assert {seed: blocks for seed, blocks in found.items() if blocks} == {}
    assert len(found) > 6
