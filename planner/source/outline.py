"""The outline of a text: how its values are written, for code that edits the text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from yaml import events

from planner.diagnostics import Path
from planner.source.yaml import events_of


class OutlineNode:
    """A value as the text has it: the stretch that it takes, anchor included, and the values in it.

    kind     `scalar`, `list`, `mapping` or `alias`
    start, end  characters from 0; a block list or mapping ends where its last value does
    flow     whether a list or mapping is written in brackets
    quote    the quotation mark, or the sign of a block, that a scalar is written with; "" for none
    keys     of a mapping, in order; `<<` stands as it is
    items    of a list, or the values of a mapping
    """

    __slots__ = ("anchor", "end", "flow", "items", "keys", "kind", "quote", "start", "value")

    def __init__(self, kind: str, start: int, end: int, value: str = "", quote: str = "", anchor: str | None = None):
        self.kind = kind
        self.start = start
        self.end = end
        self.value = value
        self.quote = quote
        self.anchor = anchor
        self.flow = False
        self.keys: list[OutlineNode] = []
        self.items: list[OutlineNode] = []

    def add(self, node: OutlineNode) -> None:
        """Put the next key or value into a list or mapping."""
        if self.kind == "mapping" and len(self.keys) == len(self.items):
            self.keys.append(node)
        else:
            self.items.append(node)

    def parts(self) -> Iterator[tuple[str | int, int, OutlineNode]]:
        """The members of a list or mapping: the number or key, where the member starts, and its value."""
        if self.kind == "mapping":
            yield from ((key.value, key.start, item) for key, item in zip(self.keys, self.items, strict=True))
        else:
            yield from ((i, item.start, item) for i, item in enumerate(self.items))

    def at(self, path: Path) -> OutlineNode | None:
        """The node at a path; None where nothing is written there, as behind an alias."""
        node: OutlineNode | None = self
        for part in path:
            node = next((item for key, _, item in node.parts() if key == part), None) if node is not None else None
        return node

    def path(self, offset: int) -> Path:
        """The path to the innermost value to which a character belongs, in the value itself or its key."""
        for key, start, item in self.parts():
            if start <= offset <= item.end:
                return (key, *item.path(offset))
        return ()


def outline_if_readable(text: str) -> OutlineNode | None:
    """The outline of any text; None where it cannot be read."""
    try:
        return outline(text)
    except Exception:  # noqa: BLE001 whatever keeps the library yaml from going on
        return None


@lru_cache(maxsize=8)  # many edits of the same text are tried, each in a few steps
def outline(text: str) -> OutlineNode:
    """The outline of a text that `parse` has accepted."""
    stack = [OutlineNode("list", 0, 0)]
    for event in events_of(text):
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, events.ScalarEvent):
            quote = event.style or ""
            if quote in ("|", ">"):  # whose mark lies behind the blank lines that follow
                end = start + len(text[start:end].rstrip())
            stack[-1].add(OutlineNode("scalar", start, end, event.value, quote, event.anchor))
        elif isinstance(event, events.AliasEvent):
            stack[-1].add(OutlineNode("alias", start, end, event.anchor or ""))
        elif isinstance(event, events.CollectionStartEvent):
            kind = "mapping" if isinstance(event, events.MappingStartEvent) else "list"
            stack.append(OutlineNode(kind, start, end, anchor=event.anchor))
            stack[-1].flow = bool(event.flow_style)
        elif isinstance(event, events.CollectionEndEvent):
            done = stack.pop()
            done.end = end if done.flow else max((each.end for each in done.items), default=start)
            stack[-1].add(done)
    return stack[0].items[0]
