"""Arithmetic over sizes that has the values which a number has in all runs of a network: what people write first.

All of it is made of what strides leave of a size, `(size + more) // stride`, as convolutions and pools in a row do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from itertools import combinations, product
from math import gcd, isfinite, lcm
from typing import NamedTuple

from planner.inputs._following import Values

STRIDES = (*range(1, 11), 12, 14, 15, 16, 18, 20, 24, 27, 28, 30, 32, 36, 40, 42, 48, 54, 56, 64)
"""Products of strides, and of strides and the windows behind them, that are looked for."""
WINDOWS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 20, 24, 28, 32, 48, 64)
"""Divisors of which halves of the remainder are looked for."""
LARGEST = 256
"""The largest divisor, and the most that is left out of a map, that is looked for."""

FARTHEST = 512
"""The largest stride that is looked for where nothing but that is worked out."""
OUTER = 32
"""The largest product of strides before a map that is filled up on both sides."""
FINEST = 4096
"""The largest denominator of ratios that is looked for."""
NEAR = (0, -1, 1, -2, 2)
"""How many cells more or less than what strides leave is filled up."""


class Follows(NamedTuple):
    """What a number may be: `value` works it out from the sizes of these names."""

    text: str
    names: tuple[str, ...]
    value: Callable[..., int | Fraction]


class LeftOver(NamedTuple):
    """What a stride leaves of a size: `(size + more) // stride`; `own` has its values in all runs."""

    name: str
    stride: int
    more: int
    own: Values

    @property
    def is_plain(self) -> bool:
        return self.more in (0, self.stride - 1)

    def plus(self, add: int = 0) -> str:
        """The text of the arithmetic, with a number added."""
        name, stride, more = self.name, self.stride, self.more
        if more and (more < stride - 1 or add < 0):
            return f"({_sum(name, more + add * stride)}) // {stride}"
        text = name if stride == 1 else f"ceil({name} / {stride})" if more else f"{name} // {stride}"
        return _sum(text, add)

    def inner(self, add: int = 0) -> str:
        """The text of the arithmetic with a number added, in brackets where it becomes a part of more."""
        text = self.plus(add)
        return text if text == self.name or (text.startswith("ceil(") and not add) else f"({text})"

    def of(self, add: int = 0) -> Callable[[int], int]:
        more, stride = self.more + add * self.stride, self.stride
        return lambda size: (size + more) // stride


def candidates(values: Sequence[float], sizes: Mapping[str, Values]) -> list[Follows]:
    """All arithmetic that has these values in all runs, the simplest first."""
    return _whole(values, sizes) if all(each % 1 == 0 for each in values) else [*_ratios(values, sizes)]


def _whole(values: Sequence[float | Fraction], sizes: Mapping[str, Values]) -> list[Follows]:
    """All whole numbers that have these values."""
    if any(each % 1 for each in values):
        return []
    apart: dict[Values, str] = {}  # of several that are always equal, the first
    for name, own in sizes.items():
        apart.setdefault(own, name)
    return _candidates(tuple(map(int, values)), tuple((name, own) for own, name in apart.items()))


@lru_cache(maxsize=1024)
def _candidates(values: Values, sizes: tuple[tuple[str, Values], ...]) -> list[Follows]:
    of = {name: own for name, own in sizes if _alone(own, values)}
    lefts = sorted((left for name, own in of.items() for left in _lefts(name, own)), key=lambda left: not left.is_plain)
    found = [
        *(each for left in lefts if left.stride == 1 for each in _filled(left, values)),
        *(each for name, own in of.items() for each in _parts(name, own, values)),
        *(each for left in lefts for each in _remainders(left, values)),
        *(each for left in lefts if left.stride <= OUTER for each in _halves(left, values)),
        *(each for left in lefts if left.stride > 1 for each in _filled(left, values)),
    ]
    return [*{each.text: each for each in found or _products(dict(sizes), values)}.values()]


def _alone(own: Values, values: Values) -> bool:
    """Whether a number may follow from a size alone: it is the same wherever the size is."""
    return len({*zip(own, values, strict=True)}) == len({*own})


@lru_cache(maxsize=256)
def _lefts(name: str, own: Values) -> list[LeftOver]:
    """What strides leave of a size, with each addend that is another one."""
    return [
        LeftOver(name, stride, more, tuple((n + more) // stride for n in own))
        for stride in STRIDES
        for more in dict.fromkeys((0, stride - 1, *range(1, stride - 1)))
    ]


def _sum(text: str, more: int) -> str:
    return f"{text} {'-' if more < 0 else '+'} {abs(more)}" if more else text


def _solved(name: str, own: Values, values: Values) -> list[tuple[LeftOver, int]]:
    """All strides that leave numbers of a size, with what is added to each: of several addends, those that are written
    most simply and those that differ most.
    """
    found: list[tuple[LeftOver, int]] = []
    for stride in range(1, FARTHEST + 1):
        least, most = -(1 << 60), 1 << 60
        for n, value in zip(own, values, strict=True):
            least, most = max(least, value * stride - n), min(most, value * stride + stride - 1 - n)
            if least > most:
                break
        else:
            whole, ceiled = -(-least // stride) * stride, -(-(least + 1) // stride) * stride - 1
            for more in dict.fromkeys((whole, ceiled, least, most)):
                if least <= more <= most:
                    add, more = divmod(more, stride)
                    found.append((LeftOver(name, stride, more, ()), add))
    return sorted(found, key=lambda each: (not each[0].is_plain, each[1] != 0))


def _parts(name: str, own: Values, values: Values) -> Iterator[Follows]:
    """What strides leave of a size, several times, with an addend; or what a size lacks of a fixed one."""
    for left, add in _solved(name, own, values):
        yield Follows(left.plus(add), (name,), left.of(add))
    steps = _common([value - values[0] for value in values])
    for times in (k for k in range(2, min(steps, LARGEST) + 1) if not steps % k):
        more = values[0] % times
        for left, add in _solved(name, own, tuple(value // times for value in values)):
            inner = left.of(add)
            short = left.stride > 1 and not more and not add
            text = f"{left.plus()} * {times}" if short else f"{times} * {left.inner(add)}"
            several = Follows(_sum(text, more), (name,), lambda n, k=times, f=inner, c=more: k * f(n) + c)
            yield several
    most = max(n + value for n, value in zip(own, values, strict=True))
    if all(n + value == most for n, value in zip(own, values, strict=True)):
        yield Follows(f"{most} - {name}", (name,), lambda n: most - n)


def _filled(left: LeftOver, values: Values) -> Iterator[Follows]:
    """A size that was filled up to whole windows."""
    windows = gcd(*values)
    for more in NEAR if windows > 1 else ():
        lacks = [value - n - more for n, value in zip(left.own, values, strict=True)]
        if min(lacks) >= 0 and max(lacks) > 0:
            inner, text = left.of(more), left.inner(more)
            for k in _divisors(windows, max(lacks) + 1):
                shown = f"{text} + -{text} % {k}"
                yield Follows(shown, (left.name,), lambda n, k=k, f=inner: -(-f(n) // k) * k)


def _remainders(left: LeftOver, values: Values) -> Iterator[Follows]:
    """What a size lacks of whole windows, and what it has over them."""
    least, most = min(values), max(values)
    if least < 0:
        return
    for sign in (-1, 1):
        sums = [value - sign * n for n, value in zip(left.own, values, strict=True)]
        for k in _divisors(_common([each - sums[0] for each in sums]), most):
            more = sign * sums[0] % k
            more -= k if 2 * more > k else 0
            inner, text = left.of(more), left.inner(more)
            if most < k:
                shown = f"{'-' if sign < 0 else ''}{text} % {k}"
                yield Follows(shown, (left.name,), lambda n, k=k, f=inner, sign=sign: sign * f(n) % k)
            if least and sign < 0:
                yield Follows(f"{k} - {text} % {k}", (left.name,), lambda n, k=k, f=inner: k - f(n) % k)


def _common(numbers: Sequence[int]) -> int:
    """The greatest common divisor, 1 as soon as that is certain."""
    found = 0
    for each in numbers:
        found = gcd(found, each)
        if found == 1:
            break
    return found


def _divisors(number: int, least: int) -> Iterator[int]:
    """The divisors of a number from one on."""
    if number >= least:
        yield from (k for k in range(max(least, 2), min(number, LARGEST) + 1) if not number % k)


def _halves(left: LeftOver, values: Values) -> Iterator[Follows]:
    """Where what lies in the middle of a size that was filled up begins and ends, and what strides leave of that."""
    own, least, most, name = left.own, min(values), max(values), (left.name,)
    pairs = [*zip(own, values, strict=True)]
    for k, up in product(WINDOWS, (0, 1)):
        if least >= 0 and most <= k // 2:
            for rest in (2 * values[0] - up, 2 * values[0] - up + 1):
                more = (-rest - own[0]) % k
                if all((-(n + more) % k + up) // 2 == value for n, value in pairs):
                    more -= k if 2 * more > k else 0
                    shown, inner = f"-{left.inner(more)} % {k}", left.of(more)
                    yield Follows(_half(shown, up), name, lambda n, k=k, up=up, f=inner: (-f(n) % k + up) // 2)
        for more in NEAR if k // 2 >= values[0] - own[0] >= -2 else ():
            if all(n + more + (-(n + more) % k + up) // 2 == value for n, value in pairs):
                text, inner = left.inner(more), left.of(more)
                shown = f"{text} + {_half(f'-{text} % {k}', up)}"
                yield Follows(shown, name, lambda n, k=k, up=up, f=inner: f(n) + (-f(n) % k + up) // 2)
    plain = left.of()
    for k, m in product(WINDOWS, (2, 4, 8, 16)) if left.is_plain else ():
        if k % m and m % k and all((n + -n % k) // m == value for n, value in pairs):
            shown = f"({left.inner()} + -{left.inner()} % {k}) // {m}"
            yield Follows(shown, name, lambda n, k=k, m=m, f=plain: -(-f(n) // k) * k // m)


def _half(text: str, up: int) -> str:
    return f"({text} + 1) // 2" if up else f"{text} // 2"


def _products(sizes: Mapping[str, Values], values: Values) -> Iterator[Follows]:
    """The numbers of cells of maps, a part of these, and several in each of their cells."""
    for first, second in combinations(sizes, 2):
        names = first, second
        others: dict[Values, list[LeftOver]] = {}
        for left in _lefts(second, sizes[second]):
            others.setdefault(left.own, []).append(left)
        for a in _lefts(first, sizes[first]):
            for times in (1, *WINDOWS):
                if all(n and not value % (n * times) for n, value in zip(a.own, values, strict=True)):
                    rest = tuple(value // n // times for n, value in zip(a.own, values, strict=True))
                    several = f"{times} * " if times > 1 else ""
                    for b in others.get(rest, ()):
                        shown = f"{several}{a.inner()} * {b.inner()}"
                        yield Follows(shown, names, partial(_cells, a, b, times, 1))
        plain = ([left for left in _lefts(name, sizes[name]) if left.is_plain] for name in names)
        for a, b in product(*plain):
            if (cells := a.own[0] * b.own[0]) > values[0] > 0:
                k = cells // values[0]
                if all(n * m // k == value for n, m, value in zip(a.own, b.own, values, strict=True)):
                    yield Follows(f"{a.inner()} * {b.inner()} // {k}", names, partial(_cells, a, b, 1, k))


def _ratios(values: Sequence[float], sizes: Mapping[str, Values]) -> Iterator[Follows]:
    """A number of cells as a part of a fixed number, a fixed number or a size as parts of a number of cells: numbers as
    Python's division gives them.
    """
    if not all(isfinite(each) and each for each in values):
        return
    ratios = [Fraction(each).limit_denominator(FINEST) for each in values]
    if any(ratio.numerator / ratio.denominator != each for ratio, each in zip(ratios, values, strict=True)):
        return
    under, over = lcm(*(each.denominator for each in ratios)), lcm(*(each.numerator for each in ratios))
    for top in _whole([under * each for each in ratios], sizes):
        shown = f"{_closed(top)} / {under}"
        yield Follows(shown, top.names, lambda *n, of=top.value, k=under: of(*n) / Fraction(k))
    for below in _whole([over / each for each in ratios], sizes):
        shown = f"{over} / {_closed(below)}"
        yield Follows(shown, below.names, lambda *n, of=below.value, k=over: _quotient(k, of(*n)))
    for name, own in sizes.items():
        for below in _whole([n / each for n, each in zip(own, ratios, strict=True)], sizes):
            shown = f"{name} / {_closed(below)}"
            yield Follows(shown, (name, *below.names), lambda n, *more, of=below.value: _quotient(n, of(*more)))


def _closed(found: Follows) -> str:
    return found.text if (found.text,) == found.names else f"({found.text})"


def _quotient(n: int, m: int | Fraction) -> Fraction:
    """A part of a number; none of one that nothing is left of, at sizes that a network does not take."""
    return Fraction(n) / m if m else Fraction(0)


def _cells(a: LeftOver, b: LeftOver, times: int, parts: int, n: int, m: int) -> int:
    return times * a.of()(n) * b.of()(m) // parts
