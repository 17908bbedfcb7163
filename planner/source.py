"""A model file as plain values, with the place of every key and every value in its text.

YAML 1.2 as the core schema has it (https://yaml.org/spec/1.2.2/#103-core-schema): `no` and `on` are texts, `1e3` is a
number, `0o17` is 15. This is the only file that imports yaml.

The values are built from the parser's events on a stack of our own, so neither depth nor size is left to a library.
A place is kept as character offsets, beside the container that the value stands in: a million values stay cheap.
"""

from __future__ import annotations

import codecs
import errno
import math
import os
import re
import stat
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate, islice
from numbers import Integral, Real
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import yaml
from yaml import events

from planner.diagnostics import Fault, Path, Place, did_you_mean
from planner.faults._in_text import InText
from planner.faults.duplicate_key import DuplicateKey
from planner.faults.not_a_model import NotAModel
from planner.faults.not_yaml import NotYaml, reworded
from planner.faults.too_large import TooLarge
from planner.faults.unreadable_file import UnreadableFile
from planner.faults.unsupported_yaml import UnsupportedYaml
from planner.faults.unusable_number import UnusableNumber

MOST_BYTES = 16 << 20
MOST_VALUES = 2_000_000
DEEPEST = 100
FARTHEST_AHEAD = 2048  # characters; libyaml and PyYAML look 1,024 ahead, and white space may come on top
LARGEST = 1 << 63
LONGEST_NUMBER = 400  # characters; the longest float in full has 340
MOST_DUPLICATES = 100  # that are recorded: a hundred show what is wrong with a file

Offsets = tuple[int, int]
"""Where something starts and ends in a text, in characters from 0."""


class Source:
    """What a model file says, and where it says it.

    data    the values: dict, list, str, int, float, bool and None; keys are strings
    file    the file as messages show it; None for a mapping or a text without a name
    text    the file's text; empty for a mapping
    faults  what is wrong but does not keep the rest from being read
    """

    __slots__ = ("_lines", "_marks", "_root", "data", "faults", "file", "text")

    def __init__(self, data: dict[str, Any], file: str | None = None, text: str = "") -> None:
        self.data = data
        self.file = file
        self.text = text
        self.faults: tuple[Fault, ...] = ()
        self._lines: array[int] | None = None
        # By the id of a container, the offsets of its items in order: four for a key and its value, two in a list.
        self._marks: dict[int, array[int]] = {}
        self._root = 0

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; "" where there is none."""
        starts = self._line_starts()
        return self.text[starts[number - 1] : starts[number]].rstrip("\r\n") if 0 < number < len(starts) else ""

    def place(self, path: Path, at_key: bool = False) -> Place | None:
        """Where the value at `path`, or its key, stands; for what does not exist, the nearest thing above it."""
        return self.stretch(*self._find(path, at_key)) if self.text else None

    def within(self, path: Path, offset: int, length: int = 1) -> Place | None:
        """Where a part of the text at `path` stands, such as an operator of an expression."""
        if not self.text:
            return None
        start, end = self._find(path, at_key=False)
        written = self.text[start:end]
        opening = re.match(r"(?:&\S+\s+)?[\"']?", written)
        part = start + offset + (opening.end() if opening else 0)
        if part > end or "\n" in written or "\r" in written:
            return self.stretch(start, end)
        return self.stretch(part, min(part + length, end))

    def stretch(self, start: int, end: int) -> Place:
        """The place of the characters from `start` to `end`, which are underlined if they are on one line."""
        starts = self._line_starts()
        if start >= len(self.text):
            start = end = len(self.text.rstrip("\r\n"))
        line = min(bisect_right(starts, start), max(len(starts) - 1, 1))
        on_one_line = line >= len(starts) - 1 or end < starts[line]
        return Place(line, start - starts[line - 1] + 1, max(end - start, 1) if on_one_line else 1)

    def _find(self, path: Path, at_key: bool) -> Offsets:
        here: Any = self.data
        key = value = (self._root, self._root)
        for part in path:
            marks = self._marks.get(id(here))
            if marks is None:
                return self._nearest(here, key, value)
            elif isinstance(here, dict) and str(part) in here:
                i = 4 * list(here).index(str(part))
                key, value = (marks[i], marks[i + 1]), (marks[i + 2], marks[i + 3])
                here = here[str(part)]
            elif isinstance(here, list) and isinstance(part, int) and 0 <= part < len(here):
                key = value = (marks[2 * part], marks[2 * part + 1])
                here = here[part]
            else:
                return self._nearest(here, key, value)
        return key if at_key else value

    def _nearest(self, here: Any, key: Offsets, value: Offsets) -> Offsets:
        """Where to point for what `here` does not have: to its key or, in a list, to the first of its own keys."""
        if not isinstance(here, dict | list):
            return value
        own = self._marks.get(id(here)) if here and isinstance(here, dict) and key == value else None
        return (own[0], own[1]) if own and own[0] >= value[1] else key

    def _line_starts(self) -> array[int]:
        """Where each line starts and the last one ends. The breaks that only `splitlines` knows have been refused."""
        if self._lines is None:
            self._lines = array("I", accumulate(map(len, self.text.splitlines(keepends=True)), initial=0))
        return self._lines


def read(path: str | os.PathLike[str]) -> Source:
    """The model file at `path`; raises a Fault."""
    file = os.fspath(path) or "."
    try:
        status = FilePath(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(file, status.st_mode)
        if status.st_size > MOST_BYTES:
            raise TooLarge.file(file, status.st_size, MOST_BYTES)
        with FilePath(path).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None
    return parse(content, file)


def parse(text: str | bytes, file: str | None = None) -> Source:
    """The model file that this text is; raises a Fault where nothing can be made of it."""
    if len(text) > MOST_BYTES:
        raise TooLarge.file(file, len(text), MOST_BYTES)
    source = Source({}, file)
    try:
        source.text = _decoded(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
        if odd := _ODD.search(source.text):
            raise NotYaml.character(odd[0], odd.start())
        _Builder(source).build()
    except InText as fault:
        source.text = fault.text = source.text or fault.text
        if fault.start is not None and fault.end is not None:
            fault.place = source.stretch(fault.start, fault.end)
        raise
    return source


def unparsed(fault: Fault, file: str | None = None) -> Source:
    """What is left where `read` or `parse` raised: no data, but the text, to show the line of the fault from."""
    return Source({}, file, fault.text if isinstance(fault, InText) else "")


def of_mapping(mapping: Mapping[Any, Any]) -> Source:
    """A model made in Python, as plain values within the limits of a file; it has no places. Raises a Fault."""
    return Source(_Plain().mapping(mapping, ()))


# --- files ----------------------------------------------------------------------------------------------------------


def _not_regular(file: str, mode: int) -> Fault:
    if stat.S_ISDIR(mode):
        return UnreadableFile.folder(file, _models_in(FilePath(file)))
    return UnreadableFile.not_a_file(file, "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket")


def _unreadable(file: str, error: OSError | ValueError) -> Fault:
    if isinstance(error, PermissionError):
        shut = (str(each) for each in reversed(FilePath(file).parents) if not os.access(each, os.X_OK))
        return UnreadableFile.forbidden(file, next(shut, None))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if FilePath(file).is_symlink():
            return UnreadableFile.dangling(file, str(FilePath(file).readlink()))
        folder = FilePath(file).parent
        if folder.is_dir():
            return UnreadableFile.missing(file, _models_in(folder))
        return UnreadableFile.no_folder(file, str(folder))
    number = error.errno if isinstance(error, OSError) else None
    return UnreadableFile.refused(file, _REFUSALS.get(number, "the system refuses it"))


_REFUSALS = {
    None: "it holds a character that no path can",
    errno.ENAMETOOLONG: "the path is too long",
    errno.ELOOP: "its links go round in a circle",
    errno.EIO: "the disk reports an error",
}


def _models_in(folder: FilePath) -> list[str]:
    try:
        entries = islice(folder.iterdir(), 1000)
        return sorted(each.name for each in entries if each.suffix in (".yaml", ".yml") and each.is_file())
    except OSError:
        return []


_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

# What YAML's `c-printable` leaves out, and the breaks NEL, LS and PS: YAML 1.1, YAML 1.2 and editors differ about them.
_ODD = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding == "UTF-8" and b"\0" in content:
            raise UnreadableFile.binary(content.index(0)) from None
        position = len(content[: error.start].decode(encoding).removeprefix("\ufeff"))
        fault = UnreadableFile.encoding(encoding, content[error.start], position)
        fault.text = content.decode(encoding, errors="replace").removeprefix("\ufeff")
        raise fault from None
    if "\0" in text:
        raise UnreadableFile.binary(content.index(0))
    return text


# --- scalars --------------------------------------------------------------------------------------------------------

_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"}
_BASES = {"0o": 8, "0x": 16}


def _meaning(text: str, start: int, end: int) -> Any:
    """What a scalar without quotes stands for."""
    if not text or text[0] not in "+-.0123456789":
        return _CONSTANTS.get(text, text)
    number: float
    if _INTEGER.fullmatch(text):
        number = int(text, _BASES.get(text[:2], 10)) if len(text) <= LONGEST_NUMBER else math.inf
    elif _FLOAT.fullmatch(text):
        number = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    elif text in _NOT_FINITE:
        number = math.inf
    else:
        return text
    if abs(number) > LARGEST:
        raise UnusableNumber(text, start, end)
    return number


def _kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a text"
    return "nothing" if value is None else "true or false" if isinstance(value, bool) else "a number"


# --- events ---------------------------------------------------------------------------------------------------------

_Parser: Callable[[str], Any] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _MergeKey(str):
    """The key `<<` without quotes."""

    __slots__ = ()


_MERGE = _MergeKey("<<")

# A `?` for a key in a list in brackets, and neither the key nor a value.
_LONE_QUESTION = re.compile(r"\?(?:\s|#[^\r\n]*+)*+\]")


class _Anchored(NamedTuple):
    """What an anchor names: so many values when written out, so many containers deep."""

    value: Any
    size: int
    height: int


_OPEN = _Anchored(None, 0, 0)
"""What an anchor names until its value is complete."""


class _Frame:
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
    """Makes the values of a text from the events that it is parsed into, and notes where each stands."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.frame = _Frame([])
        self.frames = [self.frame]
        self.anchors: dict[str, _Anchored] = {}
        self.words: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.values = 0
        self.documents = 0

    def build(self) -> None:
        """Hands the values of the whole text over to the source; raises a Fault."""
        try:
            self.follow()
        except yaml.MarkedYAMLError as error:
            raise self.overtaken(error) or self.syntax(error) from None
        self.finish()

    def follow(self) -> None:
        """Takes the events of the text as they come."""
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
        parser = _Parser(self.text)
        while (event := parser.get_event()) is not None:
            handlers[type(event)](event)

    def finish(self) -> None:
        """Hands the complete values over to the source."""
        root = self.frames[0]
        if not root.data or root.data[0] is None:
            raise NotAModel("")
        if not isinstance(root.data[0], dict):
            raise NotAModel(_kind(root.data[0]), *root.marks[:2])
        self.source.data = root.data[0]
        self.source._root = root.marks[0]
        self.source.faults = tuple(self.faults)

    def overtaken(self, error: yaml.MarkedYAMLError) -> InText | None:
        """What is wrong before the place of an error, among what the parser had read but not yet told of.

        For the `:` of a key a parser looks some 1,000 characters ahead, and an error that it meets there comes before
        the brackets on the way to it. To libyaml from 0.2.6 on the thousandth bracket is itself an error. The text up
        to the error is read by itself, so that too many brackets are told alike, whatever parser there is.
        """
        end = min(_where(error))
        start = max(end - FARTHEST_AHEAD, 0)
        brackets = self.text.count("[", start, end) + self.text.count("{", start, end)
        if len(self.frames) + 2 * brackets <= DEEPEST:  # two, for `[a: ` is a mapping in a list
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
        frame = self.frame
        quoted = event.style  # "" or None for a plain scalar
        value: Any
        if quoted:
            if not text.isascii() and re.search("[\ud800-\udfff]", text):
                raise NotYaml.half_character(start, end)
            value = text
        elif frame.wants_key:
            value = _MERGE if text == "<<" else text
        else:
            if not text and frame.flow and frame.key:
                self.lone_key(frame, frame.key, start)
            value = _meaning(text, start, end)
        if type(value) is str:
            value = self.words.setdefault(value, value)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)
        if frame.wants_key:
            frame.key = value
            frame.key_at = (start, end)
        else:
            self.put(value, start, end)

    def alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        name = event.anchor
        if self.frame.wants_key:
            raise UnsupportedYaml.as_key("an alias", start)
        if name not in self.anchors:
            known = [f"*{each}" for each in islice(self.anchors, 1000)]
            raise NotYaml.unknown_alias(name, did_you_mean(f"*{name[:100]}", known), start)
        anchored = self.anchors[name]
        if anchored is _OPEN:
            raise UnsupportedYaml.endless(name, start)
        if len(self.frames) - 1 + anchored.height > DEEPEST:
            raise TooLarge.nesting(DEEPEST, start)
        self.frame.height = max(self.frame.height, anchored.height + 1)
        self.values += anchored.size - 1
        self.put(anchored.value, start, end)

    def open(self, event: Any) -> None:
        start = event.start_mark.index
        data: Any = {} if type(event) is events.MappingStartEvent else []
        if event.tag is not None:
            raise self.tag(start)
        if self.frame.wants_key:
            raise UnsupportedYaml.as_key(_kind(data), start)
        if len(self.frames) > DEEPEST:
            raise TooLarge.nesting(DEEPEST, start)
        # Which is YAML, but to libyaml only from 0.2.6.
        if event.flow_style and self.text[start] == "?" and _LONE_QUESTION.match(self.text, start):
            raise NotYaml.lone_question(start)
        if event.anchor:
            self.anchors[event.anchor] = _OPEN
        self.frame = _Frame(data, start, event.anchor, self.values, event.flow_style)
        self.frames.append(self.frame)

    def close(self, event: Any) -> None:
        done = self.frames.pop()
        self.frame = frame = self.frames[-1]
        if done.merged:
            self.merge(done)
        if done.marks:
            self.source._marks[id(done.data)] = done.marks
        if done.height >= frame.height:
            frame.height = done.height + 1
        self.put(done.data, done.start, done.start)
        if done.anchor:
            self.anchors[done.anchor] = _Anchored(done.data, self.values - done.counted, done.height)

    def put(self, value: Any, start: int, end: int) -> None:
        """A complete value takes its place in the container that is being read."""
        self.values += 1
        if self.values > MOST_VALUES:
            raise TooLarge.expansion(MOST_VALUES, start)
        frame = self.frame
        key = frame.key
        if key is None:
            frame.data.append(value)
            frame.marks.extend((start, end))
            return
        if key in frame.data or (key is _MERGE and frame.merged is not None):
            self.duplicate(frame, key)
        elif key is _MERGE:
            frame.merged = self.mappings(value, start, end)
        else:
            frame.data[key] = value
            frame.marks.extend((*frame.key_at, start, end))
        frame.key = None

    def duplicate(self, frame: _Frame, key: str) -> None:
        if len(self.faults) >= MOST_DUPLICATES:
            return
        above = [len(each.data) if each.key is None else each.key for each in self.frames[1:-1]]
        first = None if key is _MERGE else self.source.stretch(frame.marks[4 * list(frame.data).index(key)], 0).line
        fault = DuplicateKey((*above, key), first, *frame.key_at)
        fault.place = self.source.stretch(*frame.key_at)
        self.faults.append(fault)

    def mappings(self, value: Any, start: int, end: int) -> list[dict[str, Any]]:
        """The mappings that a merge key names."""
        listed = value if isinstance(value, list) else [value]
        for each in listed:
            if not isinstance(each, dict):
                raise UnsupportedYaml.merge(_kind(each), start, end)
        return listed

    def merge(self, done: _Frame) -> None:
        """Adds what the mapping does not say itself, with the places where it stands; what comes first counts."""
        for mapping in done.merged or ():
            marks = self.source._marks.get(id(mapping), array("I"))
            for i, (key, value) in enumerate(mapping.items()):
                if key not in done.data:
                    done.data[key] = value
                    done.marks.extend(marks[4 * i : 4 * i + 4])

    def lone_key(self, frame: _Frame, key: str, end: int) -> None:
        """`{kernel_size:3}` and `{width: max($a, 8)}` are YAML, but what it makes of them is never meant."""
        start, stop = frame.key_at
        if ":" in self.text[stop:end] or self.text[start] in "\"'":
            return
        if ":" in key:
            raise NotYaml.joined(key, start)
        previous = next(reversed(frame.data.values()), None)
        if isinstance(previous, str) and previous.count("(") > previous.count(")"):
            start = frame.marks[-2]
            stop = max(stop, _expression_end(self.text, start))
            raise NotYaml.cut_expression(self.text[start:stop], start, stop)


def _where(error: yaml.MarkedYAMLError) -> Offsets:
    """Where the parser stopped, and where that begins in which it stopped."""
    at = error.problem_mark.index if error.problem_mark else 0
    return at, error.context_mark.index if error.context_mark else at


def _expression_end(text: str, start: int) -> int:
    """Where an expression ends whose round brackets open after `start`."""
    depth = 0
    for bracket in re.compile(r"[()]").finditer(text, start, start + 1000):
        depth += 1 if bracket[0] == "(" else -1
        if depth == 0:
            rest = re.compile(r"[^,\]}\r\n]*").match(text, bracket.end())
            return bracket.end() + len(rest[0].rstrip() if rest else "")
    return start


# --- the text's own structure, for those who change it ---------------------------------------------------------------


class Node:
    """A value as it is written: its stretch of the text, anchor included, and what stands in it.

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
        self.keys: list[Node] = []
        self.items: list[Node] = []

    def add(self, node: Node) -> None:
        """Puts the next key or value into a list or mapping."""
        if self.kind == "mapping" and len(self.keys) == len(self.items):
            self.keys.append(node)
        else:
            self.items.append(node)


def outline(text: str) -> Node:
    """How a text that `parse` has accepted is written."""
    stack = [Node("list", 0, 0)]
    parser = _Parser(text)
    while (event := parser.get_event()) is not None:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, events.ScalarEvent):
            quote = event.style or ""
            if quote in ("|", ">"):  # whose mark lies behind the blank lines that follow
                end = start + len(text[start:end].rstrip())
            stack[-1].add(Node("scalar", start, end, event.value, quote, event.anchor))
        elif isinstance(event, events.AliasEvent):
            stack[-1].add(Node("alias", start, end, event.anchor or ""))
        elif isinstance(event, events.CollectionStartEvent):
            kind = "mapping" if isinstance(event, events.MappingStartEvent) else "list"
            stack.append(Node(kind, start, end, anchor=event.anchor))
            stack[-1].flow = bool(event.flow_style)
        elif isinstance(event, events.CollectionEndEvent):
            done = stack.pop()
            done.end = end if done.flow else max((each.end for each in done.items), default=start)
            stack[-1].add(done)
    return stack[0].items[0]


def encoded(text: str, original: bytes) -> bytes:
    """A text as the bytes of a file, in the encoding of the file that it replaces, with its byte order mark."""
    mark, name = next(((mark, name) for mark, name in _BYTE_ORDER_MARKS if original.startswith(mark)), (b"", "UTF-8"))
    if not name.startswith("UTF-8"):
        name += "-LE" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE) else "-BE"
    return mark + text.encode(name)


# --- models made in Python ------------------------------------------------------------------------------------------


class _Plain:
    """Copies values, each as the type that a file would have given."""

    def __init__(self) -> None:
        self.values = 0

    def mapping(self, mapping: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        if len(path) >= DEEPEST:
            raise TooLarge.nesting(DEEPEST)
        plain: dict[str, Any] = {}
        for each, value in mapping.items():
            key = self.key(each, path)
            if key in plain:
                raise DuplicateKey((*path, key), None)
            plain[key] = self.value(value, (*path, key))
        return plain

    def items(self, items: list[Any] | tuple[Any, ...], path: Path) -> list[Any]:
        if len(path) >= DEEPEST:
            raise TooLarge.nesting(DEEPEST)
        return [self.value(each, (*path, i)) for i, each in enumerate(items)]

    def key(self, key: Any, path: Path) -> str:
        if key is None or isinstance(key, bool):
            return {None: "null", True: "true", False: "false"}[key]
        if isinstance(key, str):
            return str.__str__(key)
        if isinstance(key, Real):
            return str(self.number(key, path))
        raise UnsupportedYaml.value(_type_name(key), path)

    def value(self, value: Any, path: Path) -> Any:
        self.values += 1
        if self.values > MOST_VALUES:
            raise TooLarge.expansion(MOST_VALUES)
        if value is None or type(value) in (str, bool):
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, Real):
            return self.number(value, path)
        if isinstance(value, Mapping):
            return self.mapping(value, path)
        if isinstance(value, list | tuple):
            return self.items(value, path)
        raise UnsupportedYaml.value(_type_name(value), path)

    def number(self, value: Any, path: Path) -> int | float:
        if -LARGEST <= value <= LARGEST:
            return int(value) if isinstance(value, Integral) else float(value)
        large = isinstance(value, Integral) and int(value).bit_length() > 1000
        raise UnusableNumber(f"about 2^{int(value).bit_length()}" if large else str(value), key=path)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
