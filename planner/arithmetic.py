"""`$` arithmetic: what a value with a `$` in it comes to, by a small evaluator of our own.

    value    operand {operator operand} ["if" value "else" value]
    operand  {"not" | "-" | "+"} atom {"[" value "]"}
    atom     number, 'text', true, false, null, $name, "${" value "}", "(" value ")", function "(" value {"," value} ")"

The operators, loosest first: `or`; `and`; `not`; `== != < <= > >=`, which may be chained; `+ -`; `* / // %`. Within
`${…}` parameters stand without their `$`.

An expression is compiled into steps for a machine with a stack, so evaluation never recurses. Numbers are exact, ints
or Fractions; a float counts as the decimal that is written for it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from planner.diagnostics import Edit, Fault, did_you_mean
from planner.faults._in_text import shown
from planner.faults.bad_arithmetic import BadArithmetic, kind, written
from planner.faults.unknown_parameter import UnknownParameter

LARGEST = 1 << 63
LONGEST = 1000  # characters
DEEPEST = 30  # brackets within brackets

Number = int | Fraction
Values = Mapping[str, Any]
"""Parameters by name: anything that a model file can hold."""


def is_expression(value: object) -> bool:
    """Whether a value of a model file is arithmetic: a text with a `$` in it."""
    return isinstance(value, str) and "$" in value


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """The expression that `text` is. Raises BadArithmetic with the offset of what is wrong."""
    compiler = _Compiler(text)
    compiler.value()
    compiler.end()
    return compiler.expression()


@lru_cache(maxsize=4096)
def compile_template(text: str) -> Template:
    """A name with expressions in it: `layer${index + 1}`, `block_$index`. Raises as `compile_expression` does."""
    parts: list[str | _Part] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        compiler = _Compiler(text, dollar)
        end = compiler.part()
        parts += text[at:dollar], _Part(compiler.expression(), dollar, end - dollar)
        at = end
    return Template(text, (*parts, text[at:]))


def words(text: str) -> Iterator[tuple[str, str]]:
    """The words of an expression that compiles, each with its kind: number, text, parameter, name or symbol."""
    for found in _TOKEN.finditer(text):
        if found.lastgroup is not None:
            yield found.lastgroup, found[found.lastgroup]


class Expression:
    """A compiled expression; `names` are the parameters that it reads."""

    __slots__ = ("_reads", "_steps", "names", "text")

    def __init__(self, text: str, steps: tuple[_Step, ...], reads: dict[str, int]) -> None:
        self.text = text
        self.names = frozenset(reads)
        self._reads = reads
        self._steps = steps

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def evaluate(self, values: Values) -> Any:
        """What the expression comes to: a number, which is an int if it is whole and else a float; true or false; or,
        where nothing is computed, a parameter as it is. Raises BadArithmetic or UnknownParameter.
        """
        for name, offset in self._reads.items():
            if name not in values:
                raise UnknownParameter(name, values, self.text, offset)
        machine = _Machine(self.text, {name: values[name] for name in self._reads})
        result = machine.run(self._steps)
        return float(result) if isinstance(result, Fraction) else result


class _Part(NamedTuple):
    """An expression in a template, with its offset and length there."""

    expression: Expression
    at: int
    length: int


class Template:
    """A text with expressions in it; `names` are the parameters that they read."""

    __slots__ = ("_parts", "names", "text")

    def __init__(self, text: str, parts: tuple[str | _Part, ...]) -> None:
        self.text = text
        self.names = frozenset(name for part in parts if isinstance(part, _Part) for name in part.expression.names)
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def parts(self) -> tuple[str | Expression, ...]:
        """The literal texts and the expressions between them, in order."""
        return tuple(
            part if isinstance(part, str) else compile_expression(self.text[part.at : part.at + part.length])
            for part in self._parts
        )

    def evaluate(self, values: Values) -> str:
        """The text, with the whole number or the text that each expression comes to."""
        return "".join(part if isinstance(part, str) else self._word(part, values) for part in self._parts)

    def _word(self, part: _Part, values: Values) -> str:
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


# --- evaluating -----------------------------------------------------------------------------------------------------

_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": Fraction,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _make_divisible(value: Number, divisor: Number, least: Number | None = None) -> Number:
    """The multiple of `divisor` nearest to `value`, but not below `least` nor below 90 % of `value`: how the MobileNets
    round their widths (M. Sandler et al., arXiv:1801.04381, reference code; torchvision's `_make_divisible`).
    """
    if value < 0 or divisor <= 0:
        raise _RefusedError("`make_divisible` takes a positive divisor, and no negative value")
    nearest = max(divisor if least is None else least, (value + Fraction(divisor, 2)) // divisor * divisor)
    return nearest + divisor if nearest < Fraction(9, 10) * value else nearest


def _length(items: Any) -> Number:
    if not isinstance(items, list | tuple):
        raise _RefusedError(f"`len` takes a list, not {kind(items)}")
    return len(items)


class _RefusedError(Exception):
    """Raised by a function for values that it does not take."""


class _Function(NamedTuple):
    call: Callable[..., Number]
    least: int
    most: float
    example: str
    takes_numbers: bool = True


_FUNCTIONS = {
    "min": _Function(min, 2, math.inf, "min($a, $b)"),
    "max": _Function(max, 2, math.inf, "max($a, $b)"),
    "round": _Function(round, 1, 1, "round($a / 4)"),
    "ceil": _Function(math.ceil, 1, 1, "ceil($a / 4)"),
    "floor": _Function(math.floor, 1, 1, "floor($a / 4)"),
    "len": _Function(_length, 1, 1, "len($list)", takes_numbers=False),
    "make_divisible": _Function(_make_divisible, 2, 3, "make_divisible($a, 8)"),
}
"""What stands before brackets. `round` goes to the even number at a half, as in Python."""


class _Machine:
    """Runs the steps of an expression for one set of parameters."""

    __slots__ = ("at", "stack", "text", "values")

    def __init__(self, text: str, values: Values) -> None:
        self.text = text
        self.values = values
        self.stack: list[Any] = []
        self.at = 0

    def run(self, steps: tuple[_Step, ...]) -> Any:
        while self.at < len(steps):
            self.at += 1
            steps[self.at - 1](self)
        return self.stack[0]

    def wrong(self, what: str, token: _Token, *, label: str = "", help: str = "") -> BadArithmetic:
        return BadArithmetic(
            what, self.text, token.at, len(token.text), values=self.values, label=label, help=help or _HELP
        )

    def number(self, value: Any, token: _Token) -> Number:
        """A value as an exact number, for the operator or function `token`."""
        if isinstance(value, int | Fraction) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return _whole(Fraction(repr(value)))
        help = _NOT_NUMBERS.get(kind(value), "give a number")
        raise self.wrong(f"`{token.text}` takes numbers, not {kind(value)}", token, help=help)

    def truth(self, value: Any, token: _Token) -> bool:
        if isinstance(value, bool):
            return value
        help = "compare it: `$a > 0`, `$a != null`"
        raise self.wrong(f"`{token.text}` takes true or false, not {kind(value)}", token, help=help)

    def push(self, number: Number, token: _Token) -> None:
        """A result of `token`, if it is in range."""
        if not -LARGEST <= number <= LARGEST:
            raise self.wrong(f"the result of `{token.text}` is beyond ±2^63", token, help="use smaller numbers")
        self.stack.append(_whole(number) if isinstance(number, Fraction) else number)


_HELP = "change the expression, or the parameters that it reads"
_NOT_NUMBERS = {
    "a text": "texts can be compared with == and !=, no more",
    "true": "write it as a choice: 1 if $a else 0",
    "false": "write it as a choice: 1 if $a else 0",
    "null": "give the parameter a value, or guard it: 0 if $a == null else $a",
    "a list": "take an item of the list: $a[0]",
}
_Step = Callable[[_Machine], None]


def _whole(number: Fraction) -> Number:
    """The same number, as an int where it is whole."""
    return number.numerator if number.denominator == 1 else number


def _constant(value: Any) -> _Step:
    return lambda machine: machine.stack.append(value)


def _parameter(name: str) -> _Step:
    return lambda machine: machine.stack.append(machine.values[name])


def _arithmetic(token: _Token) -> _Step:
    apply = _ARITHMETIC[token.text]
    divides = token.text in ("/", "//", "%")

    def step(machine: _Machine) -> None:
        right = machine.number(machine.stack.pop(), token)
        left = machine.number(machine.stack.pop(), token)
        if divides and right == 0:
            help = "give another value than 0, or guard it: $a // $b if $b != 0 else 1"
            raise machine.wrong("division by zero", token, label=f"{left} {token.text} 0", help=help)
        machine.push(apply(left, right), token)

    return step


def _sign(token: _Token) -> _Step:
    def step(machine: _Machine) -> None:
        number = machine.number(machine.stack.pop(), token)
        machine.push(-number if token.text == "-" else number, token)

    return step


def _not(token: _Token) -> _Step:
    return lambda machine: machine.stack.append(not machine.truth(machine.stack.pop(), token))


def _compare(tokens: list[_Token]) -> _Step:
    """`a < b <= c`: each neighbour with the next."""

    def step(machine: _Machine) -> None:
        operands = machine.stack[-len(tokens) - 1 :]
        del machine.stack[-len(tokens) - 1 :]
        pairs = zip(tokens, operands, operands[1:], strict=False)
        machine.stack.append(all(_holds(machine, *pair) for pair in pairs))

    return step


def _holds(machine: _Machine, token: _Token, left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        left, right = machine.number(left, token), machine.number(right, token)
    elif type(left) is not type(right):
        if token.text in _ORDERS:
            raise machine.wrong(f"`{token.text}` cannot compare {kind(left)} with {kind(right)}", token)
        return token.text == "!="
    if token.text in _ORDERS:
        if not _is_number(left) and not isinstance(left, str):
            raise machine.wrong(f"`{token.text}` takes numbers or texts, not {kind(left)}", token)
        return _ORDERS[token.text](left, right)
    return (left == right) is (token.text == "==")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def _call(token: _Token, function: _Function, count: int) -> _Step:
    def step(machine: _Machine) -> None:
        arguments = machine.stack[-count:]
        del machine.stack[-count:]
        if function.takes_numbers:
            arguments = [machine.number(each, token) for each in arguments]
        try:
            machine.push(function.call(*arguments), token)
        except _RefusedError as error:
            raise machine.wrong(str(error), token) from None

    return step


def _index(token: _Token) -> _Step:
    """`$list[0]`; from the end with negative numbers, as in Python."""

    def step(machine: _Machine) -> None:
        index = machine.number(machine.stack.pop(), token)
        items = machine.stack.pop()
        if not isinstance(items, list | tuple):
            raise machine.wrong(f"`[…]` takes an item of a list, not of {kind(items)}", token)
        if not isinstance(index, int):
            raise machine.wrong("the number of an item must be whole", token, label=f"this is {written(float(index))}")
        if not -len(items) <= index < len(items):
            there = f"its items are 0 to {len(items) - 1}" if items else "it is empty"
            help = "choose one that is there, or make the list longer"
            raise machine.wrong(f"the list has no item {index}", token, label=there, help=help)
        machine.stack.append(items[index])

    return step


def _jump(steps: int) -> _Step:
    def step(machine: _Machine) -> None:
        machine.at += steps

    return step


def _jump_unless(token: _Token, steps: int) -> _Step:
    """Past what `if` does not choose."""

    def step(machine: _Machine) -> None:
        if not machine.truth(machine.stack.pop(), token):
            machine.at += steps

    return step


def _decide(token: _Token, steps: int) -> _Step:
    """Past the right side of `and` or `or` where the left one decides."""

    def step(machine: _Machine) -> None:
        if machine.truth(machine.stack[-1], token) is (token.text == "or"):
            machine.at += steps
        else:
            machine.stack.pop()

    return step


def _check_truth(token: _Token) -> _Step:
    def step(machine: _Machine) -> None:
        machine.truth(machine.stack[-1], token)

    return step


# --- compiling ------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<text>'[^']*'|"[^"]*")
    |(?P<parameter>\$[^\W\d]\w*)
    |(?P<name>[^\W\d]\w*)
    |(?P<foreign>\*\*|&&|\|\||<<|>>)
    |(?P<symbol>\$\{|//|[<>=!]=|[-+*/%<>()\[\],}])
    |(?P<other>\S))""",
    re.VERBOSE,
)
_COMPARISON = 3
_BINDS = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARISON),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "//", "%"), 5),
}
"""How tightly an operator binds."""
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_WORDS = ("and", "or", "not", "if", "else")
_INSTEAD = {
    "**": "write a power as a product: $a * $a",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "=": "to compare, write `==`",
    "?": "write `$a if $condition else $b`",
    "$": "a parameter is written `$name`, an expression within a text `${…}`",
    "{": "an expression within a text is written `${…}`",
    "'": "close the quote",
    '"': "close the quote",
}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


def _unbracketed(text: str) -> str | None:
    """`$(2 * width)` as the arithmetic that it stands for, `(2 * $width)`; None where it stands for none."""
    bare = text.replace("$(", "(")
    known = {*_WORDS, *_CONSTANTS, *_FUNCTIONS}
    names = [found.start("name") for found in _TOKEN.finditer(bare) if found["name"] and found["name"] not in known]
    marked = bare
    for at in reversed(names):
        marked = f"{marked[:at]}${marked[at:]}"
    try:
        compile_expression(marked)
    except Fault:
        return None
    return marked


class _Compiler:
    """Reads an expression from `start` on and notes its steps; `token` is the next to be read."""

    def __init__(self, text: str, start: int = 0) -> None:
        self.text = text
        self.steps: list[_Step] = []
        self.reads: dict[str, int] = {}
        self.depth = 0
        self.braces = 0
        if len(text) > LONGEST:
            help = "work a part of it out in a parameter of a block"
            raise BadArithmetic(f"there are more than {LONGEST:,} characters", text, 0, help=help)
        self.token = self.read(start)

    def expression(self) -> Expression:
        return Expression(self.text, tuple(self.steps), self.reads)

    def read(self, at: int) -> _Token:
        match = _TOKEN.match(self.text, at)
        if match is None or match.lastgroup is None:
            return _Token("end", "", len(self.text))
        return _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))

    def take(self) -> _Token:
        token = self.token
        self.token = self.read(token.end)
        return token

    def wrong(self, what: str, token: _Token, help: str) -> BadArithmetic:
        return BadArithmetic(what, self.text, token.at, max(len(token.text), 1), help=help)

    def missing(self, wanted: str, help: str) -> BadArithmetic:
        token = self.token
        text = shown(token.text)
        if text == "$":
            meant = _unbracketed(self.text) if self.text[token.end : token.end + 1] == "(" else None
            return self.nameless(token, meant)
        if token.kind in ("foreign", "other"):
            instead = _INSTEAD.get(text, "use + - * / // % and comparisons")
            return self.wrong(f"`{text}` is not part of the arithmetic", token, instead)
        where = "at the end" if token.kind == "end" else f"before `{text}`"
        return self.wrong(f"{wanted} is missing {where}", token, help)

    def nameless(self, token: _Token, meant: str | None = None) -> BadArithmetic:
        """A `$` without a name behind; `meant` is the expression that was probably meant."""
        help = _INSTEAD["$"] if meant is None else f"the `$` belongs to each parameter: `{shown(meant)}`"
        fault = self.wrong("a name is missing after `$`", token, help)
        fault.mends = ((Edit((), meant),),) if meant is not None else ()
        return fault

    def end(self) -> None:
        token = self.token
        if token.text in (")", "]", "}"):
            raise self.wrong(f"`{token.text}` closes nothing", token, "remove it")
        if token.kind != "end":
            raise self.missing("an operator", "write one between the two, such as `*`")

    def part(self) -> int:
        """A `$name` or `${…}` within a text; gives where it ends."""
        dollar = self.token
        if dollar.kind == "parameter":
            self.load(dollar.text[1:], dollar.at)
            return dollar.end
        if dollar.text != "${":
            raise self.nameless(dollar)
        self.take()
        self.in_braces()
        if self.token.text != "}":
            raise self.missing("`}`", "close the `${`")
        return self.token.end

    def load(self, name: str, at: int) -> None:
        self.reads.setdefault(name, at)
        self.steps.append(_parameter(name))

    def value(self) -> None:
        """Any expression, up to what cannot be part of it."""
        if self.depth >= DEEPEST:
            raise self.wrong(
                f"there are more than {DEEPEST} levels", self.token, "work a part of it out in a parameter"
            )
        self.depth += 1
        start = len(self.steps)
        self.binary(1)
        if self.token.text == "if":
            self.choice(start)
        self.depth -= 1

    def choice(self, start: int) -> None:
        """`x if c else y`: the steps of x, from `start` on, move behind those of c."""
        word = self.take()
        chosen = self.steps[start:]
        del self.steps[start:]
        self.binary(1)
        if self.token.text != "else":
            raise self.missing("`else`", "write `$a if $condition else $b`")
        self.take()
        self.steps += (_jump_unless(word, len(chosen) + 1), *chosen)
        jump = len(self.steps)
        self.steps.append(_jump(0))
        self.value()
        self.steps[jump] = _jump(len(self.steps) - jump - 1)

    def binary(self, least: int) -> None:
        """Operands and the operators between them that bind at least so tightly."""
        self.operand()
        while (binds := self.binds()) >= least:
            if binds == _COMPARISON:
                self.comparison()
                continue
            token = self.take()
            if token.text in ("and", "or"):
                decide = len(self.steps)
                self.steps.append(_jump(0))
                self.binary(binds + 1)
                self.steps.append(_check_truth(token))
                self.steps[decide] = _decide(token, len(self.steps) - decide - 1)
            else:
                self.binary(binds + 1)
                self.steps.append(_arithmetic(token))

    def binds(self) -> int:
        return _BINDS.get(self.token.text, 0) if self.token.kind in ("symbol", "name") else 0

    def comparison(self) -> None:
        tokens = []
        while self.binds() == _COMPARISON:
            tokens.append(self.take())
            self.binary(_COMPARISON + 1)
        self.steps.append(_compare(tokens))

    def operand(self) -> None:
        nots = self.take_all("not")
        if nots:
            self.binary(_COMPARISON)
            self.steps += map(_not, nots)
            return
        signs = self.take_all("-", "+")
        self.atom()
        while self.token.text == "[":
            opened = self.take()
            self.value()
            self.close("]", opened)
            self.steps.append(_index(opened))
        self.steps += map(_sign, reversed(signs))

    def take_all(self, *words: str) -> list[_Token]:
        tokens = []
        while self.token.text in words:
            tokens.append(self.take())
        return tokens

    def atom(self) -> None:
        token = self.token
        if token.kind == "number":
            self.number(self.take())
        elif token.kind == "text":
            self.steps.append(_constant(self.take().text[1:-1]))
        elif token.kind == "parameter":
            self.load(self.take().text[1:], token.at)
        elif token.kind == "name" and token.text not in _WORDS:
            self.word(self.take())
        elif token.text == "[":
            help = "name it in `params` and read it: params: {widths: [16, 32]}, then $widths[0]"
            raise self.wrong("a list cannot be written", token, help)
        elif token.text == "(":
            self.take()
            self.value()
            self.close(")", token)
        elif token.text == "${":
            self.take()
            self.in_braces()
            self.close("}", token)
        else:
            raise self.missing("a value", "a number, a parameter such as `$width`, or an expression in brackets")

    def number(self, token: _Token) -> None:
        value = int(token.text) if token.text.isdigit() else float(token.text)
        if abs(value) > LARGEST:
            raise self.wrong("a number beyond ±2^63", token, "write a smaller one")
        self.steps.append(_constant(value))

    def in_braces(self) -> None:
        self.braces += 1
        self.value()
        self.braces -= 1

    def word(self, token: _Token) -> None:
        """A name without a `$`: a constant, a function or, in braces, a parameter."""
        if self.token.text == "(":
            self.call(token)
        elif token.text in _CONSTANTS:
            self.steps.append(_constant(_CONSTANTS[token.text]))
        elif self.braces:
            self.load(token.text, token.at)
        elif token.text in _FUNCTIONS:
            raise self.wrong(f"`{token.text}` is a function", token, f"write {_FUNCTIONS[token.text].example}")
        else:
            help = f"did you mean the parameter `${token.text}`? A text has quotes: '{token.text}'"
            raise self.wrong(f"`{token.text}` stands for nothing", token, help)

    def call(self, token: _Token) -> None:
        opened = self.take()
        function = _FUNCTIONS.get(token.text)
        if function is None:
            help = did_you_mean(token.text, _FUNCTIONS) or f"the functions are {', '.join(_FUNCTIONS)}"
            raise self.wrong(f"there is no function `{token.text}`", token, help)
        count = 0
        while self.token.text != ")":
            self.value()
            count += 1
            if self.token.text != ",":
                break
            self.take()
        self.close(")", opened)
        if not function.least <= count <= function.most:
            what = f"`{token.text}` does not take {count} value{'' if count == 1 else 's'}"
            raise self.wrong(what, token, f"write {function.example}")
        self.steps.append(_call(token, function, count))

    def close(self, symbol: str, opened: _Token) -> None:
        """The bracket that ends what `opened` began."""
        if self.token.text != symbol:
            comma = symbol == ")" and self.token.kind == "end"
            quotes = '; inside {…} or […] put quotes around the whole: "max($a, 8)"' if comma else ""
            raise self.missing(f"`{symbol}`", f"close the `{opened.text}`{quotes}")
        self.take()
