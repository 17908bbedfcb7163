"""What the words of a file are, for an editor that colours them: layers, blocks, parameters, names, rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from planner.layers import all_layers
from planner.server.document import Document, lists_of
from planner.server.text import Passage

TokenName = Literal["class", "function", "parameter", "variable", "property", "enumMember"]
TOKEN_NAMES: tuple[TokenName, ...] = ("class", "function", "parameter", "variable", "property", "enumMember")
_OF_NAMES: dict[str, TokenName] = {
    "layer": "variable",
    "input": "variable",
    "block": "function",
    "parameter": "parameter",
}


class ColouredWord(NamedTuple):
    """A word of a file, what it is, and whether this is where it gets its meaning."""

    passage: Passage
    name: TokenName
    defines: bool = False


def tokens(document: Document) -> list[ColouredWord]:
    """The words of a file that are known, from top to bottom; none is on more than one line."""
    if document.outline is None or document.source.format or not document.is_model:
        return []
    found: dict[Passage, ColouredWord] = {}
    for each in (*_types(document), *_rules(document)):
        found[each.passage] = each
    for name in document.names:
        found[name.passage] = ColouredWord(name.passage, _OF_NAMES[name.name.kind], name.defines)
    return [found[passage] for passage in sorted(found) if passage.end > passage.start]


def _types(document: Document) -> Iterator[ColouredWord]:
    for home, entries in lists_of(document.source.data):
        for i, entry in enumerate(entries):
            if isinstance(entry, dict) and str(entry.get("type")) in all_layers():
                passage = document.passage_of((*home, i, "type"))
                if passage is not None:
                    yield ColouredWord(passage, "class")


def _rules(document: Document) -> Iterator[ColouredWord]:
    holders = [(), *((*home, i) for home, entries in lists_of(document.source.data) for i in range(len(entries)))]
    for holder in holders:
        given = document.source.at((*holder, "allow"))
        paths = [(*holder, "allow", i) for i in range(len(given))] if isinstance(given, list) else []
        for path in [*paths, *([(*holder, "allow")] if isinstance(given, str) else [])]:
            passage = document.passage_of(path)
            if passage is not None:
                yield ColouredWord(passage, "enumMember")
