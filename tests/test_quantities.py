"""Quantities: read exactly, refused where they are not whole, and written so that they are read back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.quantities import BYTES as UNITS
from planner.quantities import quantity, written

COUNTS = [
    ("0", 0),
    ("5M", 5_000_000),
    ("600M", 600_000_000),
    ("1.5G", 1_500_000_000),
    ("5k", 5_000),
    ("5K", 5_000),
    (" 2 T ", 2 * 10**12),
    ("1_000", 1_000),
    ("25,557,032", 25_557_032),
    ("0.1M", 100_000),
    ("1e6", 1_000_000),
    (25, 25),
    (5e6, 5_000_000),
]
BYTES = [("256KiB", 256 * 1024), ("8GiB", 8 * 1024**3), ("1.5MiB", 1_572_864), ("0.5KiB", 512), ("64kB", 64_000),
         ("64 KB", 64_000), ("16M", 16_000_000), ("1 TiB", 1024**4), ("12B", 12), ("7", 7)]  # fmt: skip
REFUSED = [
    ("", "is no quantity"),
    ("M", "is no quantity"),
    ("-5M", "is below 0"),
    ("1,00M", "has a comma before its decimals; write 1.00M"),
    ("1,2,3M", "is no quantity"),
    ("1.2.3", "is no quantity"),
    ("nan", "is no quantity"),
    ("٣", "is no quantity"),
    ("1e999", "is no quantity"),
    ("9" * 41, "is no quantity"),
    ("1.2345k", "is 1,234.5, which is not whole; write 1,234 or 1,235"),
    (0.5, "is 0.5, which is not whole; write 0 or 1"),
    ("2,1M", "has a comma before its decimals; write 2.1M"),
    (True, "is no quantity"),
    (None, "is no quantity"),
    ([5], "is no quantity"),
    ("5m", "did you mean M?"),
    ("5X", "there are: k, M, G, T"),
    ("5MiB", "is a number of bytes, and this is none; write 5M or so"),
]


@pytest.mark.parametrize(("text", "count"), COUNTS)
def test_a_count_is_read_exactly(text: object, count: int) -> None:
    assert quantity(text) == count


@pytest.mark.parametrize(("text", "count"), BYTES)
def test_bytes_have_units_of_their_own(text: object, count: int) -> None:
    assert quantity(text, of_bytes=True) == count


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_is_no_whole_number_is_refused_with_the_reason(text: object, why: str) -> None:
    with pytest.raises(ValueError, match=r"^`") as refused:
        quantity(text)
    assert why in str(refused.value)


def test_of_bytes_the_reason_says_the_bytes_and_the_units() -> None:
    with pytest.raises(ValueError, match=r"^`307\.2` is 307\.2 bytes, which is not whole; write 307 or 308$"):
        quantity("307.2", of_bytes=True)
    with pytest.raises(ValueError, match=r"did you mean KiB\?"):
        quantity("256kib", of_bytes=True)


@given(st.integers(0, 9999), st.integers(0, 4), st.sampled_from(["kB", "KiB", "MB", "MiB", "GiB", "TiB"]))
def test_a_part_of_a_byte_is_none_of_a_limit_from_above_and_one_of_a_limit_from_below(
    digits: int, decimals: int, unit: str
) -> None:
    number = Fraction(digits, 10**decimals)
    text = f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}}{unit}" if decimals else f"{digits}{unit}"
    least, most = quantity(text, of_bytes=True, up=True), quantity(text, of_bytes=True)
    exact = number * UNITS[unit]
    assert most <= exact <= least
    assert least - most == (exact.denominator != 1)


@given(st.integers(0, 10**24), st.booleans())
def test_what_is_written_is_read_back(count: int, of_bytes: bool) -> None:
    assert quantity(written(count, of_bytes=of_bytes), of_bytes=of_bytes) == count


def test_round_numbers_are_written_shortly() -> None:
    assert [written(600_000_000), written(1_500_000), written(25_557_032), written(0)] == [
        "600M",
        "1,500k",
        "25,557,032",
        "0",
    ]
    assert [written(quantity(text, of_bytes=True), of_bytes=True) for text in ("2.1MiB", "1.25GiB", "0.3KiB")] == [
        "2.1MiB",
        "1,280MiB",
        "307B",
    ]
    assert [written(262_144, of_bytes=True), written(1000, of_bytes=True)] == ["256KiB", "1,000B"]
