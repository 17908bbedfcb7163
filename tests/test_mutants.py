"""Files in pieces through everything that the command prints: an answer each time, in time, and no internal error.

Many more: `python tests/mutants.py COUNT FIRST`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from mutants import commands, failures, mutant, run, workshop

CASES = Path(__file__).parent / "cases" / "mutants"
COUNT, LONG, COMMANDS = 2_000, 25_000, 3
"""How many mutants are tried, in the long mode too, and to how many commands each is given."""


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    """Where mutants are put."""
    with workshop() as found:
        yield found


def test_mutants(path: Path) -> None:
    told = [(number, found) for number in range(COUNT) for found in failures(number, path, COMMANDS)]
    assert not told, f"{len(told)} failures; the first: {told[0]}"


@pytest.mark.long
def test_many_mutants(path: Path) -> None:
    first = Random().randrange(1 << 40)
    told = [(number, found) for number in range(first, first + LONG) for found in failures(number, path)]
    assert not told, f"{len(told)} failures; the first: {told[0]}"


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda case: case.stem)
def test_small_files_that_once_failed(case: Path, path: Path) -> None:
    path.write_bytes(case.read_bytes())
    for number in range(4):  # that other steps are named
        for command in commands(Random(number), path):
            assert run(command, path) is None


def test_mutants_are_many_and_differ() -> None:
    """What is tried is not all of one kind: most are files that can be read, and many of them are models at fault."""
    from planner.checking import checked_text

    texts = [mutant(number) for number in range(300)]
    assert len(set(texts)) > 290
    reports = [checked_text(text) for text in texts]
    codes = Counter(each.code for report in reports for each in report.diagnostics)
    assert len(codes) > 40
    assert sum(bool(report.plan.steps) for report in reports) > 150
    assert sum(report.ok for report in reports) > 30
