"""Emitted code of random models against the reference run, in each style and with each option.

A seed gives a file, and a style and options: a failing test is `check("mixtures", 17)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from itertools import product
from random import Random
from typing import Any

import pytest

import random_block_files
import random_mixtures
from planner.diagnostics import Fault
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.program import Style
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from reference_run import differences

GENERATORS: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "block files": random_block_files.model,
    "mixtures": random_mixtures.model,
}
FILES = 1_000
"""Random files of each kind in every run."""
MOST_FILES = 10_000
AT_ONCE = 100
STYLES: tuple[Style, ...] = ("auto", "module", "sequential")
OPTIONS: list[dict[str, Any]] = [
    {"style": style, "asserts": asserts, "init": init, "main": main}
    for style, asserts, init, main in product(STYLES, *[(False, True)] * 3)
    if not (asserts and style == "sequential")  # nothing has a forward pass that could check anything
]
pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


def check(name: str, seed: int) -> bool:
    """Raise where the code of a random file is not its plan; whether there was code to compare."""
    options = OPTIONS[seed % len(OPTIONS)]
    report = Report(propagate(load(of_mapping(GENERATORS[name](Random(seed))))))
    if not report.plan.complete or report.plan.model.diagnostics:
        return False
    try:
        found = emitted(report, **options)
    except Fault as fault:
        if fault.code == "NSP502" or (fault.code == "NSP501" and options["style"] == "sequential"):
            return False
        raise
    if report.overwriting:
        return False  # torch computes with what was written over, as the rule `overwritten-input` says
    if options["main"]:
        must_print(report, found)
    assert differences(report, found) == [], found.text
    return True


def must_print(report: Report, found: Emitted) -> None:
    """Run by itself, the program prints the plan's number of parameters and the shapes of its outputs."""
    printed = StringIO()
    with redirect_stdout(printed):
        module_of(found.text, "__main__")
    *_, count, shapes = printed.getvalue().splitlines()
    assert count == f"{sum(step.params or 0 for step in report.plan.layers):,} parameters", found.text
    planned = [report.plan.steps[ref.step].outputs[ref.output] for ref in report.plan.outputs]
    samples = 2 if any(step.layer and step.layer.centred(*step.inputs) == 1 for step in report.plan.layers) else 1
    wanted = [
        (samples, *(shape if side == "last" else shape.torch))
        for shape, side in zip(planned, found.outputs, strict=True)
    ]
    assert shapes == str(wanted if len(wanted) > 1 else wanted[0]), found.text


@pytest.mark.parametrize(
    "first",
    [
        first if first < FILES else pytest.param(first, marks=pytest.mark.long)
        for first in range(0, MOST_FILES, AT_ONCE)
    ],
)
@pytest.mark.parametrize("name", GENERATORS)
def test_random_files(name: str, first: int) -> None:
    compared = 0
    for seed in range(first, first + AT_ONCE):
        try:
            compared += check(name, seed)
        except Exception as error:
            error.add_note(f"check({name!r}, {seed}), with {OPTIONS[seed % len(OPTIONS)]}")
            raise
    assert compared > AT_ONCE // 2
