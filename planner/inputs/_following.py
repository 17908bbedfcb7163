"""Numbers that follow from the sizes of a network's input, as arithmetic over the sizes of what comes into a list.

A number is known by its values in several runs of the network, on inputs of different sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.geometry import Shape

Values = tuple[int, ...]

DIVISORS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 20, 24, 28, 32, 48, 64)
"""Factors and divisors that are looked for."""
RUNS = 7
"""Runs that must bear out what is found: the remainders of a division are few, and equal by chance."""


@dataclass(frozen=True, slots=True)
class Following:
    """A number that is another one in each run, as what is worked out from the size of an input."""

    values: Values

    def __bool__(self) -> bool:
        return any(self.values)


def at_run(data: Any, run: int) -> Any:
    """Arguments as they are in a run."""
    if isinstance(data, Following):
        return data.values[run]
    if isinstance(data, list | tuple):
        return type(data)(at_run(each, run) for each in data)
    if isinstance(data, Mapping):
        return {key: at_run(each, run) for key, each in data.items()}
    return data


def follows(data: Any) -> bool:
    """Whether a number in arguments is another one in each run."""
    if isinstance(data, Mapping):
        return any(map(follows, data.values()))
    return any(map(follows, data)) if isinstance(data, list | tuple) else isinstance(data, Following)


def number_of(values: Sequence[int]) -> int | Following:
    """A number by its values in all runs."""
    return values[0] if len(set(values)) == 1 else Following(tuple(values))


def sizes_of(name: str, shapes: Sequence[Shape]) -> dict[str, Values]:
    """The sizes of an input as arithmetic calls them, with their values in all runs: `$input.height`."""
    names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}.get(len(shapes[0]) - 1, ())
    found = {f"${name}.{axis}": tuple(shape[i] for shape in shapes) for i, axis in enumerate((*names, "channels"))}
    return {text: sizes for text, sizes in found.items() if len(set(sizes)) > 1}


def arithmetic(values: Values, sizes: Mapping[str, Values]) -> str | None:
    """The simplest arithmetic over sizes that has these values in all runs; None where there is none."""
    if any(each != int(each) for each in values):
        return None
    return next((text for text, own in _candidates(sizes, values) if own == values), None)


def _candidates(sizes: Mapping[str, Values], wanted: Values) -> Iterator[tuple[str, Values]]:
    """What may be meant, from the simplest on: sizes, and what strides of two leave of them, with a factor, a divisor
    or an addend, or filled up to a multiple; and the number of cells of a map.
    """
    yield from _reduced(sizes)
    reduced = [(text if "//" not in text else f"({text})", own) for text, own in _reduced(sizes)]
    for text, own in reduced:
        yield from ((f"{text} // {k}", tuple(n // k for n in own)) for k in DIVISORS)
        yield from ((f"ceil({text} / {k})", tuple(-(-n // k) for n in own)) for k in DIVISORS)
        yield from ((f"{k} * {text}", tuple(k * n for n in own)) for k in DIVISORS)
        more = wanted[0] - own[0]
        yield f"{text} {'-' if more < 0 else '+'} {abs(more)}", tuple(n + more for n in own)
    yield from _products(reduced)
    for text, own in reduced:
        for k in DIVISORS:
            rest = tuple(-n % k for n in own)
            yield f"-{text} % {k}", rest
            yield f"{text} + -{text} % {k}", tuple(n + more for n, more in zip(own, rest, strict=True))
            yield f"-{text} % {k} // 2", tuple(n // 2 for n in rest)
            yield f"(-{text} % {k} + 1) // 2", tuple((n + 1) // 2 for n in rest)
    yield from _of_two(sizes, wanted)


def _of_two(sizes: Mapping[str, Values], wanted: Values) -> Iterator[tuple[str, Values]]:
    """What two steps of arithmetic make of a size: parts of it with a factor or an addend, and where what lies in the
    middle of a size that was filled up begins and ends.
    """
    for text, own in sizes.items():
        for k in DIVISORS:
            for part, values in (
                (f"{text} // {k}", tuple(n // k for n in own)),
                (f"ceil({text} / {k})", tuple(-(-n // k) for n in own)),
            ):
                yield from ((f"{part} * {m}", tuple(n * m for n in values)) for m in DIVISORS)
                more = wanted[0] - values[0]
                yield f"{part} {'-' if more < 0 else '+'} {abs(more)}", tuple(n + more for n in values)
            rest = tuple(-n % k for n in own)
            yield f"{text} + -{text} % {k} // 2", tuple(n + m // 2 for n, m in zip(own, rest, strict=True))
            yield f"{text} + (-{text} % {k} + 1) // 2", tuple(n + (m + 1) // 2 for n, m in zip(own, rest, strict=True))
            for m in (2, 4, 8, 16):
                filled = tuple(n + more for n, more in zip(own, rest, strict=True))
                yield f"({text} + -{text} % {k}) // {m}", tuple(n // m for n in filled)


def _reduced(sizes: Mapping[str, Values]) -> Iterator[tuple[str, Values]]:
    """Sizes, and what strides of two leave of them."""
    yield from sizes.items()
    for text, own in sizes.items():
        for k in (2, 4, 8, 16, 32):
            if any(n % k for n in own):
                yield f"ceil({text} / {k})", tuple(-(-n // k) for n in own)
            yield f"{text} // {k}", tuple(n // k for n in own)


def _products(reduced: Sequence[tuple[str, Values]]) -> Iterator[tuple[str, Values]]:
    """The numbers of cells of maps, and of several in each of their cells."""
    for i, (first, a) in enumerate(reduced):
        for second, b in reduced[i + 1 :]:
            cells = tuple(n * m for n, m in zip(a, b, strict=True))
            yield f"{first} * {second}", cells
            yield from ((f"{first} * {second} // {k}", tuple(n // k for n in cells)) for k in DIVISORS)
