"""A sweep as Parquet, for data frames; it needs pyarrow."""

from __future__ import annotations

from typing import Any

from planner.outputs import Format
from planner.outputs._screen import Screen
from planner.outputs.draw._engine import DrawDot
from planner.outputs.sweep._flat import columns, records
from planner.points import SweepOutcome

FORMAT = Format(needs="pyarrow")
WHOLE = 1 << 63
AT_ONCE = 50_000
"""Rows of a row group."""


def render(outcome: SweepOutcome, screen: Screen, theme: str, engine: DrawDot) -> bytes:
    """The file, with the columns of the CSV in types of their own."""
    import pyarrow
    from pyarrow import parquet

    names = columns(outcome)
    values: list[list[Any]] = [[] for _ in names]
    for record in records(outcome):
        for column, value in zip(values, record, strict=True):
            column.append(value)
    table = pyarrow.table({name: _typed(column) for name, column in zip(names, values, strict=True)})
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink, row_group_size=AT_ONCE)
    made: bytes = sink.getvalue().to_pybytes()
    return made


def _typed(column: list[Any]) -> Any:
    """A column in the type of its values; as text where they have several."""
    import pyarrow

    kinds = {type(value) for value in column if value is not None}
    if kinds == {int} and any(value is not None and abs(value) >= WHOLE for value in column):
        return pyarrow.array(column, pyarrow.decimal128(38))
    if kinds == {int, float}:
        column = [None if value is None else float(value) for value in column]
    elif len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        column = [None if value is None else str(value) for value in column]
    return pyarrow.array(column, pyarrow.string()) if not kinds else pyarrow.array(column)
