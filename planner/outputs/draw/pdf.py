"""A picture as PDF."""

from __future__ import annotations

from planner.outputs import Format
from planner.outputs.draw import _volumes
from planner.outputs.draw._engine import DrawDot
from planner.outputs.draw._graph import graphs
from planner.outputs.draw._look import Look
from planner.outputs.draw._pdf import pdf
from planner.report import Report

FORMAT = Format(has_volumes=True)


def render(report: Report, look: Look, engine: DrawDot) -> bytes:
    """The drawing as a PDF file; the engine lays the graph out."""
    if look.volumes:
        return of_svg(_volumes.render(report, look).encode(), engine)
    return engine(graphs(report, look), "pdf")


def of_svg(drawing: bytes, engine: DrawDot) -> bytes:
    """A drawing that needs no layout, on a page."""
    return pdf(drawing)
