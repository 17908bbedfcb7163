"""Two sequences put beside each other in order, where there is one way to do so."""

from __future__ import annotations

from collections.abc import Sequence

MOST_CELLS = 1_000_000
"""Pairs of places that are looked at."""


def aligned(one: Sequence[object], other: Sequence[object]) -> list[tuple[int, int]] | None:
    """The pairs of places that every longest common subsequence has; None where there are too many to look at."""
    if list(one) == list(other):
        return [(i, i) for i in range(len(one))]
    if len(one) * len(other) > MOST_CELLS:
        return None
    from_start, to_end = _lengths(one, other), _lengths(one[::-1], other[::-1])
    rows, columns = len(one), len(other)
    longest = from_start[rows][columns]
    pairs = []
    for i in range(rows):
        tail = to_end[rows - i - 1]
        if any(from_start[i][j] + tail[columns - j] == longest for j in range(columns + 1)):
            continue  # one of the longest leaves it out
        partners = [
            j for j in range(columns) if one[i] == other[j] and from_start[i][j] + 1 + tail[columns - j - 1] == longest
        ]
        if len(partners) == 1:
            pairs.append((i, partners[0]))
    return pairs


def _lengths(one: Sequence[object], other: Sequence[object]) -> list[list[int]]:
    """The length of the longest common subsequence of the first i and the first j, for all i and j."""
    table = [[0] * (len(other) + 1)]
    for each in one:
        above = table[-1]
        row = [0]
        for j, against in enumerate(other):
            row.append(above[j] + 1 if each == against else max(above[j + 1], row[j]))
        table.append(row)
    return table
