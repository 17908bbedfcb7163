"""`$` arithmetic: what expressions come to, and what is said of those that come to nothing."""

from __future__ import annotations

import ast
import inspect
import math
import operator
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.arithmetic import Node, has_arithmetic, is_expression, parse_expression, parse_template
from planner.classes.algebra import make_divisible, substituted
from planner.classes.expressions import Expr, const
from planner.diagnostics import Fault
from planner.faults.bad_arithmetic import BadArithmetic
from planner.faults.unknown_parameter import UnknownParameter

VALUES: dict[str, Any] = {
    "width": 64, "groups": 0, "a": 3, "b": 2, "tenth": 0.1, "yes": True, "no": False, "none": None, "mode": "same",
    "list": [1, 2, [3]], "empty": [], "index": 0, "large": 2**63, "größe": 5, "map": {"a": 1}, "tiny": 1e-300,
}  # fmt: skip


def evaluated(text: str) -> Any:
    return parse_expression(text).evaluate(VALUES)


# expression, what it comes to
RESULTS: list[tuple[str, Any]] = [
    # a parameter alone is handed on as it is
    ("$width", 64), ("$tenth", 0.1), ("$yes", True), ("$none", None), ("$mode", "same"), ("$list", [1, 2, [3]]),
    ("$map", {"a": 1}), ("${width}", 64), (" ($list) ", [1, 2, [3]]), ("$größe", 5),
    # operators and their order
    ("4 * $width", 256), ("$a + $b * $b", 7), ("($a + $b) * $b", 10), ("$a - $b - 1", 0), ("12 / $a / $b", 2),
    ("-$a * -$b", 6), ("--$a", 3), ("+$a", 3), ("2 * -$a", -6), ("-$a // $b", -2), ("-$a % 5", 2), ("7 // -$b", -4),
    ("-7 % $a", 2), ("$a\n+ 1", 4), ("$a*$b+1", 7),
    # numbers are exact; whole ones come out as ints
    ("3 * $tenth", 0.3), ("10 * $tenth", 1), ("$tenth + 0.2", 0.3), ("$a / $b", 1.5), ("$a / $b * $b", 3),
    ("$width / 4", 16), ("$width * 0.5", 32), ("1.1 * 1.1 * $width", 77.44), ("$width * 1e-2", 0.64), ("2. * $a", 6),
    (".5 * $b", 1), ("$tiny * 0", 0), ("7.5 // $b", 3), ("7.5 % $b", 1.5), ("$large - 1", 2**63 - 1),
    ("-$large", -(2**63)), ("1e-400 + $a", 3),
    # powers bind as Python's, and are exact
    ("$a ** 2", 9), ("-$b ** 2", -4), ("(-$b) ** 3", -8), ("$b ** 3 ** 2", 512), ("$b ** -1", 0.5), ("4 * $b ** -2", 1),
    ("2 * $a ** 2 * 2", 36), ("$a ** -$b * 9", 1), ("$tenth ** 2", 0.01), ("0 ** $groups", 1), ("$list[1] ** 2", 4),
    ("-$b ** -$b", -0.25), ("1 ** $large", 1), ("(-1) ** ($large - 1)", -1), ("$b ** 62", 2**62), ("${b ** a}", 8),
    # comparisons, chained too
    ("$a > $b", True), ("$a == 3.0", True), ("$a != 3", False), ("1 < $a <= 3 == $a", True), ("1 < $a < 3", False),
    ("3 * $tenth == 0.3", True), ("$mode == 'same'", True), ('$mode != "same"', False), ("$mode < 'z'", True),
    ("$none == null", True), ("$none == None", True), ("$a == null", False), ("$a == $yes", False),
    ("1 == $yes", False), ("$yes == true", True), ("$no == False", True), ("$list == $list", True),
    ("$list != $empty", True), ("$mode == 3", False), ("$mode != 3", True),
    # and, or, not decide from left to right
    ("$yes and $no", False), ("$yes or $no", True), ("not $yes", False), ("not $no and $yes", True),
    ("not not $yes", True), ("not $a > $b", False), ("not -$a > 0", True), ("$no and $a > $none", False),
    ("$yes or $a > $none", True), ("$none != null and $none > 1", False),
    ("$no or $yes and $no", False), ("$a > 1 or $b > 1 and $no", True),
    # choices; what is not chosen is not worked out
    ("$a if $yes else $b", 3), ("$a if $no else $b", 2), ("1 if $no else 2 if $no else 3", 3),
    ("1 + $a if $yes else 0", 4), ("$a // $groups if $groups != 0 else $a", 3), ("$a if $yes else $a // $groups", 3),
    ("$list if $yes else 1", [1, 2, [3]]), ("(1 if $no else 2) * $a", 6), ("1 if $yes and $no else 2", 2),
    ("$mode if $a > 1 and $yes else 'valid'", "same"),
    ("(1 if $yes else 2) if $yes else 3", 1),
    # functions
    ("min($a, $b)", 2), ("max($a, 7, $b)", 7), ("max($a, 0.5) / 2", 1.5), ("round($a / $b)", 2), ("round(2.5 * 1)", 2),
    ("ceil($a / $b)", 2), ("floor($a / $b)", 1), ("ceil(-$a / $b)", -1), ("floor(-$a / $b)", -2),
    ("len($list)", 3), ("len($empty)", 0), ("min(max($a, 1), 2) + 1", 3), ("max($a, $b,)", 3),
    # items of lists
    ("$list[0]", 1), ("$list[$a - 1][0] + 1", 4), ("$list[-1]", [3]), ("$list[$a / $a]", 2),
    ("$list[len($list) - 2]", 2), ("-$list[1]", -2), ("${list[index]}", 1),
    # in braces parameters have no dollar
    ("${a + b}", 5), ("${a + $b} * 2", 10), ("${max(a, 9)}", 9), ("${index + 1}", 1), ("${a if yes else b}", 3),
    ("${true and not no}", True), ("${'a'} == 'a'", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "result"), RESULTS, ids=[each[0] for each in RESULTS])
def test_results(text: str, result: object) -> None:
    found = evaluated(text)
    assert (found, type(found)) == (result, type(result))


# make_divisible: the widths as published
# width multiplier, base widths, widths: MobileNetV2 0.35 and 1.4 (Keras Applications, TF-Slim), EfficientNet-B3 and -B7
WIDTHS = [
    (0.35, [32, 16, 24, 32, 64, 96, 160, 320], [16, 8, 8, 16, 24, 32, 56, 112]),
    (1.4, [32, 16, 24, 32, 64, 96, 160, 320], [48, 24, 32, 48, 88, 136, 224, 448]),
    (1.2, [32, 16, 24, 40, 80, 112, 192, 320, 1280], [40, 24, 32, 48, 96, 136, 232, 384, 1536]),
    (2.0, [32, 16, 24, 40, 80, 112, 192, 320, 1280], [64, 32, 48, 80, 160, 224, 384, 640, 2560]),
]


@pytest.mark.parametrize(("multiplier", "bases", "widths"), WIDTHS, ids=lambda each: str(each)[:4])
def test_make_divisible_gives_the_published_widths(multiplier: float, bases: list[int], widths: list[int]) -> None:
    expression = parse_expression("make_divisible($base * $multiplier, 8)")
    assert [expression.evaluate({"base": base, "multiplier": multiplier}) for base in bases] == widths


def test_make_divisible_keeps_a_least_width() -> None:
    assert evaluated("make_divisible($a, 8)") == 8
    assert evaluated("make_divisible($a, 8, 16)") == 16
    assert evaluated("make_divisible($width, 8, 16)") == 64


@given(st.integers(0, 10**6), st.integers(1, 512), st.none() | st.integers(1, 512))
def test_make_divisible_of_whole_numbers_is_what_emitted_programs_compute(
    width: int, divisor: int, least: int | None
) -> None:
    values = {"width": width, "divisor": divisor, "least": least}
    text = f"make_divisible($width, $divisor{'' if least is None else ', $least'})"
    assert make_divisible(width, divisor, least) == parse_expression(text).evaluate(values)


# expression, offset, length, headline, label, a part of the help
ARITHMETIC = "a number, a parameter"
WRONG: list[tuple[str, int, int, str, str, str]] = [
    # values
    ("$width // $groups", 7, 2, "division by zero", "64 // 0; $width = 64, $groups = 0", "if $b != 0"),
    ("$a / ($b - 2)", 3, 1, "division by zero", "3 / 0; $a = 3, $b = 2", "if $b != 0"),
    ("$tenth % 0", 7, 1, "division by zero", "1/10 % 0; $tenth = 0.1", "if $b != 0"),
    ("$yes + 1", 5, 1, "`+` takes numbers, not true", "$yes = true", "1 if $a else 0"),
    ("-$no", 0, 1, "`-` takes numbers, not false", "$no = false", "1 if $a else 0"),
    ("$a + $mode", 3, 1, "`+` takes numbers, not a text", "$a = 3, $mode = 'same'", "compared"),
    ("'x' * $a", 4, 1, "`*` takes numbers, not a text", "$a = 3", "compared"),
    ("$none * 2", 6, 1, "`*` takes numbers, not null", "$none = null", "0 if $a == null else $a"),
    ("$list + 1", 6, 1, "`+` takes numbers, not a list", "$list = [1, 2, [3]]", "$a[0]"),
    ("$map + 1", 5, 1, "`+` takes numbers, not a mapping", "$map = a mapping", "give a number"),
    ("max($a, $mode)", 0, 3, "`max` takes numbers, not a text", "$a = 3, $mode = 'same'", "compared"),
    ("len($a)", 0, 3, "`len` takes a list, not a number", "$a = 3", "change the expression"),
    ("$a and $yes", 3, 3, "`and` takes true or false, not a number", "$a = 3, $yes = true", "$a > 0"),
    ("$yes and $a", 5, 3, "`and` takes true or false, not a number", "$yes = true, $a = 3", "$a > 0"),
    ("$none or $yes", 6, 2, "`or` takes true or false, not null", "$none = null, $yes = true", "$a != null"),
    ("not $a", 0, 3, "`not` takes true or false, not a number", "$a = 3", "$a > 0"),
    ("1 if $groups else 2", 2, 2, "`if` takes true or false, not a number", "$groups = 0", "$a > 0"),
    ("$none > 1", 6, 1, "`>` cannot compare null with a number", "$none = null", "change"),
    ("$mode <= 2", 6, 2, "`<=` cannot compare a text with a number", "$mode = 'same'", "change"),
    ("1 < $a < $mode", 7, 1, "`<` cannot compare a number with a text", "$a = 3, $mode = 'same'", "change"),
    ("$list < $list", 6, 1, "`<` takes numbers or texts, not a list", "$list = [1, 2, [3]]", "change"),
    ("$list[3]", 5, 1, "the list has no item 3", "its items are 0 to 2; $list = [1, 2, [3]]", "choose one"),
    ("$list[-4]", 5, 1, "the list has no item -4", "its items are 0 to 2; $list = [1, 2, [3]]", "choose one"),
    ("$empty[0]", 6, 1, "the list has no item 0", "it is empty; $empty = []", "make the list longer"),
    ("$list[$a / $b]", 5, 1, "the number of an item must be whole", "this is 1.5; $list = [1, 2, [3]], $a = 3, $b = 2",
     "change"),
    ("$mode[0]", 5, 1, "`[…]` takes an item of a list, not of a text", "$mode = 'same'", "change"),
    ("$large + 1", 7, 1, "the result of `+` is beyond ±2^63", "$large = 9223372036854775808", "smaller"),
    ("$large * $large", 7, 1, "the result of `*` is beyond ±2^63", "$large = 9223372036854775808", "smaller"),
    ("1 / $tiny", 2, 1, "the result of `/` is beyond ±2^63", "$tiny = 1e-300", "smaller"),
    ("make_divisible($a, 0)", 0, 14, "`make_divisible` takes a positive divisor, and no negative value", "$a = 3",
     "change"),
    # not an expression
    ("$a +", 4, 1, "a value is missing at the end", "", ARITHMETIC),
    ("* $a", 0, 1, "a value is missing before `*`", "", ARITHMETIC),
    ("max(, $a)", 4, 1, "a value is missing before `,`", "", ARITHMETIC),
    ("() * $a", 1, 1, "a value is missing before `)`", "", ARITHMETIC),
    ("$a and or $b", 7, 2, "a value is missing before `or`", "", ARITHMETIC),
    ("2 $a", 2, 2, "an operator is missing before `$a`", "", "`*`"),
    ("2x * $a", 1, 1, "an operator is missing before `x`", "", "`*`"),
    ("$a is $b", 3, 2, "an operator is missing before `is`", "", "`*`"),
    ("max($a", 6, 1, "`)` is missing at the end", "", 'put quotes around the whole: "max($a, 8)"'),
    ("($a + 1", 7, 1, "`)` is missing at the end", "", "close the `(`"),
    ("$list[0", 7, 1, "`]` is missing at the end", "", "close the `[`"),
    ("${a", 3, 1, "`}` is missing at the end", "", "close the `${`"),
    ("($a]", 3, 1, "`)` is missing before `]`", "", "close the `(`"),
    ("$a)", 2, 1, "`)` closes nothing", "", "remove it"),
    ("8) + $a", 1, 1, "`)` closes nothing", "", "remove it"),
    ("$a if $yes", 10, 1, "`else` is missing at the end", "", "$a if $condition else $b"),
    ("$", 0, 1, "a name is missing after `$`", "", "`$name`"),
    ("1 + $ 2", 4, 1, "a name is missing after `$`", "", "`$name`"),
    ("$(2 * a)", 0, 1, "a name is missing after `$`", "", "the `$` belongs to each parameter: `(2 * $a)`"),
    ("1 + $(max(a, 2) if yes and true else $b)", 4, 1, "a name is missing after `$`", "",
     "`1 + (max($a, 2) if $yes and true else $b)`"),
    ("$(a", 0, 1, "a name is missing after `$`", "", "`$name`"),
    ("$('a b' + )", 0, 1, "a name is missing after `$`", "", "`$name`"),
    ("US$ 5", 0, 2, "`US` stands for nothing", "", "A text has quotes: 'US'"),
    ("width * $a", 0, 5, "`width` stands for nothing", "", "did you mean the parameter `$width`?"),
    ("max + $a", 0, 3, "`max` is a function", "", "write max($a, $b)"),
    ("make_divisble($a, 8)", 0, 13, "there is no function `make_divisble`", "", "did you mean `make_divisible`?"),
    ("sqrt($a)", 0, 4, "there is no function `sqrt`", "", "the functions are min, max, round"),
    ("min($a)", 0, 3, "`min` does not take 1 value", "", "write min($a, $b)"),
    ("round($a, 2)", 0, 5, "`round` does not take 2 values", "", "write round($a / 4)"),
    ("ceil() + $a", 0, 4, "`ceil` does not take 0 values", "", "write ceil($a / 4)"),
    ("[$a, 2]", 0, 1, "a list cannot be written", "", "leave out the quotes: in a list of the file every item may"),
    ("1 + [$a, 2]", 4, 1, "a list cannot be written", "", "params: {widths: [16, 32]}"),
    ("$a ^ 2", 3, 1, "`^` is not part of the arithmetic", "", "`$a ** 2`"),
    ("$a ** not $yes", 6, 3, "a value is missing before `not`", "", "a number"),
    ("$a ** 0.5", 3, 2, "an exponent must be whole", "this is 0.5; $a = 3", "round"),
    ("$mode ** 2", 6, 2, "`**` takes numbers, not a text", "$mode = 'same'", "texts can be compared"),
    ("$groups ** -1", 8, 2, "division by zero", "0 ** -1; $groups = 0", "from 0"),
    ("$b ** 64", 3, 2, "the result of `**` is beyond ±2^63", "$b = 2", "smaller"),
    ("$tenth ** 99999", 7, 2, "the result of `**` has too many digits", "$tenth = 0.1", "smaller exponent"),
    ("$yes && $no", 5, 2, "`&&` is not part of the arithmetic", "", "`and`"),
    ("$yes || $no", 5, 2, "`||` is not part of the arithmetic", "", "`or`"),
    ("!$yes", 0, 1, "`!` is not part of the arithmetic", "", "`not`"),
    ("$a = 3", 3, 1, "`=` is not part of the arithmetic", "", "`==`"),
    ("$a ? 1 : 2", 3, 1, "`?` is not part of the arithmetic", "", "$a if $condition else $b"),
    ("$a << 2", 3, 2, "`<<` is not part of the arithmetic", "", "+ - * / // %"),
    ("$a ~ 2", 3, 1, "`~` is not part of the arithmetic", "", "+ - * / // %"),
    ("$a + 'x", 5, 1, "`'` is not part of the arithmetic", "", "close the quote"),
    ("lambda: $a", 0, 6, "`lambda` stands for nothing", "", "$lambda"),
    ("__import__('os') + $a", 0, 10, "there is no function `__import__`", "", "the functions are"),
    ("1e99 * $a", 0, 4, "a number beyond ±2^63", "", "smaller"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "offset", "length", "what", "label", "help"), WRONG, ids=[each[0] for each in WRONG])
def test_bad_arithmetic(text: str, offset: int, length: int, what: str, label: str, help: str) -> None:
    with pytest.raises(BadArithmetic) as caught:
        evaluated(text)
    fault = caught.value
    assert (fault.message, fault.label) == (f"{what} in `{text}`", label)
    assert (fault.offset, fault.length) == (offset, length)
    assert help in fault.help
    assert fault.help


UNKNOWN = [
    ("$widht", 0, 6, "there is no parameter `$widht`", "did you mean `$width`?"),
    ("2 * $widht", 4, 6, "there is no parameter `$widht` for `2 * $widht`", "did you mean `$width`?"),
    ("${a + widht}", 6, 5, "there is no parameter `$widht` for `${a + widht}`", "did you mean `$width`?"),
    (
        "$a if $yes else $zzz",
        16,
        4,
        "there is no parameter `$zzz` for `$a if $yes else $zzz`",
        "declare it: params: {zzz: }",
    ),
]


@pytest.mark.parametrize(("text", "offset", "length", "message", "help"), UNKNOWN, ids=[each[0] for each in UNKNOWN])
def test_unknown_parameters(text: str, offset: int, length: int, message: str, help: str) -> None:
    with pytest.raises(UnknownParameter) as caught:
        evaluated(text)
    fault = caught.value
    assert (fault.message, fault.help, fault.offset, fault.length) == (message, help, offset, length)
    assert fault.label.startswith("the parameters here are `$a`, `$b`")


def test_without_any_parameters() -> None:
    with pytest.raises(UnknownParameter) as caught:
        parse_expression("$a").evaluate({})
    assert caught.value.label == "no parameters are declared here"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$a", {"a"}),
        ("$a + $b * $a", {"a", "b"}),
        ("${a + max(b, 1)}", {"a", "b"}),
        ("$a if $b else $c", {"a", "b", "c"}),
        ("'$a' == $b", {"b"}),
        ("1 + 1", set()),
    ],
)
def test_names(text: str, names: set[str]) -> None:
    assert parse_expression(text).names == names


@pytest.mark.parametrize(
    ("value", "is_one"), [("$a", True), ("x${a}", True), ("a", False), (3, False), (None, False), (["$a"], False)]
)
def test_an_expression_has_a_dollar(value: object, is_one: bool) -> None:
    assert is_expression(value) is is_one


@pytest.mark.parametrize(
    ("value", "has_some"),
    [
        ("$a", True), ("a", False), (None, False), (3, False), ([], False), ([1, "a"], False), ([1, [2, "$a"]], True),
        (("$a",), True), ({"a": 1}, False), ({"a": [1, "$a"]}, True), ({"$a": 1}, False),
    ],
)  # fmt: skip
def test_where_arithmetic_is_held(value: object, has_some: bool) -> None:
    assert has_arithmetic(value) is has_some


# --- names with expressions in them -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("denselayer${index + 1}", "denselayer1"),
        ("b$index", "b0"),
        ("$mode", "same"),
        ("${a}${b}-$mode.x", "32-same.x"),
        ("x${'y' if yes else 'z'}}", "xy}"),
        ("x${a * 2 / b}", "x3"),
        ("größe $größe", "größe 5"),
        ("plain", "plain"),
    ],
)
def test_templates(text: str, result: str) -> None:
    assert parse_template(text).evaluate(VALUES) == result


def test_names_in_templates() -> None:
    assert parse_template("a${index + b}-$c").names == {"index", "b", "c"}


@pytest.mark.parametrize(
    ("text", "offset", "length", "message"),
    [
        ("x${", 3, 1, "a value is missing at the end in `x${`"),
        ("x${a", 4, 1, "`}` is missing at the end in `x${a`"),
        ("x${a b}", 5, 1, "`}` is missing before `b` in `x${a b}`"),
        ("x$", 1, 1, "a name is missing after `$` in `x$`"),
        ("x$-1", 1, 1, "a name is missing after `$` in `x$-1`"),
        ("x${list}y", 1, 7, "a list cannot be part of a name in `x${list}y`"),
        ("x${a / b}", 1, 8, "a number cannot be part of a name in `x${a / b}`"),
        ("x$yes", 1, 4, "true cannot be part of a name in `x$yes`"),
        ("x${none}", 1, 7, "null cannot be part of a name in `x${none}`"),
        ("x${a // groups}", 5, 2, "division by zero in `x${a // groups}`"),
        ("x" * 1000 + "$a", 0, 1, f"there are more than 1,000 characters in `{'x' * 59}…`"),
    ],
)
def test_bad_templates(text: str, offset: int, length: int, message: str) -> None:
    with pytest.raises(BadArithmetic) as caught:
        parse_template(text).evaluate(VALUES)
    assert (caught.value.message, caught.value.offset, caught.value.length) == (message, offset, length)


# --- against Python's own grammar ---------------------------------------------------------------------------------

Exact = int | Fraction | bool


def power(base: Any, exponent: Any) -> Any:
    if exponent != int(exponent):
        raise ArithmeticError("an exponent must be whole")
    assume(abs(exponent) <= 500 or abs(base) == 1)
    return within_range(Fraction(base) ** int(exponent))


def within_range(number: Any) -> Any:
    if abs(number) > 2**63:
        raise ArithmeticError("is beyond")
    return number


BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod, ast.Div: lambda a, b: Fraction(a) / b, ast.Pow: power,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def by_python(node: ast.AST) -> Any:
    """The value of an expression as Python parses it, in exact numbers."""
    match node:
        case ast.Expression(body):
            return by_python(body)
        case ast.Constant(value):
            return Fraction(str(value))
        case ast.Name(name):
            return Fraction(str(VALUES[name]))
        case ast.UnaryOp(ast.USub(), operand):
            return -by_python(operand)
        case ast.UnaryOp(ast.Not(), operand):
            return not by_python(operand)
        case ast.BinOp(left, symbol, right):
            return within_range(BINARY[type(symbol)](by_python(left), by_python(right)))
        case ast.BoolOp(ast.And(), operands):
            return all(by_python(operand) for operand in operands)
        case ast.BoolOp(ast.Or(), operands):
            return any(by_python(operand) for operand in operands)
        case ast.Compare(left, symbols, rights):
            values = [by_python(operand) for operand in (left, *rights)]
            return all(BINARY[type(s)](a, b) for s, a, b in zip(symbols, values, values[1:], strict=False))
        case ast.IfExp(test, chosen, other):
            return by_python(chosen if by_python(test) else other)
    raise NotImplementedError(ast.dump(node))


def numbers() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(["1", "2", "3", "0.5", "7", "$a", "$b", "$tenth", "$width", "$groups"])

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operators = st.sampled_from(["+", "-", "*", "/", "//", "%"])
        powers = st.sampled_from(["0", "1", "2", "3", "-1", "-2", "2 ** -0", "-$b", "$groups ** 2"])
        comparison = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
        compared = st.builds("{} {} {}".format, inner, comparison, inner) | st.builds(
            "{} {} {} {} {}".format, inner, comparison, inner, comparison, inner
        )
        decided = st.builds("{} {} {}".format, compared, st.sampled_from(["and", "or", "and not", "or not"]), compared)
        return (
            st.builds("{} {} {}".format, inner, operators, inner)
            | st.builds("({})".format, inner)
            | st.builds("-{}".format, inner)
            | st.builds("{} ** {}".format, inner, powers)
            | st.builds("({} if {} else {})".format, inner, st.one_of(compared, decided), inner)
        )

    return st.recursive(atoms, larger, max_leaves=10)


@given(numbers())
def test_expressions_mean_what_they_mean_in_python(text: str) -> None:
    try:
        expected = by_python(ast.parse(text.replace("$", ""), mode="eval"))
    except ZeroDivisionError:
        with pytest.raises(BadArithmetic, match="division by zero"):
            evaluated(text)
        return
    except ArithmeticError as error:
        with pytest.raises(BadArithmetic, match=str(error)):
            evaluated(text)
        return
    found = evaluated(text)
    assert found == (int(expected) if expected.denominator == 1 else float(expected))
    assert isinstance(found, int) is (expected.denominator == 1)


@given(st.integers(-(10**6), 10**6), st.integers(1, 1000))
def test_rounding_is_python_s(number: int, parts: int) -> None:
    values = {"n": number, "p": parts}
    exact = Fraction(number, parts)
    for name, function in (("round", round), ("ceil", math.ceil), ("floor", math.floor)):
        assert parse_expression(f"{name}($n / $p)").evaluate(values) == function(exact)


# --- hostile ------------------------------------------------------------------------------------------------------

HOSTILE = [
    ("(" * 400 + "$a" + ")" * 400, "there are more than 30 levels"),
    ("$list[" * 160 + "0" + "]" * 30, "there are more than 30 levels"),
    ("1 if $yes else " * 60 + "$a", "there are more than 30 levels"),
    ("${" * 490 + "a", "there are more than 30 levels"),
    ("max(" * 200 + "$a", "there are more than 30 levels"),
    ("1+not " * 160 + "$yes", "there are more than 30 levels"),
    ("not $yes==" * 99 + "$yes", "there are more than 30 levels"),
    ("$a" + " " * 1000, "there are more than 1,000 characters"),
    ("9" * 900 + " * $a", "a number beyond ±2^63"),
    ("1e999999999 * $a", "a number beyond ±2^63"),
    ("$large" + " * $large" * 100, "the result of `*` is beyond ±2^63"),
    ("9**9**9**9 + $a", "the result of `**` has too many digits"),
    ("1" + "**1" * 200 + "+ $a", "there are more than 30 levels"),
    ("$a\0", "`\\x00` is not part of the arithmetic"),
    ("\ud800$a", "`\\ud800` is not part of the arithmetic"),
    ("$a '\n'", "an operator is missing before `'\\n'`"),
    ("().__class__.__bases__[0] + $a", "a value is missing before `)`"),
]


@pytest.mark.parametrize(("text", "what"), HOSTILE, ids=[ascii(each[0][:20]) for each in HOSTILE])
def test_hostile_expressions(text: str, what: str) -> None:
    with pytest.raises(BadArithmetic) as caught:
        evaluated(text)
    assert caught.value.message.startswith(f"{what} in `")
    assert caught.value.message.isprintable()


LONG_CHAINS = [
    ("-" * 996 + "$a", 3), ("not " * 248 + "$yes", True), ("1 + " * 248 + "$a", 251), ("$a < " * 198 + "$a", False),
    ("$yes and " * 110 + "$yes", True), ("1e-300 * " * 110 + "$a", 0.0), ("max($a, " + "1, " * 320 + "2)", 3),
]  # fmt: skip


@pytest.mark.parametrize(("text", "result"), LONG_CHAINS, ids=lambda each: str(each)[:10])
def test_long_chains(text: str, result: object) -> None:
    assert evaluated(text) == result


DEEP_LEVEL = "$no or $yes and not 9<1+1*-("
"""An operator of every kind before each bracket: no tree is deeper than with as many of these as are allowed."""


def height(node: Node) -> int:
    return 1 + max(map(height, node.parts), default=0)


@pytest.mark.parametrize("text", [each[0] for each in LONG_CHAINS], ids=lambda each: each[:10])
def test_long_chains_are_shallow(text: str) -> None:
    assert height(parse_expression(text).tree) <= 3


def test_the_deepest_expression_needs_few_frames() -> None:
    expression = parse_expression(DEEP_LEVEL * 29 + "1" + ")" * 29)
    assert height(expression.tree) > 7 * 29
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 300)
    try:
        with pytest.raises(BadArithmetic, match="`-` takes numbers, not true"):
            expression.evaluate(VALUES)
    finally:
        sys.setrecursionlimit(before)


PIECES = ["$a", "$list", "${", "}", "(", ")", "[", "]", "min(", ",", "1", "0.5", "'x'", "+", "-", "*", "/", "//", "%",
          "==", "<", "and", "or", "not", "if", "else", "$", "a", "**", " "]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(max_size=20).map("$a{}".format))
def test_no_text_brings_the_evaluator_down(text: str) -> None:
    offsets = []
    for compiled in (parse_expression, parse_template):
        try:
            compiled(text).evaluate(VALUES)
        except Fault as fault:
            offsets.append(fault.offset)
    assert all(0 <= offset <= len(text) for offset in offsets)


def test_an_element_that_a_list_lacks_stays_an_expression() -> None:
    """Where other arguments are tried for a class, an index may be one that is not there."""
    element = Expr("item", (Expr("tuple", (const(8), const(16))), Expr("name", ("i",))))
    assert substituted(element, {"i": const(1)}) == const(16)
    assert str(substituted(element, {"i": const(2)})) == "(8, 16)[2]"
