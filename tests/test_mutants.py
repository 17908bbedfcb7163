"""Files in pieces through everything that the command prints: an answer each time, in time, and no internal error.

Many more: `python tests/mutants.py COUNT FIRST`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from every_command import Failure, commands, failures, run, workshop
from planner.workbench import checked_text
from random_mutants import mutant

CASES = Path(__file__).parent / "cases" / "mutants"
NOT_YET: set[str] = set()
"""Files of the planner that still raise on some mutants. None stays here once it is mended; a test sees to it."""
COUNT, LONG, COMMANDS = 2_000, 25_000, 1
"""How many mutants are tried, in the long mode too, and with how many commands beside `check` each of the first."""


SLOW = {825: "two axes of two inputs depend on one another, and the model works at one size: 12 s for `sizes`"}
"""Mutants whose answers are right and take longer than all others may."""


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    """Where mutants are put."""
    with workshop() as found:
        yield found


def _new(found: Failure) -> bool:
    return found.where.partition(":")[0] not in NOT_YET


def test_mutants(path: Path) -> None:
    tried = [number for number in range(COUNT) if number not in SLOW]
    told = [(number, found) for number in tried for found in failures(number, path, COMMANDS) if _new(found)]
    assert not told, f"{len(told)} failures; the first: {told[0]}"


@pytest.mark.long
def test_many_mutants(path: Path) -> None:
    first = Random().randrange(1 << 40)
    told = [(number, found) for number in range(first, first + LONG) for found in failures(number, path)]
    told = [each for each in told if _new(each[1])]
    assert not told, f"{len(told)} failures; the first: {told[0]}"


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda case: case.stem)
def test_small_files_that_once_failed(case: Path, path: Path) -> None:
    path.write_bytes(case.read_bytes())
    # Four times, so that other steps are named.
    told = [found for i in range(4) for command in commands(Random(i), path) if (found := run(command, path))]
    assert not [each for each in told if _new(each)]


def test_what_is_mended_is_not_excused(path: Path) -> None:
    raising = set()
    for case in CASES.glob("*.yaml"):
        path.write_bytes(case.read_bytes())
        if found := run(("check", "--format=full"), path):
            raising.add(found.where.partition(":")[0])
    assert raising == NOT_YET


def test_mutants_are_many_and_differ() -> None:
    """What is tried is not all of one kind: most are files that can be read, and many of them are models at fault."""
    texts = [mutant(number) for number in range(300)]
    assert len(set(texts)) > 290
    reports = []
    for text in texts:
        with suppress(Exception):  # the tests above tell
            reports.append(checked_text(text))
    codes = Counter(each.code for report in reports for each in report.diagnostics)
    assert len(codes) > 25
    assert sum(bool(report.plan.steps) for report in reports) > 150
    assert sum(report.ok for report in reports) > 25
