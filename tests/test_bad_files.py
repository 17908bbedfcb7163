"""Bad model files, one mistake each: `bad/*.yaml`.

What is said of them, places and words, is `goldens/bad-files.txt`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planner.diagnostics import Severity
from planner.report import Report
from planner.workbench import checked

FILES = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def said(report: Report) -> list[str]:
    """Every error as `line:column code message | label | help`, with the name of the file where it is a library."""
    lines = []
    for each in report.diagnostics:
        if each.severity is Severity.ERROR:
            place = report.place(each)
            where = f"{place.line}:{place.column}" if place else "-"
            if place and place.file is not None:
                where = f"{Path(place.file).name}:{where}"
            lines.append(" | ".join(filter(None, (f"{where} {each.code} {each.message}", each.label, each.help))))
    return lines


def test_bad_files_are_told_in_these_words(golden: Callable[[str, str], None]) -> None:
    assert len(FILES) >= 60
    text = "\n".join(f"{path.stem}\n" + "".join(f"  {line}\n" for line in said(checked(path))) for path in FILES)
    golden("bad-files.txt", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_said_has_a_place_and_a_help_and_is_in_our_own_words(path: Path) -> None:
    report = checked(path)
    errors = [each for each in report.diagnostics if each.severity is Severity.ERROR]
    assert errors
    assert not report.ok
    for each in errors:
        words = f"{each.message} {each.label} {each.help}"
        assert each.help
        assert "invalid" not in words.lower()
        assert "Input should" not in words
        assert each.code == "NSP108" or report.place(each) is not None
