"""Sets of cells as runs, against Python's own sets, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import planner.cells
import planner.cells.pieces
import planner.geometry.pairs
from planner.cells import (
    Cells,
    Runs,
    TooManyRuns,
    all_cells,
    bits,
    every,
    folded,
    imaged,
    lowest,
    mirrored,
    one_cell,
    parted,
    shifted,
    smeared,
    spaced,
    stretches,
    together,
)
from planner.cells.combs import compressed, repeated, tidied, united
from planner.cells.runs import cells_of, combs_of
from planner.geometry import (
    KEEP,
    All,
    AxisMap,
    Bins,
    Centre,
    Flipped,
    Grouped,
    Halves,
    InterpolationMode,
    Overwritten,
    PadMode,
    Partnered,
    Picked,
    Prefix,
    RandomBins,
    Raveled,
    Resample,
    Rolled,
    SameWindow,
    Shift,
    Shuffle,
    SizeOnly,
    Sliced,
    Spread,
    Window,
    Written,
)

FAR = 1 << 40
"""Where no set is kept as bits."""


@st.composite
def ragged(draw: st.DrawFn) -> set[int]:
    """Up to four stretches, each with runs that repeat, or whole."""
    found: set[int] = set()
    for _ in range(draw(st.integers(0, 4))):
        low, length, step = draw(st.integers(0, 90)), draw(st.integers(1, 80)), draw(st.integers(1, 9))
        phases = draw(st.sets(st.integers(0, step - 1), min_size=1))
        found |= {cell for cell in range(low, low + length) if cell % step in phases}
    return found


def far(cells: set[int]) -> Cells:
    """The set far out."""
    return cells_of(compressed(united((FAR + cell, FAR + cell + 1) for cell in cells)))


def near(cells: Cells) -> set[int]:
    """The cells of a set far out, moved back."""
    well_formed(cells)
    return {cell - FAR for cell in bits(cells)}


def well_formed(cells: Cells) -> None:
    combs = combs_of(cells)
    for one, other in pairwise(combs):
        assert one.stop < other.start
    for each in combs:
        assert each.teeth[0][0] == 0
        assert each.stop == [*each.runs][-1][1]
        ends = [end for tooth in each.teeth for end in tooth]
        assert ends == sorted(set(ends))
        assert each.single or ends[-1] < each.period < each.stop - each.start


@given(ragged(), ragged())
def test_operators(one: set[int], other: set[int]) -> None:
    a, b = far(one), far(other)
    assert near(a) == one
    assert near(a & b) == one & other
    assert near(a | b) == one | other
    assert near(a & ~b) == one - other
    assert (a == b) == (one == other)
    if one == other:
        assert hash(a) == hash(b)
    assert a.bit_count() == len(one)
    if one:
        assert lowest(a) == FAR + min(one)
        assert a.bit_length() == FAR + max(one) + 1


@given(ragged(), ragged(), ragged())
def test_one_set_made_in_two_ways_is_equal(one: set[int], two: set[int], three: set[int]) -> None:
    a, b, c = far(one), far(two), far(three)
    assert (a & b) | (a & c) == a & (b | c)
    assert hash((a & b) | (a & c)) == hash(a & (b | c))
    assert a & ~(b | c) == a & ~b & ~c


@given(ragged(), ragged())
def test_bits_and_runs_together(one: set[int], other: set[int]) -> None:
    small = sum(1 << cell for cell in one)
    large = far(other) | sum(1 << cell for cell in other)
    assert small & large == large & small == sum(1 << cell for cell in one & other)
    assert {cell for cell in bits(small | large) if cell < FAR} == one | other
    assert near(large & ~small & ~all_cells(FAR)) == other
    assert small & ~large == sum(1 << cell for cell in one - other)


@given(ragged(), st.integers(1, 9), st.integers(1, 6), st.integers(1, 5))
def test_moved(cells: set[int], step: int, taps: int, dilation: int) -> None:
    a = far(cells)
    assert set(bits(shifted(a, step))) == {FAR + cell + step for cell in cells}
    assert set(bits(shifted(a, -FAR - step))) == {cell - step for cell in cells if cell >= step}
    assert set(bits(spaced(a, step))) == {(FAR + cell) * step for cell in cells}
    assert set(bits(every(a, step))) == {(FAR + cell) // step for cell in cells if (FAR + cell) % step == 0}
    assert set(bits(smeared(a, taps, dilation))) == {FAR + cell + j * dilation for cell in cells for j in range(taps)}
    for made in (shifted(a, step), spaced(a, step), every(a, step), smeared(a, taps, dilation)):
        well_formed(made)


@given(ragged(), st.integers(1, 60))
def test_folded(cells: set[int], length: int) -> None:
    assert set(bits(folded(far(cells), length))) == {(FAR + cell) % length for cell in cells}
    assert set(bits(folded(sum(1 << cell for cell in cells), length))) == {cell % length for cell in cells}


@given(ragged(), st.lists(st.integers(1, 7), min_size=1, max_size=3), st.sampled_from((0, 2, 64)), st.booleans())
def test_parted_and_put_together(cells: set[int], sizes: list[int], few: int, is_far: bool) -> None:
    """Every cell by its place in each piece; runs looked at one by one, or row by row."""
    sizes = [-(-(max(cells, default=0) + 1) // math.prod(sizes)), *sizes]
    large = is_far and few == 64
    made = shifted(far(cells), -FAR % math.prod(sizes[1:])) if large else sum(1 << cell for cell in cells)
    sizes[0] += (FAR // math.prod(sizes[1:]) + 1) * large
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner.cells.pieces, "FEW_RUNS", few)
        boxes = parted(made, sizes)
    found: Cells = 0
    for box in boxes:
        found |= together(box, sizes)
        held = math.prod(each.bit_count() for each in box)
        assert together(box, sizes).bit_count() == held
    assert found == made
    for i in list(cells)[:3] if not large else ():
        digits = [i // math.prod(sizes[at + 1 :]) % n for at, n in enumerate(sizes)]
        assert any(all(cells >> digit & 1 for cells, digit in zip(box, digits, strict=True)) for box in boxes)


@given(ragged(), st.integers(1, 12), st.integers(1, 12), st.integers(0, 40), st.booleans())
def test_imaged_in_windows_that_overlap(cells: set[int], m: int, n: int, wide: int, clamped: bool) -> None:
    """Cell i becomes ⌊i·n/m⌋ up to ⌈(i+1)·n/m⌉ + wide: neighbours become one run."""

    def places(a: int, b: int) -> list[tuple[int, int]]:
        return [(a * n // m - 7, -(-b * n // m) + wide)]

    end = FAR * n // m + 90
    expected = {place for cell in cells for place in range(*places(FAR + cell, FAR + cell + 1)[0])}
    inside = {place for place in expected if place < end}
    if clamped and inside != expected:
        inside.add(end - 1)
    found = imaged(far(cells), places, end, m, n, clamped=clamped)
    assert set(bits(found)) == inside
    well_formed(found)


@given(ragged(), st.integers(1, 9), st.integers(1, 30), st.integers(1, 3))
def test_imaged_one_by_one(cells: set[int], m: int, n: int, width: int) -> None:
    """Cell i becomes ⌊i·n/m⌋ and those up to `width` further on."""
    found = imaged(far(cells), lambda a, _: [(a * n // m, a * n // m + width)], 2 * FAR * n, m, n, contiguous=False)
    assert set(bits(found)) == {(FAR + cell) * n // m + j for cell in cells for j in range(width)}
    well_formed(found)


@given(ragged(), st.integers(1, 50), st.integers(1, 40))
def test_repeated(cells: set[int], period: int, count: int) -> None:
    units = [(cell, cell + 1) for cell in sorted(cells)]
    found = tidied(repeated(units, period, count))
    assert {cell for each in found for run in each.runs for cell in range(*run)} == {
        cell + turn * period for cell in cells for turn in range(count)
    }


@given(st.integers(0, 300), st.integers(0, 64))
def test_mirrored(seed: int, width: int) -> None:
    cells = Random(seed).getrandbits(width) if width else 0
    assert bits(mirrored(cells, width)) == sorted(width - 1 - cell for cell in bits(cells))


@given(ragged())
def test_mirrored_far_out(cells: set[int]) -> None:
    found = mirrored(far(cells), 2 * FAR)
    assert set(bits(found)) == {FAR - 1 - cell for cell in cells}
    well_formed(found)


def test_a_long_axis_takes_no_more_room_than_a_short_one() -> None:
    strided = spaced(all_cells(10**12), 3)
    assert isinstance(strided, Runs)
    assert len(strided.combs) == 1
    assert (strided.bit_count(), strided.bit_length()) == (10**12, 3 * 10**12 - 2)
    assert smeared(strided, 3, 1) == all_cells(3 * 10**12)
    assert (all_cells(10**12) & ~spaced(all_cells(10**11), 2)).bit_count() == 10**12 - 10**11
    assert stretches(strided, 2) == [(0, 1), (3, 4)]
    assert one_cell(10**12) == shifted(1, 10**12)


def test_a_set_that_is_too_ragged_is_refused() -> None:
    scattered = sum(1 << cell for cell in Random(1).sample(range(1 << 18), 1 << 14))
    with pytest.raises(TooManyRuns):
        shifted(scattered, 1 << 30)


# Axis maps


@pytest.fixture(scope="module")
def _all_as_runs() -> Iterator[None]:
    """No set is kept as bits."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (planner.cells, planner.cells.runs, planner.cells.images, planner.geometry.pairs):
            patch.setattr(module, "LONGEST_BITS", 0)
        yield


def some_map(random: Random, n: int) -> AxisMap:
    """Any axis map that fits on n cells."""
    small = random.choice([1, 1, 2, 3, 4, 5, 7])
    few = [random.randint(0, 9) for _ in range(2)]
    kernel, stride, dilation = random.randint(1, 6), random.choice([1, 1, 2, 3, 5]), random.choice([1, 1, 2, 3])
    modes: tuple[PadMode, ...] = ("constant", "reflect", "replicate", "circular")
    mode = random.choice(modes)
    interpolation: InterpolationMode = random.choice(["nearest", "nearest-exact", "linear", "cubic", "area"])
    antialias = interpolation in ("linear", "cubic") and random.random() < 0.3
    aligned = interpolation in ("linear", "cubic") and random.random() < 0.3
    resized: dict[str, Any] = random.choice(
        [{"size": random.randint(1, 3 * n)}, {"factor": random.choice([0.5, 2, 3, 1.5, 0.37, 2.25, 1])}]
    )
    along: AxisMap = random.choice([KEEP, Window(kernel, stride, before=kernel, after=kernel), Bins(small)])
    cut = random.randint(0, n - 1)
    found: AxisMap = random.choice(
        [
            Window(kernel, stride, dilation, few[0], few[1], mode=mode),
            Window(kernel, stride, 1, kernel // 2, kernel // 2, ceil=True),
            SameWindow(kernel, stride, dilation),
            Spread(kernel, stride, dilation, few[0], random.randint(0, 2)),
            Bins(random.randint(1, 2 * n)),
            RandomBins(min(kernel, n), size=random.randint(1, n)),
            Resample(mode=interpolation, antialias=antialias, align_corners=aligned, **resized),
            Shift(few[0], few[1], mode),
            Shift(-few[0], few[1]),
            Shift(-few[0], few[1], "circular"),
            Centre(random.randint(1, 2 * n)),
            Sliced(random.choice([None, cut, -cut - 1]), random.choice([None, n - few[0], -few[1] - 1]), small),
            Flipped(),
            Rolled(random.randint(-2 * n, 2 * n)),
            Picked(tuple(random.choices(range(n), k=random.randint(1, 9)))),
            Picked(tuple(range(cut % n, n, small))),
            Overwritten(Sliced(random.choice([None, cut, -cut - 1]), random.choice([None, -few[1] - 1]), small)),
            Written(few[0], small, few[0] + (n - 1) * small + 1 + few[1]),
            All(small),
            Prefix(),
            Prefix(random.randint(1, 2 * n)),
            Grouped(small * random.randint(1, 9), small),
            Shuffle(small),
            Halves(),
            Partnered(),
            Raveled(along, small, random.randint(1, 3)),
            SizeOnly(),
        ]
    )
    return found


def fits(axis: AxisMap, n: int) -> bool:
    if isinstance(axis, Window | Shift) and axis.mode in ("reflect", "circular"):
        most = n - (axis.mode == "reflect") + min(axis.before, axis.after, 0)
        if max(axis.before, axis.after) > most:
            return False
    divided = {Grouped: "groups", Shuffle: "groups"}.get(type(axis))
    return axis.length(n) >= 1 and (not divided or n % getattr(axis, divided) == 0)


@pytest.mark.usefixtures("_all_as_runs")
@pytest.mark.parametrize("seed", range(20))
def test_axis_maps_read_the_same_as_of_single_cells(seed: int) -> None:
    """What runs of output cells read is what their cells read, one by one; these are compared with torch elsewhere."""
    random = Random(seed)
    seen = set()
    for _ in range(150):
        n = random.choice([1, 2, 5, 12, 24, 60, 60, 120])
        axis = some_map(random, n)
        if not fits(axis, n):
            continue
        seen.add(type(axis))
        out = axis.length(n)
        step, phase = random.choice([1, 1, 2, 3, 4]), random.randint(0, 3)
        low, high = sorted(random.randint(0, out) for _ in range(2))
        some = {i for i in range(out) if i % step == phase % step or (low <= i < high and random.random() < 0.9)}
        for wanted in (set(range(out)), some, set(range(low, high))):
            single = [set(bits(axis.reads(one_cell(i), n))) for i in sorted(wanted)]
            cells = cells_of(compressed(united((i, i + 1) for i in wanted)))
            found = axis.reads(cells, n)
            assert set(bits(found)) == set().union(*single), (axis, n, sorted(wanted))
            well_formed(found)
    assert len(seen) > 12
