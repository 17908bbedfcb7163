"""A layer worked out, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from planner.cells import stretches
from planner.hand_rule import OnPaper, Working
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen

MOST_RUNS = 1000


def render(paper: OnPaper, screen: Screen) -> str:
    """The whole layer, and each axis with its working, what was found and what would lose nothing."""
    axes = [{"axis": paper.name(i), **_axis(each)} for i, each in enumerate(paper.axes)]
    out = [each.out for each in paper.axes] if paper.fits else None
    whole = {"in": [each.n for each in paper.axes], "out": out, "unread": paper.unread if paper.fits else None}
    return laid_out({**whole, "axes": axes}, 3, ascii=not screen.unicode)


def _axis(working: Working) -> dict[str, Any]:
    return {
        "in": working.n,
        "out": working.out,
        "arguments": working.layer.arguments(),
        "working": [asdict(line) for line in working.lines],
        "loss": working.loss._asdict() if working.out is not None else None,
        **working.more,
        "findings": [
            {
                "name": each.name,
                "severity": str(each.severity),
                "text": each.text,
                "cells": [(a, b - 1) for a, b in stretches(each.cells, MOST_RUNS)],
            }
            for each in working.findings
        ],
        "notes": list(working.notes),
        "changes": [
            {"name": each.name, "argument": each.argument, "out": each.out, "note": each.note}
            for each in working.changes
        ],
    }
