"""One expression for all copies: the one among their own expressions that is right in every copy.

Every expression is evaluated for every copy and compared with the number of the plan. An expression that is right by
chance is found out in other worlds, where the parameters of the model have other values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

from planner.classes.arithmetic import comes_to, value
from planner.classes.expressions import Expr, UnusableError, const, name, same, text
from planner.classes.tensors import INDEX, Copy, SymbolicTensor

LONG = 4
"""Where a parameter has the value of an expression with this many operators or more, the parameter is written."""
P = ParamSpec("P")
T = TypeVar("T")
Values = Mapping[str, Any]
Worlds = Callable[[], Sequence[Values]]


class Candidate(NamedTuple):
    """An expression of one copy, the values of the names in sight there, and the value that the expression must have.

    worlds  gives what the names come to where the model's parameters have other values
    """

    expr: Expr
    values: Values
    wanted: Any
    worlds: Worlds


class UnsharedError(Exception):
    """Copies have no class in common, or a list cannot be written with its repetitions.

    Copies are compared argument by argument, and one difference ends the whole attempt: it is raised there, and caught
    only in `if_shared`, which makes the attempt.
    """


def if_shared(attempt: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """The result of an attempt; None where copies turn out to have no class in common."""
    try:
        return attempt(*args, **kwargs)
    except UnsharedError:
        return None


def for_all_copies(known: Sequence[tuple[Expr, Values, Worlds]], is_type: bool = False) -> Expr:
    """The expression that stands for those of all copies."""
    first = known[0][0]
    agree = all(expr == first for expr, _, _ in known)
    if is_type:
        if agree and first.op in ("name", "text"):
            return first
        names = frozenset().union(*(expr.depends_on for expr, _, _ in known))
        return text(f"nn.{agreed(worth(expr, values) for expr, values, _ in known)}").assuming(names)
    if agree and (first.is_const or (first.size < LONG and first.op != "either")):
        return const(first.args[0], first.assumed) if first.op == "lost" else first
    try:
        wanted = [Candidate(expr, values, value(expr, values), worlds) for expr, values, worlds in known]
    except UnusableError:
        if agree:
            return first
        raise UnsharedError from None
    if agree and first.op != "either":
        return _parameter(wanted) or first
    return chosen(wanted)


def chosen(known: Sequence[Candidate]) -> Expr:
    """An expression of one of the copies that is right in all of them, or a parameter that is."""
    candidates = (expr for each in known for expr in (*_branches(each.expr), each.expr) if expr.op != "lost")
    for expr in sorted(dict.fromkeys(candidates), key=lambda expr: len(expr.assumed)):
        if all(comes_to(expr, each.values, each.wanted) for each in known) and _agree_elsewhere(expr, known):
            return expr
    first = known[0].wanted
    if all(same(each.wanted, first) for each in known):
        names = frozenset().union(*(each.expr.depends_on for each in known))
        return const(first, names)
    found = _parameter(known)
    if found is None:
        raise UnsharedError
    return found


def _parameter(known: Sequence[Candidate]) -> Expr | None:
    """A parameter that has the wanted value in every copy; None where there is none, or the wanted values are all the
    same.
    """
    first = known[0]
    if all(same(each.wanted, first.wanted) for each in known):
        return None
    for each in first.values:
        fits = all(each in found.values and same(found.values[each], found.wanted) for found in known)
        if fits and _agree_elsewhere(name(each), known):
            return name(each)
    return None


def _branches(expr: Expr) -> tuple[Expr, ...]:
    """The two branches of a choice; where both have the same value, either can replace the choice."""
    return expr.args[1:] if expr.op == "either" else ()


def _agree_elsewhere(expr: Expr, known: Sequence[Candidate]) -> bool:
    """Whether an expression has the value of each copy's own one where the model's parameters have other values."""
    for own, there, _, worlds in known:
        if own == expr or own.op == "lost":
            continue
        for values in (*worlds(), *_apart(own, there)):
            try:
                if not same(value(expr, values), value(own, values)):
                    return False
            except UnusableError:
                continue
    return True


def _apart(own: Expr, values: Values) -> Iterator[Values]:
    """For a plain number, a world with other numbers of input channels, which one may equal by chance."""
    if own.names <= {INDEX}:
        yield {each: 7 * found + 3 if each.endswith("_channels") else found for each, found in values.items()}


def agreed(found: Iterable[Any]) -> Any:
    """The value that all copies agree in."""
    first, *others = dict.fromkeys(found)
    if others:
        raise UnsharedError
    return first


def worth(expr: Expr, values: Values) -> Any:
    """The value of an expression; where it has none, copies have no class in common."""
    try:
        return value(expr, values)
    except UnusableError:
        raise UnsharedError from None


def least_assuming(copies: Sequence[Copy], tensors: Sequence[SymbolicTensor]) -> Expr | None:
    """The channels of one output as they are right in all copies, with the fewest names taken for granted."""
    candidates = sorted({tensor.channels for tensor in tensors}, key=lambda expr: (len(expr.assumed), expr.size))
    for expr in candidates:
        if expr.op != "lost" and all(
            comes_to(expr, copy.values, tensor.shape.channels) for copy, tensor in zip(copies, tensors, strict=True)
        ):
            return expr
    return None
