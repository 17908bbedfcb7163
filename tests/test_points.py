"""What a sweep asks, read as it is meant, and its Pareto front."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.points import (
    Objective,
    ParetoFront,
    Series,
    SweepRow,
    read_series,
    read_shapes,
)

SERIES = [
    ("32:128:32", [32, 64, 96, 128]),
    ("32:100:32", [32, 64, 96]),
    ("3:5", [3, 4, 5]),
    ("7:7:9", [7]),
    ("-2:2:2", [-2, 0, 2]),
    ("0.5:1:0.25", [0.5, 0.75, 1.0]),
    ("0.1:0.3:0.1", [0.1, 0.2, 0.3]),
    ("8", [8]),
    ("8, 16,32", [8, 16, 32]),
    ("1:3,8", [1, 2, 3, 8]),
    ("ReLU,GELU", ["ReLU", "GELU"]),
    ("true,false", [True, False]),
    ("[1, 2],[3, 4]", [[1, 2], [3, 4]]),
    ("'a,b',c", ["a,b", "c"]),
    ("1,1.0,true", [1, 1.0, True]),
]
NO_SERIES = [
    ("0:10:0", "has a step of 0"),
    ("1:9:-2", "has a step of -2"),
    ("128:32:8", "goes down from 128 to 32; write 32:128:8"),
    ("1:x:2", "is no range; write from:to:step"),
    ("1:", "is no range"),
    (":9", "is no range"),
    ("8..32", "is no range; write 8:32"),
    ("1,,2", "has an empty place"),
    ("1,", "has an empty place"),
    ("8,16,8", "has 8 twice"),
    ("1:4,3", "has 3 twice"),
]
SHAPES: list[tuple[str, list[tuple[int, ...]]]] = [
    ("160:224:32", [(160,), (192,), (224,)]),
    ("224x224x3", [(224, 224, 3)]),
    ("8,16x16x3", [(8,), (16, 16, 3)]),
    ("1:2x3x4:8:4", [(1, 3, 4), (1, 3, 8), (2, 3, 4), (2, 3, 8)]),
    ("4×5×3", [(4, 5, 3)]),
]
NO_SHAPES = [
    ("0", "is no size"),
    ("0:4", "no whole numbers from 1"),
    ("1:2:0.5", "no whole numbers from 1"),
    ("8xx3", "is no size"),
    ("8x-8x3", "is no size"),
    ("a", "is no size"),
    ("320:160:32", "goes down"),
]


def _value(text: str) -> Any:
    from planner.cli._options import read_value

    return read_value(text)


@pytest.mark.parametrize(("text", "values"), SERIES)
def test_a_series_has_its_values_in_order(text: str, values: list[Any]) -> None:
    series = read_series(text, _value)
    assert list(map(repr, series)) == list(map(repr, values))
    assert series.count == len(values)


@pytest.mark.parametrize(("text", "why"), NO_SERIES)
def test_what_is_no_series_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^`") as refused:
        read_series(text, _value)
    assert why in str(refused.value)


@pytest.mark.parametrize(("text", "shapes"), SHAPES)
def test_shapes_are_combined_in_order(text: str, shapes: list[tuple[int, ...]]) -> None:
    found = read_shapes(text)
    assert [found.at(i) for i in range(found.count)] == shapes


@pytest.mark.parametrize(("text", "why"), NO_SHAPES)
def test_what_is_no_shape_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^`") as refused:
        read_shapes(text)
    assert why in str(refused.value)


def test_a_range_in_python_is_pythons_own() -> None:
    assert list(Series.of(range(32, 129, 8))) == list(range(32, 129, 8))
    assert list(Series.of([])) == list(Series.of(range(0))) == []


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40), st.booleans(), st.booleans())
def test_the_front_is_what_nothing_beats(numbers: list[tuple[int, int]], most_x: bool, most_y: bool) -> None:
    front = ParetoFront(Objective("params", most_x), Objective("macs", most_y))
    for i, (x, y) in enumerate(numbers):
        front.add(SweepRow(i, {}, {}, {}, params=x, macs=y))
    worth = [(-x if most_x else x, -y if most_y else y) for x, y in numbers]
    beaten = [any(a <= x and b <= y and (a, b) != (x, y) for a, b in worth) for x, y in worth]
    assert sorted(front.points) == [i for i, each in enumerate(beaten) if not each]
    assert [worth[i][0] for i in front.points] == sorted(worth[i][0] for i in front.points)
