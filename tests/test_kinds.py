"""Every kind of finding, found by walking the folders: its manual page, and its two examples run."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import planner
from planner.diagnostics import Fault, Kind, Severity
from planner.manual import all_kinds, example, kinds_in
from planner.report import Report
from planner.workbench import checked_text

FAULTS = list(kinds_in("faults"))
RULES = list(kinds_in("rules"))
KINDS = FAULTS + RULES
SHOWN = [kind for kind in KINDS if kind.bad or kind.good]
HEADINGS = ["Why it matters:", "When to ignore it:", "How to fix it:"]
FOREIGN = re.compile(r"\binvalid\b|input should be|traceback|pydantic|extra_forbidden", re.IGNORECASE)
PACKAGE = Path(planner.__file__).parent

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
every_shown_kind = pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)


def report_on(text: str) -> Report:
    return checked_text(example(text), "model.yaml")


def guilty_lines(kind: type[Kind]) -> list[int]:
    lines = example(kind.bad).splitlines()
    return [number for number, line in enumerate(lines, 1) if re.search(rf"# {kind.code}\b", line)]


def test_all_files_are_found() -> None:
    files = [file.stem for folder in ("faults", "rules") for file in (PACKAGE / folder).glob("[!_]*.py")]
    assert Counter(kind.__module__.rpartition(".")[2] for kind in KINDS).keys() == set(files)
    assert len(KINDS) == len(files), "one kind to a file"
    assert len(KINDS) > 40


def test_codes_and_names_are_unique() -> None:
    assert [code for code, count in Counter(kind.code for kind in KINDS).items() if count > 1] == []
    assert [name for name, count in Counter(kind.name() for kind in KINDS).items() if count > 1] == []
    assert list(all_kinds()) == sorted(kind.code for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("NSP101", "unreadable-file"), ("NSP102", "not-yaml"), ("NSP108", "not-a-model"), ("NSP321", "lost-cells")],
)
def test_names_are_kebab_case(kind: str, name: str) -> None:
    assert all_kinds()[kind].name() == name


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_faults_stop_a_step(kind: type[Kind]) -> None:
    assert issubclass(kind, Fault)
    assert kind.severity is Severity.ERROR


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.__name__)
def test_rules_judge(kind: type[Kind]) -> None:
    assert not issubclass(kind, Fault)


@every_kind
def test_code_and_file(kind: type[Kind]) -> None:
    assert re.fullmatch(r"NSP[1-5]\d\d", kind.code)
    assert kind.__module__.rpartition(".")[2] == kind.name().replace("-", "_")


@every_kind
def test_manual_page_has_its_parts_in_order(kind: type[Kind]) -> None:
    assert kind.__doc__
    what, *parts = re.split(rf"\n\n\s*({'|'.join(HEADINGS)})", kind.__doc__)
    assert parts[::2] == HEADINGS
    assert min(len(text.strip()) for text in (what, *parts[1::2])) >= len("never.")


@every_kind
def test_has_examples_or_says_how_it_is_shown(kind: type[Kind]) -> None:
    if kind in SHOWN or kind.fixed:
        assert kind.bad, "an example without a bad one"
        assert kind.good, "a bad example without a good one"
    else:
        assert len(getattr(kind, "shown_by", "")) > 10, "without examples, `shown_by` must say how it is made to happen"


@every_shown_kind
def test_bad_example_is_found_on_the_guilty_line(kind: type[Kind]) -> None:
    report = report_on(kind.bad)
    found = [each for each in report.diagnostics if each.kind is kind]
    assert found, f"nothing of this kind, but {[each.code for each in report.diagnostics]}"
    (line,) = guilty_lines(kind)
    assert {place.line for each in found if (place := report.place(each))} == {line}


@every_shown_kind
def test_bad_example_shows_no_other_error(kind: type[Kind]) -> None:
    report = report_on(kind.bad)
    assert {each.code for each in report.diagnostics if each.severity is Severity.ERROR} <= {kind.code}


@every_shown_kind
def test_good_example_is_good(kind: type[Kind]) -> None:
    report = report_on(kind.good)
    assert kind.code not in {each.code for each in report.diagnostics}
    assert [each.message for each in report.diagnostics] == [], "not even a remark"
    assert kind.code not in example(kind.good)


@every_shown_kind
def test_says_what_where_and_what_to_do(kind: type[Kind]) -> None:
    for each in report_on(kind.bad).diagnostics:
        said = f"{each.message} {each.label} {each.help}"
        assert each.message
        assert not each.message.endswith(".")
        assert each.help or " takes " in each.message, "a diagnostic says what to do, or what belongs there"
        assert not FOREIGN.search(said)
        assert said.isprintable()


@pytest.mark.parametrize("kind", [kind for kind in RULES if kind.bad], ids=lambda kind: kind.__name__)
def test_rules_can_be_allowed(kind: type[Kind]) -> None:
    report = report_on(f"allow: [{kind.name()}]\n{example(kind.bad)}")
    assert kind.code not in {each.code for each in report.diagnostics}
