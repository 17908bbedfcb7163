"""Stories: what people ran into, each a small model file in `stories/` that the planner would have warned them with.

The comment at a story's head says in a line what happened, then where it was told (repository#number) and, after
`says:`, what a finding must say. A line that is guilty carries the codes of its findings. `# fix:` below a line is
what would have helped: the line above it is to be replaced by what follows, or to go where nothing does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from planner.diagnostics import Severity
from planner.report import Report
from planner.workbench import checked_text

STORIES = sorted((Path(__file__).parent / "stories").glob("*.yaml"))
TOLD = re.compile(r"\b[\w./-]+#\d+|\barXiv:\d{4}\.\d{5}\b|\breproduced with torch \d")
GRAVE = (Severity.ERROR, Severity.WARNING)
FIX = re.compile(r"( *)# fix:(?: (.*))?")


@dataclass(frozen=True)
class Story:
    text: str

    @property
    def head(self) -> list[str]:
        """The lines of the comment at the top."""
        head = self.text.split("\ninput:")[0].split("\nparams:")[0]
        return [line.removeprefix("#").strip() for line in head.splitlines() if line.startswith("#")]

    @property
    def says(self) -> list[str]:
        return [line.removeprefix("says:").strip() for line in self.head if line.startswith("says:")]

    @property
    def guilty(self) -> set[tuple[int, str]]:
        """The lines that findings point at, and their codes."""
        marks = ((number, line.partition(" # ")[2]) for number, line in enumerate(self.text.splitlines(), 1))
        return {(number, code) for number, mark in marks for code in re.findall(r"NSP\d{3}", mark)}

    @property
    def mended(self) -> str:
        """The file with its fixes done, and without the marks."""
        lines: list[str] = []
        fixing = False
        for line in self.text.splitlines():
            fix = FIX.fullmatch(line)
            if fix and not fixing:
                lines.pop()
            if fix and fix[2]:
                lines.append(fix[1] + fix[2])
            elif not fix:
                lines.append(line.partition(" # NSP")[0])
            fixing = fix is not None
        return "\n".join(lines) + "\n"


def story(path: Path) -> Story:
    return Story(path.read_text(encoding="utf-8"))


def found(report: Report, *severities: Severity) -> set[tuple[int, str]]:
    places = ((report.place(each), each) for each in report.diagnostics if each.severity in severities)
    return {(place.line if place else 0, each.code) for place, each in places}


every_story = pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)


def test_there_are_enough() -> None:
    assert len(STORIES) >= 40
    assert [path.stem[:2] for path in STORIES] == [f"{i:02}" for i in range(1, len(STORIES) + 1)]


@every_story
def test_is_told(path: Path) -> None:
    head = story(path).head
    assert 20 < len(head[0]) <= 118
    assert not TOLD.search(head[0])
    assert any(map(TOLD.search, head[1:])), "where it was told"
    assert story(path).says


@every_story
def test_is_found(path: Path) -> None:
    """All that is grave is on the lines that are marked; remarks only where they are the point."""
    this = story(path)
    report = checked_text(this.text, path.name)
    everything = found(report, *Severity)
    assert this.guilty
    assert this.guilty <= everything
    assert found(report, *GRAVE) <= this.guilty


@every_story
def test_says_the_numbers(path: Path) -> None:
    this = story(path)
    codes = {code for _, code in this.guilty}
    report = checked_text(this.text, path.name)
    told = [f"{each.message}: {each.label}; {each.help}" for each in report.diagnostics if each.code in codes]
    for wanted in this.says:
        assert any(wanted in each for each in told), "\n".join([wanted, "is not in", *told])


@every_story
def test_is_mended(path: Path) -> None:
    this = story(path)
    assert this.mended != this.text
    report = checked_text(this.mended, path.name)
    assert found(report, *GRAVE) == set()
    assert {each.code for each in report.diagnostics}.isdisjoint(code for _, code in this.guilty)
