"""The workbench: one source with its options, its report, and the models that are tried for its fixes."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import pytest

from planner.diagnostics import Severity
from planner.outputs import formats, renderer
from planner.outputs._screen import Screen
from planner.report import Report
from planner.source import Source, parse
from planner.workbench import Checked, Workbench

ROOT = Path(__file__).parents[1]
SQUEEZENET = ROOT / "configs" / "squeezenet1_1.yaml"
LOSSY = "input: [8, 8, 3]\nlayers:\n  - {name: pool, type: MaxPool2d, kernel_size: 3}\n"


@pytest.mark.parametrize("name", formats("check"))
def test_a_model_is_planned_once_for_all_findings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: Counter[str] = Counter()
    judged = Workbench.judged

    def counted(self: Workbench, source: Source, *given: Any, **options: Any) -> Checked:
        tried[repr(source.data)] += 1
        return judged(self, source, *given, **options)

    monkeypatch.setattr(Workbench, "judged", counted)
    bench = Workbench.on(SQUEEZENET)
    text = renderer("check", name)([bench.report], Screen())
    assert set(tried.values()) <= {1}
    planned = len(tried)
    assert renderer("check", name)([bench.report], Screen()) == text
    assert len(tried) == planned


def test_a_report_alone_plans_nothing() -> None:
    report = Workbench.on(SQUEEZENET).report
    alone = Report(report.plan, report.diagnostics)
    assert any(report.fixes(each) for each in report.diagnostics)
    assert not any(alone.fixes(each) for each in alone.diagnostics)


def test_what_is_brief_finds_the_same() -> None:
    for file in (ROOT / "configs").glob("*.yaml"):
        bench = Workbench.on(file)
        brief = bench.judged(bench.source, brief=True)
        whole = bench.report.diagnostics
        assert Counter((each.code, each.step) for each in whole) == Counter(
            (each.code, each.step) for each in brief.with_remarks
        )
        grave = [(each.code, each.step, each.label) for each in whole if each.severity is not Severity.INFO]
        assert grave == [(each.code, each.step, each.label) for each in brief.diagnostics]
        assert all(each.severity is not Severity.INFO for each in brief.diagnostics)


@pytest.mark.parametrize("size", [223, 224, 227, 256])
def test_what_models_share_is_what_each_finds_alone(size: int) -> None:
    bench = Workbench.on(SQUEEZENET)
    steps = len(bench.report.plan.steps)
    text = bench.source.text.replace("stride: 2", "stride: 3")
    assert text != bench.source.text
    for source in (bench.source, parse(text), parse(text.replace("kernel_size", "kernel_siz"))):
        shared, alone = bench.judged(source, (size, size, 3)), Workbench(source, (size, size, 3)).report
        assert [step.facts for step in shared.plan.steps] == [step.facts for step in alone.plan.steps]
        assert [each.headline for each in shared.diagnostics] == [each.headline for each in alone.diagnostics]
    assert len(bench.layers) <= 3 * steps
    assert len(bench.known) <= 8 * steps  # sizes of the input that were tried besides are few


def test_a_plan_that_must_be_complete_is_not_judged_otherwise() -> None:
    bench = Workbench.on_text(LOSSY)
    larger = parse(LOSSY.replace("kernel_size: 3", "kernel_size: 9"))
    assert bench.judged(larger).diagnostics
    assert not bench.judged(larger, whole=True).diagnostics
    assert bench.judged(bench.source, whole=True).diagnostics


def test_two_sources_side_by_side() -> None:
    bench = Workbench.on_text(LOSSY, params={})
    padded = bench.compared(parse(LOSSY.replace("kernel_size: 3", "kernel_size: 3, ceil_mode: true")))
    assert list(padded.outputs()) == ["output 3×3×3"]
    assert list(padded.unread()) == ["nothing lost"]
    assert list(padded.cost()) == ["+0 parameters"]
    assert not padded.loses_more
    assert list(bench.compared(bench.source).outputs()) == ["output 2×2×3 as before"]


def test_options_hold_for_what_is_tried() -> None:
    bench = Workbench.on_text(LOSSY, input=(11, 11, 3), batch=2)
    assert bench.judged(bench.source).cost == bench.report.cost
    assert bench.mended(unsafe=True).report.plan.inputs[0].outputs[0] == (11, 11, 3)


def test_what_cannot_be_read_has_no_fixes() -> None:
    bench = Workbench.on_text("layers: [")
    assert not bench.report.ok
    assert not any(map(bench.fixes, bench.report.diagnostics))
    assert bench.mended().made == ()


def test_options_hold_for_what_cannot_be_read() -> None:
    for bench in (Workbench.on_text("layers: [", batch=8), Workbench.on("no-such-file.yaml", batch=8)):
        assert bench.report.to_dict()["totals"]["batch"] == 8


def test_a_report_is_shown_in_short() -> None:
    report = Workbench.on_text(f"name: small\n{LOSSY}").report
    assert repr(report) == "<Report on 'small': 1 step, 2 warnings>"
    assert repr(Report(report.plan)) == "<Report on 'small': 1 step, nothing wrong>"


def test_a_notebook_shows_steps_and_findings() -> None:
    report = Workbench.on_text(LOSSY.replace("[8, 8, 3]", "{<n>: [8, 8, 3]}")).report
    shown = report._repr_html_()
    assert "<td>pool</td><td>MaxPool2d</td><td>2×2×3</td><td>0</td><td>0</td>" in shown
    assert [each.code for each in report.diagnostics] == ["NSP320", "NSP321"]
    assert all(f"<li><b>{each.code}</b> {escape(each.headline)}</li>" in shown for each in report.diagnostics)
    assert "<n>" not in shown
