"""Two models side by side, as `planner diff` draws them."""

from __future__ import annotations

from planner.comparison import Comparison
from planner.outputs.diff._picture import svg

from ._nets import planned


def draw() -> str:
    reports = [planned(name) for name in ("diff_old", "diff_new")]
    for report, name in zip(reports, ("diff_old.yaml", "diff_new.yaml"), strict=True):
        report.source.file = name  # as one sees it who stands beside them
    return svg(Comparison(*reports), "light").decode()
