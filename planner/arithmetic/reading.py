"""Parsing expressions: a text becomes a tree, or a fault that says what is wrong, where, and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.arithmetic.evaluating import LARGEST
from planner.arithmetic.functions import FUNCTIONS
from planner.arithmetic.tree import Node, Token, TokenKind
from planner.diagnostics import Edit, Fault, did_you_mean
from planner.faults._in_text import shown
from planner.faults.bad_arithmetic import BadArithmetic

LONGEST = 1000  # characters
DEEPEST = 30  # brackets within brackets

FirstReads = dict[str, int]
"""The parameters and sizes that an expression reads, each with the offset where it stands first."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<text>'[^']*'|"[^"]*")
    |(?P<parameter>\$[^\W\d]\w*(?:\.[^\W\d]\w*)?)
    |(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)?)
    |(?P<foreign>&&|\|\||<<|>>)
    |(?P<symbol>\$\{|\*\*|//|[<>=!]=|[-+*/%<>()\[\],}])
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
_KINDS: dict[int, TokenKind] = {1: "logic", 2: "logic", _COMPARISON: "comparison", 4: "arithmetic", 5: "arithmetic"}
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_WORDS = ("and", "or", "not", "if", "else")
_INSTEAD = {
    "^": "write a power as `$a ** 2`",
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


def read(text: str) -> tuple[Node, FirstReads]:
    """The tree of a text's expression, and where each parameter is first read. Raises BadArithmetic with an offset."""
    parser = _Parser(text)
    tree = parser.value()
    parser.end()
    return tree, parser.reads


def read_part(text: str, start: int) -> tuple[Node, FirstReads, int]:
    """The tree of the `$name` or `${…}` that starts there in a text, and where it ends."""
    parser = _Parser(text, start)
    tree, end = parser.part()
    return tree, parser.reads, end


def mentions(text: str) -> Iterator[tuple[str, int]]:
    """Every parameter and size that stands in a text, each time, with the offset of its name; in a text that is no
    arithmetic yet, too.
    """
    braces = 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        word, at = found[kind], found.start(kind)
        if word in ("${", "}"):
            braces = max(braces + (1 if word == "${" else -1), 0)
        elif kind == "parameter":
            yield word[1:], at + 1
        elif kind == "name" and braces and word not in {*_WORDS, *_CONSTANTS} and text[found.end() :][:1] != "(":
            yield word, at


class _Parser:
    """Parses an expression from `start` on; `token` is the next to be read."""

    def __init__(self, text: str, start: int = 0) -> None:
        self.text = text
        self.reads: FirstReads = {}
        self.depth = 0
        self.braces = 0
        if len(text) > LONGEST:
            help = "work a part of it out in a parameter of a block"
            raise BadArithmetic(f"there are more than {LONGEST:,} characters", text, 0, help=help)
        self.token = self.look(start)

    # Words

    def look(self, at: int) -> Token:
        match = _TOKEN.match(self.text, at)
        if match is None or match.lastgroup is None:
            return Token("end", "", len(self.text))
        return Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))

    def take(self) -> Token:
        token = self.token
        self.token = self.look(token.end)
        return token

    def take_all(self, *words: str) -> tuple[Token, ...]:
        tokens = []
        while self.token.text in words:
            tokens.append(self.take())
        return tuple(tokens)

    def close(self, symbol: str, opened: Token) -> None:
        """Take the bracket that closes `opened`."""
        if self.token.text != symbol:
            comma = symbol == ")" and self.token.kind == "end"
            quotes = '; inside {…} or […] put quotes around the whole: "max($a, 8)"' if comma else ""
            raise self.missing(f"`{symbol}`", f"close the `{opened.text}`{quotes}")
        self.take()

    def end(self) -> None:
        token = self.token
        if token.text in (")", "]", "}"):
            raise self.wrong(f"`{token.text}` closes nothing", token, "remove it")
        if token.kind != "end":
            raise self.missing("an operator", "write one between the two, such as `*`")

    # What is wrong

    def wrong(self, what: str, token: Token, help: str) -> BadArithmetic:
        return BadArithmetic(what, self.text, token.at, max(len(token.text), 1), help=help)

    def missing(self, wanted: str, help: str) -> BadArithmetic:
        token = self.token
        text = shown(token.text)
        if text == "$":
            meant = _unbracketed(self.text) if self.text[token.end : token.end + 1] == "(" else None
            return self.nameless(token, meant)
        if token.kind in ("foreign", "other"):
            instead = _INSTEAD.get(text, "use + - * / // % ** and comparisons")
            return self.wrong(f"`{text}` is not part of the arithmetic", token, instead)
        where = "at the end" if token.kind == "end" else f"before `{text}`"
        return self.wrong(f"{wanted} is missing {where}", token, help)

    def nameless(self, token: Token, meant: str | None = None) -> BadArithmetic:
        """The fault of a `$` without a name after it; `meant` is the expression that was probably meant."""
        help = _INSTEAD["$"] if meant is None else f"the `$` belongs to each parameter: `{shown(meant)}`"
        fault = self.wrong("a name is missing after `$`", token, help)
        fault.mends = ((Edit((), meant),),) if meant is not None else ()
        return fault

    # Expressions, from the loosest to the tightest

    def part(self) -> tuple[Node, int]:
        """The tree of a `$name` or `${…}` within a text, and where it ends."""
        dollar = self.token
        if dollar.kind == "parameter":
            name = dollar.text[1:].partition(".")[0]  # behind it, a dot is one of the text
            return self.parameter(name, dollar.at), dollar.at + 1 + len(name)
        if dollar.text != "${":
            raise self.nameless(dollar)
        self.take()
        node = self.in_braces()
        if self.token.text != "}":
            raise self.missing("`}`", "close the `${`")
        return node, self.token.end

    def value(self) -> Node:
        """The tree of a whole expression, up to the first token that cannot belong to it."""
        self.go_deeper()
        node = self.operation(1)
        if self.token.text == "if":
            node = self.choice(node)
        self.depth -= 1
        return node

    def go_deeper(self) -> None:
        """Begin a part that stands within another. Raises BadArithmetic where too many do."""
        if self.depth >= DEEPEST:
            help = "work a part of it out in a parameter"
            raise self.wrong(f"there are more than {DEEPEST} levels", self.token, help)
        self.depth += 1

    def choice(self, chosen: Node) -> Node:
        word = self.take()
        condition = self.operation(1)
        if self.token.text != "else":
            raise self.missing("`else`", "write `$a if $condition else $b`")
        self.take()
        return Node("choice", (condition, chosen, self.value()), (word,))

    def operation(self, least: int) -> Node:
        """The tree of operands and of operators that bind at least this tightly."""
        node = self.operand() if least <= _COMPARISON or self.token.text != "not" else self.nested_not()
        while (binds := self.binds()) >= least:
            parts, words = [node], []
            while self.binds() == binds:
                words.append(self.take())
                parts.append(self.operation(binds + 1))
            node = Node(_KINDS[binds], tuple(parts), tuple(words))
        return node

    def binds(self) -> int:
        return _BINDS.get(self.token.text, 0) if self.token.kind in ("symbol", "name") else 0

    def nested_not(self) -> Node:
        """The tree of a `not` behind an operator that binds more tightly, as in `1 + not $a + 2`: it takes in all that
        follows, and so each of several stands within the one before.
        """
        self.go_deeper()
        node = self.operand()
        self.depth -= 1
        return node

    def operand(self) -> Node:
        if nots := self.take_all("not"):
            return Node("not", (self.operation(_COMPARISON),), nots)
        return self.signed()

    def signed(self) -> Node:
        """The tree of an atom with its signs, the items that are taken of it, and the power that it is raised to."""
        signs = self.take_all("-", "+")
        node = self.atom()
        if self.token.text == "[":
            node = self.item(node)
        if self.token.text == "**":
            node = self.power(node)
        return Node("sign", (node,), signs) if signs else node

    def power(self, base: Node) -> Node:
        """The tree of `base ** exponent`; an exponent may be a power itself."""
        word = self.take()
        self.go_deeper()
        exponent = self.signed()
        self.depth -= 1
        return Node("power", (base, exponent), (word,))

    def item(self, items: Node) -> Node:
        parts, words = [items], []
        while self.token.text == "[":
            words.append(self.take())
            parts.append(self.value())
            self.close("]", words[-1])
        return Node("item", tuple(parts), tuple(words))

    def atom(self) -> Node:
        token = self.token
        if token.kind == "number":
            return self.number(self.take())
        if token.kind == "text":
            return Node("constant", value=self.take().text[1:-1])
        if token.kind == "parameter":
            return self.parameter(self.take().text[1:], token.at)
        if token.kind == "name" and token.text not in _WORDS:
            return self.word(self.take())
        if token.text == "[":
            help = "name it in `params` and read it: params: {widths: [16, 32]}, then $widths[0]"
            if token.at == 0:
                help = "leave out the quotes: in a list of the file every item may be arithmetic"
            raise self.wrong("a list cannot be written", token, help)
        if token.text not in ("(", "${"):
            raise self.missing("a value", "a number, a parameter such as `$width`, or an expression in brackets")
        self.take()
        node = self.value() if token.text == "(" else self.in_braces()
        self.close(")" if token.text == "(" else "}", token)
        return node

    def in_braces(self) -> Node:
        self.braces += 1
        node = self.value()
        self.braces -= 1
        return node

    def number(self, token: Token) -> Node:
        value = int(token.text) if token.text.isdigit() else float(token.text)
        if abs(value) > LARGEST:
            raise self.wrong("a number beyond ±2^63", token, "write a smaller one")
        return Node("constant", value=value)

    def parameter(self, name: str, at: int) -> Node:
        self.reads.setdefault(name, at)
        return Node("parameter", value=name)

    def word(self, token: Token) -> Node:
        """The tree of a name without `$`: a constant, a function or, in braces, a parameter."""
        if self.token.text == "(":
            return self.call(token)
        if token.text in _CONSTANTS:
            return Node("constant", value=_CONSTANTS[token.text])
        if self.braces:
            return self.parameter(token.text, token.at)
        if token.text in FUNCTIONS:
            raise self.wrong(f"`{token.text}` is a function", token, f"write {FUNCTIONS[token.text].example}")
        help = f"did you mean the parameter `${token.text}`? A text has quotes: '{token.text}'"
        raise self.wrong(f"`{token.text}` stands for nothing", token, help)

    def call(self, token: Token) -> Node:
        opened = self.take()
        function = FUNCTIONS.get(token.text)
        if function is None:
            help = did_you_mean(token.text, FUNCTIONS) or f"the functions are {', '.join(FUNCTIONS)}"
            raise self.wrong(f"there is no function `{token.text}`", token, help)
        parts = []
        while self.token.text != ")":
            parts.append(self.value())
            if self.token.text != ",":
                break
            self.take()
        self.close(")", opened)
        if not function.least <= len(parts) <= function.most:
            what = f"`{token.text}` does not take {len(parts)} value{'' if len(parts) == 1 else 's'}"
            raise self.wrong(what, token, f"write {function.example}")
        return Node("call", tuple(parts), (token,))


def _unbracketed(text: str) -> str | None:
    """`$(2 * width)` as the arithmetic that it stands for, `(2 * $width)`; None where it stands for none."""
    bare = text.replace("$(", "(")
    known = {*_WORDS, *_CONSTANTS, *FUNCTIONS}
    names = [found.start("name") for found in _TOKEN.finditer(bare) if found["name"] and found["name"] not in known]
    marked = bare
    for at in reversed(names):
        marked = f"{marked[:at]}${marked[at:]}"
    try:
        read(marked)
    except Fault:
        return None
    return marked
