"""A checkpoint beside a model, with what it takes to try other options on the model."""

from __future__ import annotations

from dataclasses import replace

from planner.checkpoints import Checkpoint
from planner.diagnostics import Fault
from planner.inputs import is_source
from planner.inputs.ultralytics import is_ultralytics, taken
from planner.loading import Options, WeightsMatch
from planner.plan import Plan
from planner.source import parse
from planner.workbench import Checked, Workbench


def matched(report: Checked, checkpoint: Checkpoint, key: str | None = None) -> WeightsMatch:
    """The checkpoint beside the model of a report."""
    benches = _scaled(report.bench)

    def replan(change: Options) -> Plan | None:
        bench = benches[change.scale] if change.scale else report.bench
        try:
            return bench.replanned(change.params, change.inputs)
        except Fault:  # of a value that no model can be made with
            return None

    written = not is_source(report.source.file or "")
    return WeightsMatch(report, checkpoint, key, replan, list(benches), written)


def _scaled(bench: Workbench) -> dict[str, Workbench]:
    """The workbench at each scale of a model file of Ultralytics; none for other files."""
    source = bench.source
    if not source.format or not source.text:
        return {}
    try:
        again = parse(source.text, source.file)
    except Fault:
        return {}
    scales = again.data.get("scales") if is_ultralytics(again.data) else None
    if not isinstance(scales, dict):
        return {}
    return {name: taken(replace(bench, source=again), name) for name in scales}
