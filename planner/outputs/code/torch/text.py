"""Lines of code as a formatter would leave them, whatever line length from 88 on it was told.

What does not fit on a line of 88 characters is written one item a line, with a comma after the last: a formatter leaves
that as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

WIDTH = 88
STEP = "    "
BODY = STEP * 2
"""How far the statements of a method are indented."""


@dataclass
class Bracketed:
    """One item within brackets, with the comment after it."""

    code: str | Brackets
    comment: str = ""


@dataclass
class Brackets:
    """`head(item, item)`, or the same with other brackets; `shorter` is what to write where that does not fit."""

    head: str
    items: Sequence[Bracketed] = field(default_factory=list)
    tail: str = ")"
    shorter: Brackets | None = None

    def __str__(self) -> str:
        return f"{self.head}{', '.join(str(item.code) for item in self.items)}{self.tail}"

    @property
    def commented(self) -> bool:
        """Whether comments are worth a line for each item."""
        own = len(self.items) > 2 and any(item.comment for item in self.items)
        return own or any(isinstance(item.code, Brackets) and item.code.commented for item in self.items)

    def after(self, head: str) -> Brackets:
        return Brackets(f"{head}{self.head}", self.items, self.tail, self.shorter and self.shorter.after(head))

    def before(self, tail: str) -> Brackets:
        return Brackets(self.head, self.items, f"{self.tail}{tail}", self.shorter and self.shorter.before(tail))

    def fits(self, indent: str, behind: str = "") -> bool:
        return not self.items or (fits(indent, f"{self}{behind}") and not self.commented)


@dataclass
class Chain(Brackets):
    """`head` before a row of `calls`, each on what the one before it returns; where that does not fit, in several
    statements.
    """

    calls: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.head}{''.join(self.calls)}"

    def after(self, head: str) -> Chain:
        return replace(self, head=f"{head}{self.head}")

    def before(self, tail: str) -> Chain:
        return replace(self, calls=(*self.calls[:-1], f"{self.calls[-1]}{tail}"))

    def fits(self, indent: str, behind: str = "") -> bool:
        return len(self.calls) < 2 or fits(indent, f"{self}{behind}")


@dataclass
class Choice(Brackets):
    """`made if condition else other`; where that does not fit, with a statement for each."""

    made: str | Brackets = ""
    condition: str = ""
    other: str = ""

    def __str__(self) -> str:
        return f"{self.head}{self.made} if {self.condition} else {self.other}"

    def after(self, head: str) -> Choice:
        return replace(self, head=f"{head}{self.head}")

    def fits(self, indent: str, behind: str = "") -> bool:
        return fits(indent, f"{self}{behind}")


def after(head: str, code: str | Brackets) -> str | Brackets:
    """Code with what stands directly before it, such as the beginning of a statement."""
    return code.after(head) if isinstance(code, Brackets) else f"{head}{code}"


def fits(indent: str, code: object) -> bool:
    return len(indent) + len(str(code)) <= WIDTH


def lines(indent: str, code: str | Brackets, comment: str = "", behind: str = "") -> Iterator[str]:
    """The lines of one statement or one item, with what stands directly after it."""
    shorter = None if isinstance(code, str) or code.fits(indent, behind) else code.shorter
    code = shorter if shorter is not None and shorter.fits(indent, behind) else code
    if isinstance(code, str) or code.fits(indent, behind):
        yield commented(f"{indent}{code}{behind}", comment)
        return
    if isinstance(code, Chain):
        yield from _statements(indent, code, comment, behind)
        return
    if isinstance(code, Choice):
        yield from _branches(indent, code, comment, behind)
        return
    yield f"{indent}{code.head}"
    inner = code.items[0]
    alone = len(code.items) == 1 and isinstance(inner.code, Brackets) and not inner.comment
    for item in code.items:
        written = list(lines(indent + STEP, item.code, item.comment, "" if alone else ","))
        yield from written if len(written) > 1 or not alone else lines(indent + STEP, item.code, "", ",")
    yield commented(f"{indent}{code.tail}{behind}", comment)


def _branches(indent: str, code: Choice, comment: str, behind: str) -> Iterator[str]:
    """A choice that is too long for a line: a statement for each case, other than that a value keeps its name."""
    statement = _ASSIGNMENT.fullmatch(code.head)
    if statement is None:
        yield commented(f"{indent}{code}{behind}", comment)
        return
    yield f"{indent}if {code.condition}:"
    yield from lines(indent + STEP, after(code.head, code.made), comment)
    if code.other != statement["name"]:
        yield f"{indent}else:"
        yield f"{indent}{STEP}{code.head}{code.other}"


def _statements(indent: str, code: Chain, comment: str, behind: str) -> Iterator[str]:
    """A row of calls that is too long for a line: as many as fit, and the others on what these return. Where that is no
    statement, or a call fits on no line or reads what would be overwritten, a line for each call in brackets.
    """
    statement = _ASSIGNMENT.fullmatch(code.head)
    name = statement["name"] if statement else ""
    rows = [code.calls[0]]
    for call in code.calls[1:]:
        if fits(indent, f"{code.head}{rows[-1]}{call}"):
            rows[-1] += call
        else:
            rows.append(f"{name}{call}")
    read_again = any(re.search(rf"(?<!\.)\b{name}\b", row.removeprefix(name)) for row in rows[1:])
    if not name or read_again or not all(fits(indent, f"{code.head}{row}") for row in rows):
        yield f"{indent}{code.head}("
        yield from (f"{indent}{STEP}{call}" for call in code.calls)
        yield commented(f"{indent}){behind}", comment)
        return
    *before, last = rows
    yield from (f"{indent}{code.head}{row}" for row in before)
    yield commented(f"{indent}{code.head}{last}{behind}", comment)


_ASSIGNMENT = re.compile(r"(?P<name>\w+) = ")
"""The beginning of a statement that gives a value one name."""


def commented(line: str, comment: str) -> str:
    """A line with its comment, if that fits."""
    return f"{line}  # {comment}" if comment and len(line) + len(comment) + 4 <= WIDTH else line
