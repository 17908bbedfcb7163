"""Edits to a file's text: what the text then says, and that nothing else in it has moved."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from planner.diagnostics import Edit
from planner.editing import CannotEdit, can_be_written, edited, rewritten, same, spliced, splices
from planner.editing.lines import parts_of
from planner.editing.text import _EditedText
from planner.source import encoded, of_mapping, parse

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def after(text: str, *edits: Edit) -> str:
    """The text with the edits made."""
    return rewritten(parse(text), edits).text


# --- what a text looks like afterwards ------------------------------------------------------------------------------

FLOW = """\
input: [224, 224, 3]  # H, W, C
layers:
  # the stem
  - {name: conv, type: Conv2d, kernel_size: 3}  # three by three
  - {type: ReLU}
"""
BLOCK = """\
layers:
  - type: Conv2d   # first
    kernel_size:
      - 3  # high
      - 5
    stride: 2      # halves

  - type: ReLU
out: x
"""
CONV = "  - {name: conv, type: Conv2d, kernel_size: 3}  # three by three"
DEEP = "      - 3  # high\n      - 5\n"
ENTRY = "  - type: A\n    x: 1\n"
LINES = """\
layers:
  - {
      type: Conv2d,   # a
      kernel_size: 3,
      stride: 2       # b
    }
  - {type: Concat, from: [
      x,
      y,
    ]}
"""


def put(value: object, *path: str | int) -> Edit:
    return Edit(path, value)


def cut(*path: str | int) -> Edit:
    return Edit(path, action="remove")


def call(name: str, *path: str | int) -> Edit:
    return Edit(path, name, "rename")


def insert(value: object, *path: str | int) -> Edit:
    return Edit(path, value, "insert")


EDITS: list[tuple[str, str, Edit, str, str]] = [
    # what is done, where, the lines that go, the lines that come
    ("set a number", FLOW, put(5, "layers", 0, "kernel_size"), "kernel_size: 3}", "kernel_size: 5}"),
    ("set an entry", FLOW, put(225, "input", 1), "[224, 224, 3]", "[224, 225, 3]"),
    ("set a list", FLOW, put([225, 225, 3], "input"), "[224, 224, 3]", "[225, 225, 3]"),
    ("set a list anew", FLOW, put([[0, 1], [0, 1]], "layers", 0, "padding"), "3}", "3, padding: [[0, 1], [0, 1]]}"),
    ("set an expression", FLOW, put("$k[0]", "layers", 0, "kernel_size"), "3}  #", '"$k[0]"}  #'),
    ("add a key", FLOW, put(True, "layers", 1, "inplace"), "{type: ReLU}", "{type: ReLU, inplace: true}"),
    ("add a section", FLOW, put("日本 net", "name"), "ReLU}\n", "ReLU}\nname: 日本 net\n"),
    ("remove the last key", FLOW, cut("layers", 0, "kernel_size"), ", kernel_size: 3}", "}"),
    ("remove the first key", FLOW, cut("layers", 0, "name"), "name: conv, ", ""),
    ("rename a key", FLOW, call("stride", "layers", 0, "kernel_size"), "kernel_size: 3", "stride: 3"),
    ("insert before", FLOW, insert({"type": "A"}, "layers", 1), "  - {type: R", "  - {type: A}\n  - {type: R"),
    ("insert at the end", FLOW, insert({"type": "Flatten"}, "layers", 2), "ReLU}\n", "ReLU}\n  - {type: Flatten}\n"),
    ("insert into brackets", FLOW, insert(8, "input", 0), "[224,", "[8, 224,"),
    ("append in brackets", FLOW, insert(8, "input", 3), "3]", "3, 8]"),
    ("set a block list", BLOCK, put(7, "layers", 0, "kernel_size"), f":\n{DEEP}", ": 7\n"),
    ("set an entry of it", BLOCK, put(7, "layers", 0, "kernel_size", 0), "- 3  # high", "- 7  # high"),
    ("add a line", BLOCK, put(1, "layers", 0, "padding"), "# halves\n", "# halves\n    padding: 1\n"),
    ("add the first line below", BLOCK, put(False, "layers", 1, "inplace"), "ReLU\n", "ReLU\n    inplace: false\n"),
    ("remove a line", BLOCK, cut("layers", 0, "stride"), "    stride: 2      # halves\n", ""),
    ("remove lines", BLOCK, cut("layers", 0, "kernel_size"), f"    kernel_size:\n{DEEP}", ""),
    ("remove beside the dash", BLOCK, cut("layers", 0, "type"), "type: Conv2d   # first\n    ", ""),
    ("insert a block", BLOCK, insert({"type": "A", "x": 1}, "layers", 1), "  - type: R", ENTRY + "  - type: R"),
    ("set amid lines", LINES, put(5, "layers", 0, "kernel_size"), "kernel_size: 3,", "kernel_size: 5,"),
    ("add after lines", LINES, put(1, "layers", 0, "padding"), "2       # b\n", "2,       # b\n      padding: 1\n"),
    ("remove a line in brackets", LINES, cut("layers", 0, "type"), "      type: Conv2d,   # a\n", ""),
    ("remove the last of them", LINES, cut("layers", 0, "stride"), "      stride: 2       # b\n", ""),
    ("append with a comma", LINES, insert("z", "layers", 1, "from", 2), "      y,\n", "      y,\n      z,\n"),
    ("insert amid lines", LINES, insert("z", "layers", 1, "from", 0), "      x,\n", "      z,\n      x,\n"),
    ("remove an entry", FLOW, cut("layers", 1), "  - {type: ReLU}\n", ""),
    ("remove the first entry", FLOW, cut("layers", 0), f"{CONV}\n", ""),
    ("remove the last one in brackets", FLOW, cut("input", 2), ", 3]", "]"),
    ("remove the first one in brackets", "a: [1, 2, 3]\n", cut("a", 0), "1, ", ""),
    ("remove a block", BLOCK, cut("layers", 0), BLOCK[8 : BLOCK.index("\n\n") + 1], ""),
    ("remove the last block", BLOCK, cut("layers", 1), "  - type: ReLU\n", ""),
    ("remove one of two numbers", BLOCK, cut("layers", 0, "kernel_size", 0), "      - 3  # high\n", ""),
    ("remove an entry of many lines", LINES, cut("layers", 0), LINES[8 : LINES.index("  - {type: Concat")], ""),
    ("remove a line of a list", LINES, cut("layers", 1, "from", 0), "      x,\n", ""),
    ("remove the last line of a list", LINES, cut("layers", 1, "from", 1), "      y,\n", ""),
    ("set nothing", "a: {w: , b: 1}\n", put(3, "a", "w"), "{w: ,", "{w: 3,"),
    ("set nothing in a block", "a:\n  w:\nb: 1\n", put(3, "a", "w"), "  w:\n", "  w: 3\n"),
    ("fill an empty list", "layers: []\n", insert({"type": "ReLU"}, "layers", 0), "[]", "[{type: ReLU}]"),
    ("fill an empty mapping", "a: {}\n", put("null", "a", "b"), "{}", '{b: "null"}'),
    ("keep quotes", "a: {t: 'Conv2d', u: \"x\"}\n", put("it's", "a", "t"), "'Conv2d'", "'it''s'"),
    ("no last line break", "a: 1", put(2, "b"), "a: 1", "a: 1\nb: 2"),
    ("Windows line breaks", "a:\r\n  b: 1\r\n", put(2, "a", "c"), "b: 1\r\n", "b: 1\r\n  c: 2\r\n"),
    ("tabs and wide letters", "a: {名: 1,\t注: 2}\t# 注\n", put(3, "a", "注"), "注: 2", "注: 3"),
    ("override what is merged in", "x-a: &a {k: 1}\nb: {<<: *a, c: 2}\n", put(3, "b", "k"), "c: 2}", "c: 2, k: 3}"),
    ("in all places of an alias", "a: &a {k: 1}\nb: *a\n", put(3, "b", "k"), "{k: 1}", "{k: 3}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "edit", "old", "new"), [each[1:] for each in EDITS], ids=[each[0] for each in EDITS])
def test_only_the_edited_place_changes(text: str, edit: Edit, old: str, new: str) -> None:
    assert text.count(old) == 1
    assert after(text, edit) == text.replace(old, new)


def test_edits_are_made_one_after_the_other() -> None:
    crop = Edit(("layers", 0), {"name": "crop", "type": "Crop", "amount": 1}, "insert")
    behind = Edit(("layers", 1, "from"), ["crop", "conv"])
    text = after(FLOW, crop, behind)
    assert (
        "  - {name: crop, type: Crop, amount: 1}\n  - {name: conv, type: Conv2d, kernel_size: 3, from: [crop, conv]}"
        in text
    )


REFUSED: list[tuple[str, str, Edit]] = [
    ("a value that others refer to", "a: {k: &k 1}\nb: *k\n", Edit(("a", "k"), 2)),
    ("a mapping that is merged elsewhere", "x-a: &a {k: 1}\nb: {<<: *a}\n", Edit(("x-a", "k"), 2)),
    ("a key that is merged in", "x-a: &a {k: 1}\nb: {<<: *a, c: 1}\n", Edit(("b", "k"), action="remove")),
    ("the only key", "a: {b: 1}\n", Edit(("a", "b"), action="remove")),
    ("the only entry", "a: [1]\n", Edit(("a", 0), action="remove")),
    ("an entry that others refer to", "a:\n  - &k 1\n  - 2\nb: *k\n", Edit(("a", 0), action="remove")),
    ("a name for an entry", "a: [1, 2]\n", Edit(("a", 0), "b", "rename")),
    ("a name that is taken", "a: {b: 1, c: 2}\n", Edit(("a", "b"), "c", "rename")),
    ("a key that is not there", "a: {b: 1}\n", Edit(("a", "c"), action="remove")),
    ("an entry that is not there", "a: [1]\n", Edit(("a", 1), 2)),
    ("a key of a number", "a: 1\n", Edit(("a", "b"), 2)),
    ("the whole file", "a: 1\n", Edit((), 2)),
    ("a list whose first dash shares its line", "a:\n  - - 1\n    - 2\n", Edit(("a", 0, 0), 0, "insert")),
]


@pytest.mark.parametrize(("text", "edit"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_what_cannot_be_written_is_refused(text: str, edit: Edit) -> None:
    assert not can_be_written(parse(text), [edit])
    with pytest.raises(CannotEdit):
        after(text, edit)


@pytest.mark.parametrize(
    ("line", "edit", "expected"),
    [
        ("{type: ReLU, inplac}", cut("layers", 0, "inplac"), "{type: ReLU}"),
        ("{type: ReLU, inplac, x-a: 1}", cut("layers", 0, "inplac"), "{type: ReLU, x-a: 1}"),
        ("{inplac, type: ReLU}", cut("layers", 0, "inplac"), "{type: ReLU}"),
        ("{inplac, type: ReLU}", cut("layers", 0, "type"), "{inplac}"),
        ("{type: ReLU, inplac}", call("inplace", "layers", 0, "inplac"), "{type: ReLU, inplace}"),
        ("{type: ReLU, inplace}", put(True, "layers", 0, "inplace"), "{type: ReLU, inplace: true}"),
        ("{type: ReLU, inplace}", put("a", "layers", 0, "name"), "{type: ReLU, inplace, name: a}"),
    ],
)
def test_a_key_without_a_colon_is_a_key(line: str, edit: Edit, expected: str) -> None:
    found = rewritten(parse(f"layers:\n  - {line}\n"), [edit])
    assert found.text == f"layers:\n  - {expected}\n"


def test_data_that_an_edit_does_not_touch_is_shared() -> None:
    data = {"layers": [{"type": "ReLU"}, {"type": "Conv2d", "padding": [1, 1]}]}
    changed = edited(data, [Edit(("layers", 0, "inplace"), True)])
    assert changed["layers"][0] == {"type": "ReLU", "inplace": True}
    assert changed["layers"][1] is data["layers"][1]
    assert data["layers"][0] == {"type": "ReLU"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_a_text_goes_back_into_the_encoding_it_came_from(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-32-be" else ""
    original = f"{mark}name: 日本\r\ninput: [3]\r\n".encode(encoding)
    source = parse(original)
    assert encoded(source.text, original) == original
    longer = rewritten(source, [Edit(("name",), "日本 2")])
    assert encoded(longer.text, original) == original.decode(encoding).replace("日本", "日本 2").encode(encoding)


# --- random files ---------------------------------------------------------------------------------------------------

NUMBERS: list[Any] = [0, 1, 224, -3, 0.5, 1e-05, True, False, None]
TEXTS = ["same", "4 * $width", "$k[0]", "null", "12", "1e3", "", "日本", "a: b", "# no", "it's", 'say "x"', "- a", "[1",
         "x,y", "tab\tbed", "🂡", "~", "no"]  # fmt: skip
COMMENTS = ["# why: {not} 'a' value", "#注", "# - a: comment", "# 注: at the head"]
KEYS = ["name", "type", "stride", "padding", "kernel_size", "x-own", "注", "0", "true", "a b", "from"]


class Writer:
    """Writes values as YAML in a layout that is drawn: block and flow, comments, blank lines, indents, quotes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.newline = self.random.choice(["\n", "\n", "\r\n"])
        self.step = self.random.choice([2, 2, 4])

    def value(self, depth: int) -> Any:
        kind = self.random.choice("smmlll" if depth else "m")
        if kind == "s" or depth > 3:
            return self.random.choice([*NUMBERS, *TEXTS])
        if kind == "m":
            keys = self.random.sample(KEYS, self.random.randint(1, 4))
            return {key: self.value(depth + 1) for key in keys}
        return [self.value(depth + 1) for _ in range(self.random.randint(1, 4))]

    def text(self, data: Any) -> str:
        lines = self.block(data, 0)
        if self.random.randint(0, 3) == 0:
            lines.insert(0, COMMENTS[3])
        return self.newline.join(lines) + self.newline * self.random.randint(0, 2)

    def block(self, data: Any, indent: int) -> list[str]:
        """The lines of a mapping or list in block style."""
        lines = []
        entries = data.items() if isinstance(data, dict) else ((None, each) for each in data)
        for key, each in entries:
            lines += self.aside(indent)
            lead = " " * indent + ("-" if key is None else f"{self.scalar(key)}:")
            if isinstance(each, dict | list) and each and self.random.randint(0, 1):
                inner = self.block(each, indent + self.step)
                compact = (
                    key is None
                    and isinstance(each, dict)
                    and not inner[0].lstrip().startswith("#")
                    and inner[0].strip()
                )
                if compact and self.random.randint(0, 2):
                    lines += [lead + " " * (self.step - 1) + inner[0].lstrip(), *inner[1:]]
                else:
                    lines += [lead + self.comment(), *inner]
            else:
                lines += self.flow_lines(lead, each, indent)
        return lines

    def flow_lines(self, lead: str, each: Any, indent: int) -> list[str]:
        """A value on the line of its key, or in brackets over several lines."""
        if not isinstance(each, dict | list) or self.random.randint(0, 2):
            return [f"{lead} {self.flow(each)}{self.comment()}"]
        inner = " " * (indent + self.step)
        items = (
            [self.flow({key: value})[1:-1] for key, value in each.items()]
            if isinstance(each, dict)
            else map(self.flow, each)
        )
        lines = [inner + item + "," + self.comment() for item in items]
        if self.random.randint(0, 1):
            lines[-1] = lines[-1].replace(",", "", 1) if lines[-1].count(",") == 1 else lines[-1]
        opening, closing = "{}" if isinstance(each, dict) else "[]"
        return [f"{lead} {opening}{self.comment()}", *lines, inner + closing + self.comment()]

    def flow(self, each: Any) -> str:
        if isinstance(each, dict):
            return "{" + ", ".join(f"{self.scalar(key)}: {self.flow(value)}" for key, value in each.items()) + "}"
        if isinstance(each, list):
            return "[" + ", ".join(map(self.flow, each)) + self.random.choice(["", "", ","]) * bool(each) + "]"
        return self.scalar(each)

    def scalar(self, each: Any) -> str:
        if isinstance(each, str):
            plain = each.isidentifier() and each not in ("null", "true") and self.random.randint(0, 3)
            single = "'" + each.replace("'", "''") + "'"
            return each if plain else self.random.choice([json.dumps(each, ensure_ascii=False), single])
        return json.dumps(each)

    def comment(self) -> str:
        return self.random.choice(["", "", "", f"  {COMMENTS[0]}", f" {COMMENTS[1]}"])

    def aside(self, indent: int) -> list[str]:
        return self.random.choice([[]] * 5 + [[""], [" " * indent + COMMENTS[2]]])


def places(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values below the whole."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = []
    for key, each in entries:
        found += [(*path, key), *places(each, (*path, key))]
    return found


def drawn_edit(data: Any, writer: Writer) -> Edit:
    """An edit somewhere in the data."""
    path = writer.random.choice(places(data))
    action = writer.random.choice(["set", "set", "add", "remove", "rename", "insert"])
    value = writer.value(writer.random.choice([2, 4]))
    if isinstance(path[-1], int):
        if action == "remove":
            return Edit(path, action="remove")
        return (
            Edit((*path[:-1], path[-1] + writer.random.randint(0, 1)), value, "insert")
            if action != "set"
            else Edit(path, value)
        )
    fresh = next(key for key in ("padding_mode", "bias", "groups", "extra") if (*path[:-1], key) not in places(data))
    if action in ("add", "insert"):
        return Edit((*path[:-1], fresh), value)
    if action == "rename":
        return Edit(path, fresh, "rename")
    return Edit(path, value) if action == "set" else Edit(path, action="remove")


@given(st.integers(0, 10**9))
def test_a_random_edit_of_a_random_file(seed: int) -> None:
    writer = Writer(seed)
    data = writer.value(0)
    text = writer.text(data)
    source = parse(text)
    assert same(source.data, of_mapping(data).data), "the writer is at fault"
    edit, reason = drawn_edit(data, writer), ""
    expected = edited(source.data, [edit])
    try:
        found = rewritten(source, [edit])
    except CannotEdit as error:
        reason = str(error)
        event(reason)
    assert can_be_written(source, [edit]) == (not reason)
    if reason:
        assert "only key" in reason or "only entry" in reason or "another way" in reason
        return
    assert same(found.data, expected)
    old, new = text.splitlines(keepends=True), found.text.splitlines(keepends=True)
    hunks = [each for each in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if each[0] != "equal"]
    gone = {line for hunk in hunks for line in range(hunk[1], hunk[2])}
    own, beside = touched(text, edit)
    assert gone <= own | beside, found.text
    kept = comments("".join(each for line, each in enumerate(old) if line not in own))
    assert not kept - comments(found.text), found.text


def comments(text: str) -> Counter[str]:
    return Counter(re.findall("|".join(map(re.escape, COMMENTS)), text))


def touched(text: str, edit: Edit) -> tuple[set[int], set[int]]:
    """The lines of the value that an edit replaces or removes, and those of what stands beside it."""
    here = _EditedText(text)
    holder = here.find(edit.path[:-1])
    heads = holder.keys or holder.items
    at = None if edit.path[-1] == len(holder.items) else here.index(holder, edit.path[-1])

    def lines(first: int, last: int) -> set[int]:
        start, end = heads[first].start, max(holder.items[last].end, holder.start + 1)
        return set(range(text[:start].count("\n"), text[:end].count("\n") + 1))

    last = len(heads) - 1
    near = last if at is None else at
    own = lines(near, near) if at is not None and edit.action in ("set", "remove") else set()
    return own, lines(max(near - 1, 0), min(near + 1, last)) | {len(text.splitlines()) - 1}


@given(st.integers(0, 10**9))
def test_splices_of_several_edits_are_of_the_text_as_it_was(seed: int) -> None:
    writer = Writer(seed)
    source = parse(writer.text(writer.value(0)))
    edits: list[Edit] = []
    after = source
    for _ in range(writer.random.randint(1, 4)):
        edit = drawn_edit(after.data, writer)
        try:
            after = rewritten(after, [edit])
        except CannotEdit:
            continue
        if not places(after.data):
            break
        edits.append(edit)
    assert can_be_written(source, edits)
    found = splices(source, edits)
    assert spliced(source.text, found) == rewritten(source, edits).text
    bounds = [offset for splice in found for offset in splice[:2]]
    assert bounds == sorted(bounds)
    assert all(start < end or new for start, end, new in found)
    assert all(a.end < b.start for a, b in pairwise(found))


def test_an_edit_is_tried_on_its_own_lines() -> None:
    source = parse(
        "input: [9, 9, 3]\nlayers:\n  - {type: ReLU}\n  - type: Conv2d\n    kernel_size: 3\n  - {type: Tanh}\n"
    )
    lines = source.text.splitlines(keepends=True)

    def read(*edits: Edit) -> str:
        return "|".join(part.text.removeprefix("layers:\n") for part, _ in parts_of(source, edits))

    assert read(put(5, "layers", 1, "kernel_size")) == lines[4]
    assert read(put(5, "layers", 1, "stride")) == "".join(lines[3:5])
    assert read(put(5, "layers", 0, "x-a"), put(5, "layers", 1, "x-a")) == f"{lines[2]}|{''.join(lines[3:5])}"
    assert read(put(5, "layers", 2, "x-a"), put(5, "layers", 2, "type")) == lines[5]
    assert read(put([1, 3], "input")) == lines[0]
    assert read(insert({}, "layers", 1), put(1, "layers", 2, "kernel_size")) == "".join(lines[2:])
    assert read(put(7, "input", 0)) == lines[0]


def test_splices_are_small() -> None:
    edits = [put(5, "layers", 0, "kernel_size"), insert({"type": "Tanh"}, "layers", 2), cut("layers", 1)]
    at = FLOW.index("3}"), FLOW.index("  - {type: ReLU}")
    assert splices(parse(FLOW), edits) == (
        (at[0], at[0] + 1, "5"),
        (at[1], len(FLOW) - 1, "  - {type: Tanh}"),
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_entry_of_a_config_can_be_edited(path: Path) -> None:
    source = parse(path.read_bytes())
    keys = [place for place in places(source.data) if isinstance(place[-1], str) and len(place) > 2]
    for place in keys[:: len(keys) // 20 + 1]:
        rewritten(source, [Edit(place, 7), Edit((*place[:-1], "x-note"), "7")])
