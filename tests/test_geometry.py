"""Axis maps: worked examples from the literature, and each map against a walk over single cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

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
    Loss,
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
    Shape,
    Shift,
    Shuffle,
    SizeOnly,
    Sliced,
    Spread,
    Window,
    Written,
    all_cells,
    bits,
)
from planner.layers.conv.conv import Conv2d

# Worked examples


class HandRule(NamedTuple):
    """Without padding: at stride 1 the kernel costs kernel − 1, and the stride divides what is left, rounding up."""

    n: int
    kernel: int
    stride: int
    at_stride_1: int
    size: int
    lost: int


@pytest.mark.parametrize(
    "row",
    [
        HandRule(416, 7, 1, 410, 410, 0),
        HandRule(417, 7, 1, 411, 411, 0),
        HandRule(416, 7, 2, 410, 205, 1),
        HandRule(417, 7, 2, 411, 206, 0),
        HandRule(448, 9, 2, 440, 220, 1),
        HandRule(445, 9, 2, 437, 219, 0),
        HandRule(608, 11, 2, 598, 299, 1),
        HandRule(13, 9, 2, 5, 3, 0),
    ],
)
def test_hand_rule(row: HandRule) -> None:
    window = Window(row.kernel, row.stride)
    assert Window(row.kernel).length(row.n) == row.at_stride_1
    assert window.length(row.n) == row.size
    assert window.loss(row.n) == Loss(leftover=row.lost, lost=row.lost)


def test_padding_by_half_the_kernel_keeps_the_size() -> None:
    assert Window(7, before=3, after=3).length(416) == 416


@given(n=st.integers(1, 500), kernel=st.integers(1, 60))
def test_only_a_stride_loses_cells(n: int, kernel: int) -> None:
    assume(kernel <= n)
    assert Window(kernel).loss(n) == Loss()


@given(n=st.integers(1, 500), kernel=st.integers(1, 60))
def test_stride_2_halves_exactly_where_it_loses_and_rounds_up_where_not(n: int, kernel: int) -> None:
    assume(kernel <= n)
    whole, strided = Window(kernel).length(n), Window(kernel, 2)
    assert strided.length(n) == (whole // 2 if strided.loss(n).lost else whole // 2 + 1)


def test_kernel_1_with_stride_10_skips_whole_stretches() -> None:
    assert Window(1, 10).loss(100) == Loss(leftover=9, lost=9, skipped=81)


@pytest.mark.parametrize(
    ("shape", "kernels", "kernel_size", "output"),
    [((28, 28, 3), 7, 5, (24, 24, 7)), ((6, 6, 3), 2, 3, (4, 4, 2))],
)
def test_channels_of_a_convolution(
    shape: tuple[int, ...], kernels: int, kernel_size: int, output: tuple[int, ...]
) -> None:
    assert Conv2d(out_channels=kernels, kernel_size=kernel_size).facts(Shape(shape)).outputs == (output,)


@pytest.mark.parametrize(
    ("inputs", "outputs", "groups", "connected"),
    [
        (32, 48, 1, {(0, 48): (0, 32)}),
        (32, 48, 2, {(0, 24): (0, 16), (24, 48): (16, 32)}),
        (24, 24, 24, {(i, i + 1): (i, i + 1) for i in range(24)}),
    ],
)
def test_groups_connect(
    inputs: int, outputs: int, groups: int, connected: dict[tuple[int, int], tuple[int, int]]
) -> None:
    link = Conv2d(out_channels=outputs, kernel_size=3, groups=groups).facts(Shape((100, 100, inputs))).links[0][0]
    for written, read in connected.items():
        for channel in range(*written):
            assert bits(link.channels.reads(1 << channel, inputs)) == list(range(*read))


# n, kernel, stride, padding, dilation → size. V. Dumoulin, F. Visin, arXiv:1603.07285.
CONVOLUTIONS = [
    ((4, 3, 1, 0, 1), 2),
    ((5, 4, 1, 2, 1), 6),
    ((5, 3, 1, 1, 1), 5),
    ((5, 3, 1, 2, 1), 7),
    ((5, 3, 2, 0, 1), 2),
    ((5, 3, 2, 1, 1), 3),
    ((6, 3, 2, 1, 1), 3),
    ((7, 3, 1, 0, 2), 3),
]


@pytest.mark.parametrize(("numbers", "size"), CONVOLUTIONS)
def test_convolution_arithmetic(numbers: tuple[int, ...], size: int) -> None:
    n, kernel, stride, padding, dilation = numbers
    assert Window(kernel, stride, dilation, padding, padding).length(n) == size


@pytest.mark.parametrize(("numbers", "size"), CONVOLUTIONS)
def test_the_leftover_of_a_convolution_is_the_output_padding_of_its_way_back(
    numbers: tuple[int, ...], size: int
) -> None:
    n, kernel, stride, padding, dilation = numbers
    leftover = Window(kernel, stride, dilation, padding, padding).loss(n).leftover
    assert Spread(kernel, stride, dilation, padding, leftover).length(size) == n


def test_the_last_padding_of_an_even_axis_is_left_over() -> None:
    assert Window(3, 2, 1, 1, 1).loss(6) == Loss(leftover=1, uneven=1)


@pytest.mark.parametrize(
    ("n", "spread", "size"),
    [
        (2, Spread(3), 4),
        (6, Spread(4, padding=2), 5),
        (5, Spread(3, padding=1), 5),
        (7, Spread(3, padding=2), 5),
        (2, Spread(3, 2), 5),
        (3, Spread(3, 2, padding=1), 5),
        (3, Spread(3, 2, padding=1, output_padding=1), 6),
    ],
)
def test_transposed_convolution_arithmetic(n: int, spread: Spread, size: int) -> None:
    assert spread.length(n) == size


@pytest.mark.parametrize(
    ("sizes", "kernel", "stride", "padding", "ceil", "floor"),
    [
        ((6, 7), 1, 2, 0, (3, 4), None),
        ((32,), 1, 2, 0, (16,), None),
        ((5,), 2, 2, 1, (3,), None),
        ((8, 10), 3, 4, 0, (2, 3), None),
        ((54,), 3, 2, 0, (27,), (26,)),
        ((80, 200), 3, 2, 0, (40, 100), None),
        ((112,), 3, 2, 0, (56,), (55,)),
        ((28,), 3, 2, 1, (15,), (14,)),
        ((64,), 3, 2, 1, (33,), None),
        ((25,), 2, 2, 0, (13,), None),
    ],
)
def test_ceil_mode(
    sizes: tuple[int, ...],
    kernel: int,
    stride: int,
    padding: int,
    ceil: tuple[int, ...],
    floor: tuple[int, ...] | None,
) -> None:
    up, down = (Window(kernel, stride, 1, padding, padding, ceil=ceiling) for ceiling in (True, False))
    assert tuple(map(up.length, sizes)) == ceil
    assert floor is None or tuple(map(down.length, sizes)) == floor


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "size", "before", "after"),
    [
        (224, 7, 2, 112, 2, 3),
        (224, 3, 2, 112, 0, 1),
        (225, 3, 2, 113, 1, 1),
        (6, 3, 2, 3, 0, 1),
        (96, 7, 2, 48, 2, 3),
        (321, 7, 2, 161, 3, 3),
        (5, 1, 2, 3, 0, 0),
        (9, 3, 2, 5, 1, 1),
        (8, 3, 2, 4, 0, 1),
    ],
)
def test_tensorflow_same(n: int, kernel: int, stride: int, size: int, before: int, after: int) -> None:
    same = SameWindow(kernel, stride)
    assert (same.length(n), same.at(n).before, same.at(n).after) == (size, before, after)


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "padding", "size", "back"),
    [(74, 3, 2, 0, 36, 73), (250, 11, 3, 0, 80, 248), (32, 3, 2, 1, 16, 31)],
)
def test_there_and_back(n: int, kernel: int, stride: int, padding: int, size: int, back: int) -> None:
    there = Window(kernel, stride, 1, padding, padding)
    assert there.length(n) == size
    assert Spread(kernel, stride, 1, padding).length(size) == back
    assert Spread(kernel, stride, 1, padding, output_padding=there.loss(n).leftover).length(size) == n


@pytest.mark.parametrize(
    ("kernel", "stride", "inputs"),
    [
        (2, 2, (1, 1)),
        (3, 2, (2, 1)),
        (4, 2, (2, 2)),
        (5, 2, (3, 2)),
        (6, 3, (2, 2, 2)),
        (5, 3, (2, 2, 1)),
    ],
)
def test_inputs_per_output_of_a_transposed_convolution(kernel: int, stride: int, inputs: tuple[int, ...]) -> None:
    spread, n = Spread(kernel, stride), 20
    assert spread.overlap == inputs
    inside = range(kernel, spread.length(n) - kernel)
    assert all(spread.writers(cell, n) == inputs[cell % stride] for cell in inside)


# Mean taps of 9 on real cells, at these dilations: wide ones leave little but the middle (arXiv:1706.05587, 3.3).
@pytest.mark.parametrize(
    ("n", "means"),
    [
        (33, {6: "6.95", 12: "5.17", 18: "3.64", 24: "2.39", 36: "1.00"}),
        (65, {6: "7.93", 12: "6.92", 18: "5.98", 24: "5.11", 36: "3.58"}),
        (16, {6: "5.06", 12: "2.25", 18: "1.00", 24: "1.00", 36: "1.00"}),
    ],
)
def test_taps_of_a_dilated_kernel_on_real_cells(n: int, means: dict[int, str]) -> None:
    for dilation, mean in means.items():
        along = Fraction(sum(Window(3, 1, dilation, dilation, dilation).taps(n)), n)
        assert f"{float(along**2):.2f}" == mean


# Against a walk over single cells


def padded(n: int, before: int, after: int, mode: PadMode) -> list[int | None]:
    """The real cell in each place of a padded axis, None where there is none; negative numbers crop."""
    cells: list[int | None] = list(range(n))
    left = cells[max(-before, 0) : n + min(after, 0)]
    sides: dict[PadMode, tuple[list[int | None], list[int | None]]] = {
        "constant": ([None] * max(before, 0), [None] * max(after, 0)),
        "replicate": ([0] * max(before, 0), [n - 1] * max(after, 0)),
        "reflect": (cells[1 : max(before, 0) + 1][::-1], cells[::-1][1 : max(after, 0) + 1]),
        "circular": (left[len(left) - max(before, 0) :], left[: max(after, 0)]),
    }
    return [*sides[mode][0], *left, *sides[mode][1]]


def windows(n: int, window: Window) -> list[list[int]]:
    """The places on the padded axis of each window, one after the other as long as there is room.

    With ceil_mode, there is room as long as places are left over, and a window begins before the padding at the end.
    """
    found = []
    places, start = n + window.before + window.after, 0
    while (
        start - window.stride + window.extent < places and start < n + window.before
        if window.ceil
        else start + window.extent <= places
    ):
        found.append(list(range(start, start + window.extent, window.dilation)))
        start += window.stride
    return found


def walk_window(n: int, window: Window) -> list[set[int]]:
    axis = padded(n, window.before, window.after, window.mode)
    reads = [[axis[place] if place < len(axis) else None for place in places] for places in windows(n, window)]
    return [{cell for cell in each if cell is not None} for each in reads]


def agrees(axis: AxisMap, n: int, walked: Sequence[set[int]], cells: int) -> None:
    """The map reads what was walked over, and its span says so too."""
    reads_as(axis, n, walked, cells)
    spans_what_it_reads(axis, n, walked)


def reads_as(axis: AxisMap, n: int, walked: Sequence[set[int]], cells: int) -> None:
    """The map has as many cells as were walked over, and a set of them reads what they read together."""
    assert axis.length(n) == len(walked)
    for o, read in enumerate(walked):
        assert set(bits(axis.reads(1 << o, n))) == read, f"{axis} on {n}, cell {o}"
    some = cells & all_cells(len(walked))
    assert set(bits(axis.reads(some, n))) == set().union(*(walked[o] for o in bits(some)))
    assert set(bits(axis.reads(all_cells(len(walked)), n))) == set().union(*walked)


def spans_what_it_reads(axis: AxisMap, n: int, walked: Sequence[set[int]]) -> None:
    """A stretch that lies on the axis as a whole begins and ends with a cell that is read."""
    if (span := axis.span(n)) is None:
        return
    for o, read in enumerate(walked):
        low, high = span.at(o)
        if 0 <= low <= high < n:
            assert read, f"{axis} on {n}, cell {o}"
            assert (min(read), max(read)) == (low, high), f"{axis} on {n}, cell {o}"


SIZES = st.integers(1, 24)
ENDS = st.none() | st.integers(-9, 9)
MODES: tuple[PadMode, ...] = ("constant", "reflect", "replicate", "circular")
SOME = st.integers(0, (1 << 64) - 1)
KERNELS, STRIDES, DILATIONS, PADDINGS = st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 7)
PLAIN_WINDOWS = st.builds(Window, KERNELS, STRIDES, DILATIONS, PADDINGS, PADDINGS)
POOLS = KERNELS.flatmap(  # which are padded by half of their windows at most
    lambda kernel: st.builds(
        Window,
        st.just(kernel),
        STRIDES,
        DILATIONS,
        st.integers(0, kernel // 2),
        st.integers(0, kernel // 2),
        st.booleans(),
    )
)
COPYING_WINDOWS = st.builds(
    Window,
    KERNELS,
    STRIDES,
    DILATIONS,
    PADDINGS,
    PADDINGS,
    mode=st.sampled_from(("reflect", "replicate", "circular")),
)


WINDOWS = PLAIN_WINDOWS | POOLS | COPYING_WINDOWS


@given(n=SIZES, window=WINDOWS, cells=SOME)
def test_window(n: int, window: Window, cells: int) -> None:
    widest = {"reflect": n - 1, "circular": n}.get(window.mode, n + 9)
    assume(max(window.before, window.after) <= widest)
    walked = walk_window(n, window)
    assume(walked or window.length(n) == 0)
    agrees(window, n, walked, cells)


@given(n=SIZES, window=PLAIN_WINDOWS | POOLS)
def test_window_without_room(n: int, window: Window) -> None:
    assert (window.length(n) < 1) == (not windows(n, window))


@given(n=SIZES, window=WINDOWS)
def test_loss_of_a_window(n: int, window: Window) -> None:
    widest = {"reflect": n - 1, "circular": n}.get(window.mode, n + 9)
    assume(max(window.before, window.after) <= widest)
    walked, placed = walk_window(n, window), windows(n, window)
    assume(placed)
    read, end = set().union(*walked), placed[-1][-1] + 1
    places = n + window.before + window.after
    unread = set(range(n)) - read
    assert window.loss(n) == Loss(
        leftover=max(places - end, 0),
        lost=sum(cell + window.before >= end for cell in unread),
        uneven=sum(place >= n + window.before for place in range(end, places)),
        skipped=sum(cell + window.before < end for cell in unread),
        overhang=max(end - places, 0),
        blank=sum(not each for each in walked),
    )


@given(n=SIZES, window=PLAIN_WINDOWS)
def test_taps_of_a_window(n: int, window: Window) -> None:
    axis = padded(n, window.before, window.after, "constant")
    placed = windows(n, window)
    real = [sum(each[j] < len(axis) and axis[each[j]] is not None for each in placed) for j in range(window.kernel)]
    assert list(window.taps(n)) == real


@given(n=SIZES, same=st.builds(SameWindow, KERNELS, STRIDES, DILATIONS), cells=SOME)
def test_same_window(n: int, same: SameWindow, cells: int) -> None:
    # As little padding as lets a window begin at every stride-th cell, the odd one after.
    count = len(range(0, n, same.stride))
    missing = max((count - 1) * same.stride + same.dilation * (same.kernel - 1) + 1 - n, 0)
    plain = Window(same.kernel, same.stride, same.dilation, missing // 2, missing - missing // 2)
    agrees(same, n, walk_window(n, plain), cells)
    assert same.loss(n) == plain.loss(n)


@given(
    n=SIZES,
    spread=st.builds(Spread, KERNELS, STRIDES, DILATIONS, st.integers(0, 9), st.integers(0, 3)),
    cells=SOME,
)
def test_spread(n: int, spread: Spread, cells: int) -> None:
    written: list[set[int]] = [set() for _ in range((n - 1) * spread.stride + spread.extent)]
    for i, j in product(range(n), range(spread.kernel)):
        written[i * spread.stride + j * spread.dilation].add(i)
    left = [*written, *(set[int]() for _ in range(spread.output_padding))]
    left = left[spread.padding : len(left) - spread.padding]
    assume(spread.length(n) > 0)
    assert len(left) == spread.length(n)
    for o, read in enumerate(left):
        assert set(bits(spread.reads(1 << o, n))) == read
        assert spread.writers(o, n) == len(read)
    some = cells & all_cells(len(left))
    assert set(bits(spread.reads(some, n))) == set().union(*(left[o] for o in bits(some)))
    spans_what_it_reads(spread, n, left)
    unread = set(range(n)) - set().union(*left)
    loss = spread.loss(n)
    assert loss.real == len(unread)
    assert set(range(loss.lost_before)) | set(range(n - loss.lost, n)) <= unread


@given(n=SIZES, bins=st.integers(1, 30), cells=SOME)
def test_bins(n: int, bins: int, cells: int) -> None:
    # A cell is in a bin where the two overlap, both drawn to one scale.
    overlaps = [{c for c in range(n) if c * bins < (i + 1) * n and (c + 1) * bins > i * n} for i in range(bins)]
    agrees(Bins(bins), n, overlaps, cells)


@given(kernel=KERNELS, size=st.integers(1, 9), spare=st.integers(0, 12), cells=SOME)
def test_random_bins(kernel: int, size: int, spare: int, cells: int) -> None:
    # As PyTorch draws them: one number u in [0, 1) for all windows. What it does changes at multiples of 1 / room.
    n = size + kernel - 1 + spare
    room = n - kernel
    step = Fraction(room, size - 1) if size > 1 else Fraction(0)
    walked: list[set[int]] = [set() for _ in range(size)]
    for u in (Fraction(t, 2 * room or 1) for t in range(2 * room or 1)):
        for i in range(size):
            start = math.floor((i + u) * step) - math.floor(u * step) if i < size - 1 else room
            walked[i] |= set(range(start, start + kernel))
    agrees(RandomBins(kernel, size), n, walked, cells)


@given(n=SIZES, before=st.integers(-9, 9), after=st.integers(-9, 9), mode=st.sampled_from(MODES), cells=SOME)
def test_shift(n: int, before: int, after: int, mode: PadMode, cells: int) -> None:
    left = n + min(before, 0) + min(after, 0)
    assume(left > 0)
    assume(max(before, after) <= {"reflect": n - 1, "circular": left}.get(mode, 9))
    walked = [set() if cell is None else {cell} for cell in padded(n, before, after, mode)]
    agrees(Shift(before, after, mode), n, walked, cells)


@given(n=SIZES, size=SIZES, cells=SOME)
def test_centre(n: int, size: int, cells: int) -> None:
    axis: list[int | None] = list(range(n))
    while len(axis) != size:
        if len(axis) > size:
            axis = axis[:-1] if (len(axis) - size) % 2 else axis[1:]
        else:
            axis = [*axis, None] if (size - len(axis)) % 2 else [None, *axis]
    agrees(Centre(size), n, [set() if cell is None else {cell} for cell in axis], cells)


@given(n=SIZES, start=ENDS, stop=ENDS, step=st.integers(1, 5), cells=SOME)
def test_slice(n: int, start: int | None, stop: int | None, step: int, cells: int) -> None:
    agrees(Sliced(start, stop, step), n, [{cell} for cell in range(n)[start:stop:step]], cells)


@given(n=SIZES, shift=st.integers(-60, 60), cells=SOME)
def test_roll_and_flip(n: int, shift: int, cells: int) -> None:
    agrees(Flipped(), n, [{cell} for cell in reversed(range(n))], cells)
    rolled = torch.roll(torch.arange(n), shift).tolist()
    reads_as(Rolled(shift), n, [{cell} for cell in rolled], cells)
    span = Rolled(shift).span(n)
    assert 2 * sum(span.at(o) == (cell, cell) for o, cell in enumerate(rolled)) >= n


@given(n=SIZES, index=st.lists(st.integers(0, 23), min_size=1, max_size=9), step=st.integers(-2, 2), cells=SOME)
def test_picked(n: int, index: list[int], step: int, cells: int) -> None:
    listed = tuple(cell % n for cell in index)
    agrees(Picked(listed), n, [{cell} for cell in listed], cells)
    spaced = tuple(cell for cell in range(listed[0], listed[0] + 5 * step, step or 1) if 0 <= cell < n) or (0,)
    agrees(Picked(spaced), n, [{cell} for cell in spaced], cells)
    assert Picked(spaced).period(n) == 1


@given(n=SIZES, start=ENDS, stop=ENDS, step=st.integers(1, 4), cells=SOME)
def test_writing_over_a_slice(n: int, start: int | None, stop: int | None, step: int, cells: int) -> None:
    places = range(n)[start:stop:step]
    assume(places)
    reads_as(Overwritten(Sliced(start, stop, step)), n, [set() if i in places else {i} for i in range(n)], cells)
    written = [{places.index(i)} if i in places else set[int]() for i in range(n)]
    agrees(Written(places.start, step, n), len(places), written, cells)


@given(groups=st.integers(1, 5), wide=st.integers(1, 5), narrow=st.integers(1, 5), cells=SOME)
def test_grouped(groups: int, wide: int, narrow: int, cells: int) -> None:
    read = [set(range(g * wide, (g + 1) * wide)) for g in range(groups) for _ in range(narrow)]
    agrees(Grouped(groups * narrow, groups), groups * wide, read, cells)


@given(groups=st.integers(1, 6), wide=st.integers(1, 6), cells=SOME)
def test_shuffle(groups: int, wide: int, cells: int) -> None:
    table = [range(g * wide, (g + 1) * wide) for g in range(groups)]
    agrees(Shuffle(groups), groups * wide, [{row[j]} for j in range(wide) for row in table], cells)


@given(half=st.integers(1, 12), cells=SOME)
def test_halves(half: int, cells: int) -> None:
    agrees(Halves(), 2 * half, [{i, i + half} for i in range(half)], cells)


@given(half=st.integers(1, 12), cells=SOME)
def test_partners_in_the_other_half(half: int, cells: int) -> None:
    agrees(Partnered(), 2 * half, [{i, (i + half) % (2 * half)} for i in range(2 * half)], cells)


@given(n=SIZES, size=SIZES, cells=SOME)
def test_prefix(n: int, size: int, cells: int) -> None:
    agrees(Prefix(), n, [set(range(i + 1)) for i in range(n)], cells)
    agrees(Prefix(size), n, [set(range(min(i + 1, n))) for i in range(size)], cells)


@given(n=SIZES, size=SIZES, cells=SOME)
def test_all_and_nothing(n: int, size: int, cells: int) -> None:
    agrees(All(size), n, [set(range(n))] * size, cells)
    agrees(SizeOnly(), n, [set()] * n, cells)
    agrees(KEEP, n, [{i} for i in range(n)], cells)


@given(rows=SIZES, columns=st.integers(1, 9), window=PLAIN_WINDOWS, cells=SOME)
def test_raveled(rows: int, columns: int, window: Window, cells: int) -> None:
    for n, other in ((rows, columns), (columns, rows)):
        walked = walk_window(n, window)
        assume(walked)
        agrees(Raveled(window, inner=other), n, [read for read in walked for _ in range(other)], cells)
        agrees(Raveled(window, outer=other), n, walked * other, cells)


# Interpolation against gradients


class Interpolated(NamedTuple):
    """What torch.nn.functional.interpolate calls an interpolation, and how it can be asked for."""

    torch: str
    corners: tuple[bool | None, ...] = (None,)
    antialias: tuple[bool, ...] = (False,)


INTERPOLATIONS: dict[InterpolationMode, Interpolated] = {
    "nearest": Interpolated("nearest"),
    "nearest-exact": Interpolated("nearest-exact"),
    "linear": Interpolated("bilinear", (False, True), (False, True)),
    "cubic": Interpolated("bicubic", (False, True), (False, True)),
    "lanczos": Interpolated("lanczos", (False,), (True,)),
    "area": Interpolated("area"),
}
FACTORS = st.sampled_from((2, 3, 4, 0.5, 0.25, 1.5, 1 / 3, 2 / 3)) | st.integers(10, 400).map(lambda n: n / 100)


@st.composite
def resamplings(draw: st.DrawFn) -> Resample:
    mode = draw(st.sampled_from(tuple(INTERPOLATIONS)))
    align_corners = bool(draw(st.sampled_from(INTERPOLATIONS[mode].corners)))
    antialias = draw(st.sampled_from(INTERPOLATIONS[mode].antialias))
    if draw(st.booleans()):
        return Resample(draw(SIZES), None, mode, align_corners, antialias=antialias)
    return Resample(None, draw(FACTORS), mode, align_corners, draw(st.booleans()), antialias)


@given(n=SIZES, axis=resamplings(), cells=SOME)
def test_resample(n: int, axis: Resample, cells: int) -> None:
    assume(1 <= axis.length(n) <= 64)
    walked = [set(torch.nonzero(weights.abs() > 1e-9).flatten().tolist()) for weights in interpolated(n, axis)]
    for o in borders(n, axis):
        if {(cell := bits(axis.reads(1 << o, n))[0]) - 1} == walked[o]:
            walked[o] = {cell}
    agrees(axis, n, walked, cells)


def interpolated(n: int, axis: Resample) -> torch.Tensor:
    """The weight with which each output cell, a row, reads each of n cells."""
    ones = torch.eye(n, dtype=torch.float64).reshape(n, 1, 1, n)
    kind = INTERPOLATIONS[axis.mode]
    other = 2 if axis.mode == "cubic" else 1  # else PyTorch copies where no axis changes its length
    sized = {"size": (other, axis.size)} if axis.size else {"scale_factor": (float(other), axis.factor)}
    found = torch.nn.functional.interpolate(
        ones,
        **sized,
        mode=kind.torch,
        align_corners=axis.align_corners if kind.corners != (None,) else None,
        recompute_scale_factor=axis.recompute or None,
        antialias=axis.antialias,
    )
    return found[:, 0, 0].T


def borders(n: int, axis: Resample) -> list[int]:
    """The output cells that lie on a border of two cells: which of them is the nearest, PyTorch's rounding decides."""
    start = {"nearest": Fraction(0), "nearest-exact": Fraction(1, 2)}.get(axis.mode)
    if start is None:
        return []
    return [o for o in range(axis.length(n)) if ((o + start) * axis.ratio(n)).denominator == 1]
