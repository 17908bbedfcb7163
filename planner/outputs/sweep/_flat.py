"""Rows as a flat table: a column for each parameter that is set, each input, and each thing that was planned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.points import SweepOutcome
from planner.points.row import SweepRow, numbers


def columns(outcome: SweepOutcome) -> list[str]:
    """The names of the columns. A parameter or an input that is called like another column is told apart."""
    fixed = ("point", *numbers(outcome.question.kept), "lossless", "loses", "front", "error")
    taken = {*fixed}
    names = []
    for name, kind in (*((name, "set") for name in outcome.question.params), *((n, "input") for n in outcome.inputs)):
        name = f"{kind}.{name}" if name in taken else name
        taken.add(name)
        names.append(name)
    return ["point", *names, *fixed[1:]]


def records(outcome: SweepOutcome) -> Iterator[list[Any]]:
    """The values of each row, in the order of the columns; None for what is not known, or not there."""
    front, asked = {*outcome.front}, numbers(outcome.question.kept)
    for row in outcome.rows:
        counts = [getattr(row, name) for name in asked]
        values = [row.values[name] for name in outcome.question.params]
        shapes = [shape_text(row, name) for name in outcome.inputs]
        facts = (row.lossless, " ".join(row.loses), row.point in front, row.error)
        yield [row.point, *values, *shapes, *counts, *facts]


def shape_text(row: SweepRow, name: str) -> str | None:
    """The shape of an input, as `--input` takes it."""
    return "x".join(map(str, row.inputs[name])) if name in row.inputs else None
