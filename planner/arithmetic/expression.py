"""Expressions, and names with expressions in them: parsed once, and evaluated for any parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from planner.arithmetic.evaluating import Evaluation, Values
from planner.arithmetic.reading import read, read_part
from planner.arithmetic.tree import Node
from planner.faults.bad_arithmetic import BadArithmetic, kind, written
from planner.faults.unknown_parameter import UnknownParameter


def is_expression(value: object) -> bool:
    """Whether a value of a model file is arithmetic: a text with a `$` in it."""
    return isinstance(value, str) and "$" in value


def has_arithmetic(value: object) -> bool:
    """Whether a value of a model file is arithmetic, parsed or not, or a list or mapping that holds some."""
    if isinstance(value, dict):
        return any(map(has_arithmetic, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_arithmetic, value))
    return isinstance(value, Expression) or is_expression(value)


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """The Expression of a text. Raises BadArithmetic with the offset of what is wrong."""
    return Expression(text, *read(text))


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """A name with expressions in it: `layer${index + 1}`, `block_$index`. Raises as `parse_expression` does."""
    parts: list[str | _Placeholder] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        tree, reads, end = read_part(text, dollar)
        parts += text[at:dollar], _Placeholder(Expression(text, tree, reads), dollar, end - dollar)
        at = end
    return Template(text, (*parts, text[at:]))


class Expression:
    """An arithmetic expression; `names` are the parameters that it reads, and the sizes, as `input.channels`."""

    __slots__ = ("_reads", "names", "text", "tree")

    def __init__(self, text: str, tree: Node, reads: dict[str, int]) -> None:
        """`reads` tells where in the text each parameter stands first."""
        self.text = text
        self.tree = tree
        self.names = frozenset(reads)
        self._reads = reads

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def reads(self) -> Mapping[str, int]:
        """The parameters and sizes that the expression reads, with the offset where each stands first."""
        return self._reads

    @property
    def numbers(self) -> frozenset[int]:
        """The whole numbers that stand in it; of a fraction, both of its numbers."""
        return frozenset(_numbers(self.tree))

    @property
    def sizes(self) -> Mapping[str, int]:
        """The sizes that it reads, each with the offset where it stands first."""
        return {name: at for name, at in self._reads.items() if "." in name}

    def evaluate(self, values: Values) -> Any:
        """What the expression comes to: a number, which is an int if it is whole and else a float; true or false; or,
        where nothing is computed, a parameter as it is. Raises BadArithmetic or UnknownParameter.
        """
        for name, offset in self._reads.items():
            if name not in values:
                fault = UnknownParameter.size if "." in name else UnknownParameter
                raise fault(name, values, self.text, offset)
        result = Evaluation(self.text, self._reads, values).of(self.tree)
        return float(result) if isinstance(result, Fraction) else result


def _numbers(node: Node) -> Iterator[int]:
    if node.kind == "constant" and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield from Fraction(repr(node.value)).as_integer_ratio()
    for part in node.parts:
        yield from _numbers(part)


class _Placeholder(NamedTuple):
    """An expression in a template, with its offset and length there."""

    expression: Expression
    at: int
    length: int


class Template:
    """A text with expressions in it; `names` are the parameters that they read."""

    __slots__ = ("_parts", "names", "text")

    def __init__(self, text: str, parts: tuple[str | _Placeholder, ...]) -> None:
        self.text = text
        self.names = frozenset(
            name for part in parts if isinstance(part, _Placeholder) for name in part.expression.names
        )
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def parts(self) -> tuple[str | Expression, ...]:
        """The literal texts and the expressions between them, in order."""
        return tuple(part if isinstance(part, str) else part.expression for part in self._parts)

    def evaluate(self, values: Values) -> str:
        """The text with each expression replaced by its value, a whole number or a text."""
        return "".join(part if isinstance(part, str) else self._word(part, values) for part in self._parts)

    def _word(self, part: _Placeholder, values: Values) -> str:
        value = part.expression.evaluate(values)
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value)
        raise BadArithmetic(
            f"{kind(value)} cannot be part of a name",
            self.text,
            part.at,
            part.length,
            label=f"this comes to {written(value)}",
            help="use whole numbers and texts: ${index + 1}",
        )
