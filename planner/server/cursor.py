"""A text that is being typed, made readable around the cursor, so that it is known where the cursor stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from planner.server.document import Document
from planner.server.spots import Spot
from planner.server.text import Passage
from planner.source.outline import OutlineNode, outline_if_readable

CURSOR = "zzCURSORzz"
"""Stands in the text for the word under the cursor."""
_BEFORE = re.compile(r"(?:\$\{?)?[\w.*-]*$")
_AFTER = re.compile(r"[\w*-]*")
_BRACKETS = re.compile(r"\"(?:\\.|[^\"\\])*\"?|'[^']*'|(?<!\S)#.*|[\[\]{}]")
_OPEN = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Typed:
    """Where the cursor stands in a text that is being typed.

    spot   the key or value under the cursor, with CURSOR in it
    root   the structure of the text
    word   the stretch that a completion replaces
    typed  the part of the word before the cursor
    flow   whether it stands within brackets
    colon  whether a colon follows it already
    """

    spot: Spot
    root: OutlineNode
    word: Passage
    typed: str
    flow: bool
    colon: bool

    def value(self, path: tuple[str | int, ...]) -> OutlineNode | None:
        return self.root.at(path)

    def keys(self) -> list[str]:
        """The keys of the entry, or of the section, that the cursor is in, without the one being typed."""
        holder = self.spot.holder if self.spot.at_key else self.root.at(self.spot.entry or ())
        keys = [key.value for key in holder.keys] if holder is not None else []
        return [key for key in keys if CURSOR not in key]


def typed_at(document: Document, offset: int) -> Typed | None:
    """Where a cursor stands; None where the text around it cannot be made sense of, or it is in a comment."""
    text = document.text.text
    start, end = document.text.line_passage(document.text.line_at(offset))
    before = _BEFORE.search(text, start, offset)
    after = _AFTER.match(text, offset, end)
    word = Passage(before.start() if before else offset, after.end() if after else offset)
    if document.too_large or _in_comment(text[start:offset]):
        return None
    for attempt in _attempts(document, word, end):
        root = outline_if_readable(attempt)
        spot = _found(root) if root is not None else None
        if root is not None and spot is not None:
            colon = re.match(r"\s*:", text[word.end : end]) is not None
            flow = spot.holder.flow or spot.node.flow
            return Typed(spot, root, word, text[word.start : offset], flow, colon)
    return None


def _in_comment(line: str) -> bool:
    found = [each[0] for each in _BRACKETS.finditer(line)]
    return bool(found) and found[-1].startswith("#")


def _attempts(document: Document, word: Passage, end: int) -> Iterator[str]:
    """Texts with CURSOR in place of the word: as it stands, with the rest of the line left out and brackets closed, and
    with the rest of the file left out.
    """
    text, readable = document.text.text, document.readable
    begin = document.text.starts[document.text.line_at(word.start)]
    others = [readable, text] if readable is not text and len(readable) == len(text) else [text]
    for whole in others:  # other lines that are wrong stay out of it, if that leaves a place for this one
        head, rest = whole[:begin] + text[begin : word.start], text[word.end : end]
        closing = _closing(head)
        for tail in (whole[end:], ""):
            for line in (rest, closing):
                for sign in ("", ":"):
                    yield f"{head}{CURSOR}{sign}{line}{tail}"
            yield f"{head}{CURSOR}{closing}{rest.lstrip()}{tail}"


def _closing(head: str) -> str:
    """The brackets that are open at the end of a text, since the last line that begins an entry or a section."""
    begin = max((found.start() for found in re.finditer(r"^(?:[ ]*-[ ]|\w)", head, re.MULTILINE)), default=0)
    waiting: list[str] = []
    for found in _BRACKETS.finditer(head, begin):
        if found[0] in _OPEN:
            waiting.append(_OPEN[found[0]])
        elif waiting and found[0] == waiting[-1]:
            waiting.pop()
    return "".join(reversed(waiting))


def _found(root: OutlineNode) -> Spot | None:
    """The key or value with CURSOR in it."""
    waiting = [Spot((), root, root)]
    while waiting:
        spot = waiting.pop()
        node = spot.node
        if node.kind == "scalar" and CURSOR in node.value:
            return spot
        if node.kind == "mapping":
            for key, item in zip(node.keys, node.items, strict=True):
                waiting.append(Spot((*spot.path, key.value), key, node, at_key=True))
                waiting.append(Spot((*spot.path, key.value), item, node))
        elif node.kind == "list":
            waiting += [Spot((*spot.path, i), item, node) for i, item in enumerate(node.items)]
    return None
