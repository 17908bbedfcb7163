"""Arithmetic with `$`: the values of texts such as `2 * $width`, evaluated by a small evaluator of our own.

    value    operand {operator operand} ["if" value "else" value]
    operand  {"not" | "-" | "+"} power
    power    atom {"[" value "]"} ["**" {"-" | "+"} power]
    atom     number, 'text', true, false, null, $name, $name.size, "${" value "}", "(" value ")",
             function "(" value {"," value} ")"

The operators, loosest first: `or`; `and`; `not`; `== != < <= > >=`, which may be chained; `+ -`; `* / // %`; a sign;
`**`, which binds a sign before it less tightly than one behind it, as in Python. Within `${…}` parameters stand without
their `$`.

A text is read once, into a tree (`tree`, `reading`). `evaluating` goes through the tree with exact numbers, ints or
Fractions; a float counts as the decimal that is written for it. Generated code is made from the same tree. The
functions stand in `functions`, the operators in `reading` and `evaluating`.
"""

from __future__ import annotations

from planner.arithmetic.evaluating import is_too_long
from planner.arithmetic.expression import (
    Expression,
    Template,
    has_arithmetic,
    is_expression,
    parse_expression,
    parse_template,
)
from planner.arithmetic.functions import FUNCTIONS
from planner.arithmetic.reading import DEEPEST, LONGEST, mentions
from planner.arithmetic.tree import Node

__all__ = [
    "DEEPEST",
    "FUNCTIONS",
    "LONGEST",
    "Expression",
    "Node",
    "Template",
    "has_arithmetic",
    "is_expression",
    "is_too_long",
    "mentions",
    "parse_expression",
    "parse_template",
]
