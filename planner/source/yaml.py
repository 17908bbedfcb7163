"""From the events of YAML to the values of a Source, with their places.

YAML 1.2 as the core schema has it (https://yaml.org/spec/1.2.2/#103-core-schema): `no` and `on` are texts, `1e3` is a
number, `0o17` is 15.

The values are built on a stack of our own, so neither depth nor size is left to a library.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import yaml
from yaml import events

from planner.diagnostics import Fault, did_you_mean
from planner.faults._in_text import InText
from planner.faults.duplicate_key import DuplicateKey
from planner.faults.not_a_model import NotAModel
from planner.faults.not_yaml import NotYaml
from planner.faults.too_large import TooLarge
from planner.faults.unsupported_yaml import UnsupportedYaml
from planner.faults.unusable_number import UnusableNumber
from planner.source.limits import DEEPEST, INFINITE, LARGEST, MOST_DUPLICATES, MOST_VALUES
from planner.source.places import Offsets, Source

LONGEST_NUMBER = 400
"""Characters; the longest float in full has 340."""
FARTHEST_AHEAD = 2048
"""Characters; libyaml and PyYAML look 1,024 ahead, and white space may come on top."""


def fill(source: Source) -> None:
    """Read a source's text into its values; raises a Fault."""
    _Builder(source).build()


# --- scalars --------------------------------------------------------------------------------------------------------

_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"}
_INFINITE = {text: -math.inf if text[0] == "-" else math.inf for text in _NOT_FINITE if text[-1] in "fF"}
_BASES = {"0o": 8, "0x": 16}


def _meaning(text: str, start: int, end: int, *, infinite: bool) -> Any:
    """The value of a scalar without quotes; one that may be `infinite` where that is said."""
    if not text or text[0] not in "+-.0123456789":
        return _CONSTANTS.get(text, text)
    number: float
    if _INTEGER.fullmatch(text):
        number = int(text, _BASES.get(text[:2], 10)) if len(text) <= LONGEST_NUMBER else math.inf
    elif _FLOAT.fullmatch(text):
        number = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    elif infinite and text in _INFINITE:
        return _INFINITE[text]
    elif text in _NOT_FINITE:
        number = math.inf
    else:
        return text
    if abs(number) > LARGEST and not (infinite and isinstance(number, float) and math.isfinite(number)):
        raise UnusableNumber(text, start, end)
    return number


def _kind(value: Any) -> str:
    """The kind of a value, in words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a text"
    return "nothing" if value is None else "true or false" if isinstance(value, bool) else "a number"


# --- events ---------------------------------------------------------------------------------------------------------

EventParser: Callable[[str], Any] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def events_of(text: str) -> Iterator[Any]:
    """The YAML events of a text, one after the other."""
    parser = EventParser(text)
    while (event := parser.get_event()) is not None:
        yield event


class _MergeKey(str):
    """The key `<<` without quotes."""

    __slots__ = ()


_MERGE = _MergeKey("<<")

# A `?` for a key in a list in brackets, and neither the key nor a value.
_LONE_QUESTION = re.compile(r"\?(?:\s|#[^\r\n]*+)*+\]")


class _Anchored(NamedTuple):
    """The value that an anchor names, with its number of values when written out, and its depth."""

    value: Any
    size: int
    height: int


_OPEN = _Anchored(None, 0, 0)
"""What an anchor names until its value is complete."""


class _Container:
    """A list or mapping that is being read; in a mapping, `key` waits for its value."""

    __slots__ = ("anchor", "counted", "data", "flow", "height", "key", "key_at", "marks", "merged", "start")

    def __init__(self, data: Any, start: int = 0, anchor: str | None = None, counted: int = 0, flow: bool = False):
        self.data = data
        self.start = start
        self.anchor = anchor
        self.counted = counted
        self.flow = flow
        self.height = 1
        self.key: str | None = None
        self.key_at: Offsets = (0, 0)
        self.marks = array("I")
        self.merged: list[dict[str, Any]] | None = None

    @property
    def wants_key(self) -> bool:
        return self.key is None and type(self.data) is dict


class _Builder:
    """Builds the values of a text from its YAML events, and records the place of each value."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.container = _Container([])
        self.containers = [self.container]
        self.anchors: dict[str, _Anchored] = {}
        self.words: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.values = 0
        self.documents = 0

    def build(self) -> None:
        """Read the whole text into the source; raises a Fault."""
        try:
            self.follow()
        except yaml.MarkedYAMLError as error:
            raise self.overtaken(error) or self.syntax(error) from None
        self.finish()

    def follow(self) -> None:
        """Take in the events of the text as they come."""
        # Looked for beforehand, as libyaml takes quadratic time over many of them.
        if "%TAG" in self.text and (directive := re.search(r"(?:\A|[\r\n])%TAG", self.text)):
            raise UnsupportedYaml.tag("%TAG", directive.end() - 4)
        handlers: dict[type, Callable[[Any], None]] = {
            events.ScalarEvent: self.scalar,
            events.AliasEvent: self.alias,
            events.MappingStartEvent: self.open,
            events.SequenceStartEvent: self.open,
            events.MappingEndEvent: self.close,
            events.SequenceEndEvent: self.close,
            events.DocumentStartEvent: self.document,
            events.DocumentEndEvent: self.nothing,
            events.StreamStartEvent: self.nothing,
            events.StreamEndEvent: self.nothing,
        }
        for event in events_of(self.text):
            handlers[type(event)](event)

    def finish(self) -> None:
        """Hand the complete values over to the source."""
        root = self.containers[0]
        if not root.data or root.data[0] is None:
            raise NotAModel("")
        if not isinstance(root.data[0], dict):
            raise NotAModel(_kind(root.data[0]), *root.marks[:2])
        self.source.data = root.data[0]
        self.source.root = root.marks[0]
        self.source.faults = tuple(self.faults)

    def overtaken(self, error: yaml.MarkedYAMLError) -> InText | None:
        """The fault that comes before the place of a parser's error, in what the parser had read ahead.

        For the `:` of a key a parser looks some 1,000 characters ahead, and an error that it meets there comes before
        the brackets on the way to it. To libyaml from 0.2.6 on the thousandth bracket is itself an error. The text up
        to the error is read by itself, so that too many brackets are told alike, whatever parser there is.
        """
        end = min(_where(error))
        start = max(end - FARTHEST_AHEAD, 0)
        brackets = self.text.count("[", start, end) + self.text.count("{", start, end)
        if len(self.containers) + 2 * brackets <= DEEPEST:  # twice, since `[a: ` is a mapping in a list
            return None
        refused = "nesting" in (error.problem or "")
        before = _Builder(Source({}, text=self.text[:end]))
        try:
            before.follow()
        except InText as fault:
            return fault if refused or isinstance(fault, TooLarge) else None
        except yaml.MarkedYAMLError as earlier:
            return before.syntax(earlier) if refused else None
        return None

    def syntax(self, error: yaml.MarkedYAMLError) -> InText:
        at, opened = _where(error)
        for index in (opened, at):
            if self.text[index : index + 1] == "!":
                return self.tag(index)
        from planner.source.slips import reworded  # few files need it

        return reworded(error.problem or "", self.text, at, opened)

    def tag(self, index: int) -> UnsupportedYaml:
        tag = re.compile(r"(?:&\S+\s+)?(![^\s,\]}]*)").match(self.text, index)
        return UnsupportedYaml.tag(*(tag[1], tag.start(1)) if tag else ("!", index))

    def nothing(self, event: Any) -> None:
        pass

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise UnsupportedYaml.second_document(event.start_mark.index)

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.tag is not None:
            raise self.tag(start)
        text = event.value
        container = self.container
        quoted = event.style  # "" or None for a plain scalar
        value: Any
        if quoted:
            if not text.isascii() and re.search("[\ud800-\udfff]", text):
                raise NotYaml.half_character(start, end)
            value = text
        elif container.wants_key:
            value = _MERGE if text == "<<" else text
        else:
            if not text and container.flow and container.key:
                self.lone_key(container, container.key, start)
            argument = container.key in INFINITE and any(each.key == "layers" for each in self.containers)
            value = _meaning(text, start, end, infinite=argument)
        if type(value) is str:
            value = self.words.setdefault(value, value)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)
        if container.wants_key:
            container.key = value
            container.key_at = (start, end)
        else:
            self.put(value, start, end)

    def alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        name = event.anchor
        if self.container.wants_key:
            raise UnsupportedYaml.as_key("an alias", start)
        if name not in self.anchors:
            known = [f"*{each}" for each in islice(self.anchors, 1000)]
            raise NotYaml.unknown_alias(name, did_you_mean(f"*{name[:100]}", known), start)
        anchored = self.anchors[name]
        if anchored is _OPEN:
            raise UnsupportedYaml.endless(name, start)
        if len(self.containers) - 1 + anchored.height > DEEPEST:
            raise TooLarge.nesting(DEEPEST, start)
        self.container.height = max(self.container.height, anchored.height + 1)
        self.values += anchored.size - 1
        self.put(anchored.value, start, end)

    def open(self, event: Any) -> None:
        start = event.start_mark.index
        data: Any = {} if type(event) is events.MappingStartEvent else []
        if event.tag is not None:
            raise self.tag(start)
        if self.container.wants_key:
            raise UnsupportedYaml.as_key(_kind(data), start)
        if len(self.containers) > DEEPEST:
            raise TooLarge.nesting(DEEPEST, start)
        # Which is YAML, but to libyaml only from 0.2.6.
        if event.flow_style and self.text[start] == "?" and _LONE_QUESTION.match(self.text, start):
            raise NotYaml.lone_question(start)
        if event.anchor:
            self.anchors[event.anchor] = _OPEN
        self.container = _Container(data, start, event.anchor, self.values, event.flow_style)
        self.containers.append(self.container)

    def close(self, event: Any) -> None:
        done = self.containers.pop()
        self.container = container = self.containers[-1]
        if done.merged:
            self.merge(done)
        if done.marks:
            self.source.marks[id(done.data)] = done.marks
        if done.height >= container.height:
            container.height = done.height + 1
        self.put(done.data, done.start, done.start)
        if done.anchor:
            self.anchors[done.anchor] = _Anchored(done.data, self.values - done.counted, done.height)

    def put(self, value: Any, start: int, end: int) -> None:
        """Put a complete value into the container that is being read."""
        self.values += 1
        if self.values > MOST_VALUES:
            raise TooLarge.expansion(MOST_VALUES, start)
        container = self.container
        key = container.key
        if key is None:
            container.data.append(value)
            container.marks.extend((start, end))
            return
        if key in container.data or (key is _MERGE and container.merged is not None):
            self.duplicate(container, key)
        elif key is _MERGE:
            container.merged = self.mappings(value, start, end)
        else:
            container.data[key] = value
            container.marks.extend((*container.key_at, start, end))
        container.key = None

    def duplicate(self, container: _Container, key: str) -> None:
        if len(self.faults) >= MOST_DUPLICATES:
            return
        above = [len(each.data) if each.key is None else each.key for each in self.containers[1:-1]]
        at = None if key is _MERGE else container.marks[4 * list(container.data).index(key)]
        first = None if at is None else self.source.stretch(at, 0).line
        fault = DuplicateKey((*above, key), first, *container.key_at)
        fault.place = self.source.stretch(*container.key_at)
        self.faults.append(fault)

    def mappings(self, value: Any, start: int, end: int) -> list[dict[str, Any]]:
        """The mappings that a merge key names."""
        listed = value if isinstance(value, list) else [value]
        for each in listed:
            if not isinstance(each, dict):
                raise UnsupportedYaml.merge(_kind(each), start, end)
        return listed

    def merge(self, done: _Container) -> None:
        """Add what the mapping does not say itself, with places; of several mappings, the first counts."""
        for mapping in done.merged or ():
            marks = self.source.marks.get(id(mapping), array("I"))
            for i, (key, value) in enumerate(mapping.items()):
                if key not in done.data:
                    done.data[key] = value
                    done.marks.extend(marks[4 * i : 4 * i + 4])

    def lone_key(self, container: _Container, key: str, end: int) -> None:
        """Refuse `{kernel_size:3}` and `{width: max($a, 8)}`: they are YAML, but never meant as YAML reads them."""
        start, stop = container.key_at
        if ":" in self.text[stop:end] or self.text[start] in "\"'":
            return
        if ":" in key:
            raise NotYaml.joined(key, start)
        previous = next(reversed(container.data.values()), None)
        if isinstance(previous, str) and previous.count("(") > previous.count(")"):
            start = container.marks[-2]
            stop = max(stop, _expression_end(self.text, start))
            raise NotYaml.cut_expression(self.text[start:stop], start, stop)


def _where(error: yaml.MarkedYAMLError) -> Offsets:
    """The place where the parser stopped, and the place where the value began in which it stopped."""
    at = error.problem_mark.index if error.problem_mark else 0
    return at, error.context_mark.index if error.context_mark else at


def _expression_end(text: str, start: int) -> int:
    """The end of an expression whose round brackets open after `start`."""
    depth = 0
    for bracket in re.compile(r"[()]").finditer(text, start, start + 1000):
        depth += 1 if bracket[0] == "(" else -1
        if depth == 0:
            rest = re.compile(r"[^,\]}\r\n]*").match(text, bracket.end())
            return bracket.end() + len(rest[0].rstrip() if rest else "")
    return start
