"""What a model file's text means, where everything in it stands, and what is said when it is not YAML."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.diagnostics import Fault, Place
from planner.diagnostics import Path as Keys
from planner.faults.duplicate_key import DuplicateKey
from planner.faults.not_a_model import NotAModel
from planner.faults.not_yaml import NotYaml
from planner.faults.too_large import TooLarge
from planner.faults.unreadable_file import UnreadableFile
from planner.faults.unsupported_yaml import UnsupportedYaml
from planner.faults.unusable_number import UnusableNumber
from planner.source import of_mapping, parse, read, unparsed
from yaml_parsers import PARSERS

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
EXAMPLES = (DuplicateKey, NotAModel, NotYaml, TooLarge, UnsupportedYaml, UnusableNumber)


@pytest.fixture(params=PARSERS)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the parsers that a machine may have."""
    name: str = request.param
    monkeypatch.setattr("planner.source.yaml.EventParser", PARSERS[name])
    return name


def fault_of(text: str | bytes) -> Fault:
    with pytest.raises(Fault) as caught:
        parse(text, "model.yaml")
    return caught.value


# --- what a scalar means --------------------------------------------------------------------------------------------

SCALARS: list[tuple[str, Any]] = [
    # texts that YAML 1.1 takes for something else
    ("no", "no"), ("yes", "yes"), ("on", "on"), ("Off", "Off"), ("y", "y"),
    ("1:30", "1:30"), ("2001-01-01", "2001-01-01"), ("1_000", "1_000"), ("0b1", "0b1"), ("=", "="),
    # texts
    ("same", "same"), ("tRUE", "tRUE"), ("nul", "nul"), ("+", "+"), (".", "."), ("1e", "1e"), ("1.2.3", "1.2.3"),
    ("3x3", "3x3"), ("-1-", "-1-"), ("$width", "$width"), ("4 * $width", "4 * $width"), ("100%", "100%"),
    ("0o8", "0o8"),
    ("-0x1F", "-0x1F"), ("é", "é"), ("日本", "日本"), ("..inf", "..inf"),
    # quotes make texts
    ("'1'", "1"), ('"true"', "true"), ("''", ""), ('"\\x41\\u00e9\\t"', "Aé\t"), ("'it''s'", "it's"), ("'~'", "~"),
    # nothing
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
    # true and false
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
    # whole numbers
    ("0", 0), ("-0", 0), ("7", 7), ("+7", 7), ("-7", -7), ("010", 10), ("0o17", 15), ("0x1F", 31), ("0xff", 255),
    ("9223372036854775808", 2**63), ("-9223372036854775808", -(2**63)),
    # other numbers
    ("1e3", 1000.0), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("+1.5E-3", 0.0015), ("12e03", 12000.0), ("1e-400", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value"), SCALARS, ids=str)
@pytest.mark.parametrize("form", ["{}", "  key: {}", "[{}]", "{{key: {} }}", "- {}"], ids=str)
def test_scalars_follow_the_core_schema_of_yaml_1_2(parser: str, form: str, written: str, value: object) -> None:
    if form == "[{}]" and not written:
        return  # a list with nothing in it
    data: Any = parse("x: " + form.format(written) if form[0] not in " -" else f"x:\n{form.format(written)}\n").data[
        "x"
    ]
    while isinstance(data, dict | list):
        (data,) = data.values() if isinstance(data, dict) else data
    assert (data, type(data)) == (value, type(value))


NUMBERS = [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e400", "-1e19", "9223372036854775809", "0xFFFFFFFFFFFFFFFFF",
           "1" * 5000, "0." + "1" * 5000]  # fmt: skip


@pytest.mark.parametrize("written", NUMBERS, ids=lambda written: written[:20])
def test_numbers_that_no_network_can_use(parser: str, written: str) -> None:
    fault = fault_of(f"a: 1\nb: [2, {written}]\n")
    assert type(fault) is UnusableNumber
    assert fault.place == Place(2, 8, len(written))
    assert fault.message.endswith("is not a number that a network can use")


@pytest.mark.parametrize(("written", "value"), [(".inf", math.inf), ("-.Inf", -math.inf), ("+.INF", math.inf)])
def test_an_argument_that_a_mask_is_made_of_may_be_infinite(parser: str, written: str, value: float) -> None:
    text = f"layers: [{{type: Constant, fill: {written}}}]\n"
    assert parse(text).data == of_mapping({"layers": [{"type": "Constant", "fill": value}]}).data
    assert parse(text).data["layers"][0]["fill"] == value
    for other in (f"fill: {written}\n", text.replace("fill", "shape"), text.replace(written, ".nan")):
        assert type(fault_of(other)) is UnusableNumber


def test_keys_are_texts_as_they_are_written(parser: str) -> None:
    text = "0: a\n0x1F: b\nnull: c\n1.50: d\ntrue: e\n~: f\n'q': g\n? r\n: h\n"
    assert parse(text).data == dict(zip(["0", "0x1F", "null", "1.50", "true", "~", "q", "r"], "abcdefgh", strict=True))


WORDS = st.text("ab1é日😀 :#-,.[]{}&*!|>'\"%@`$~<=?\\\t\n\r\0\x7f", max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e18, 1e18) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, JSON, min_size=1, max_size=3), st.sampled_from([None, 1, 4]))
def test_json_means_the_same(data: dict[str, Any], indent: int | None) -> None:
    assert parse(json.dumps(data, indent=indent, ensure_ascii=False).replace("\x7f", "\\u007f")).data == data


def test_surrogates_and_other_halves_are_refused(parser: str) -> None:
    assert type(fault_of('a: "\\ud83d"')) is NotYaml
    assert type(fault_of("a: \ud83d")) is NotYaml


# --- anchors, aliases, merge keys -----------------------------------------------------------------------------------

MERGED = """\
x-conv: &conv {type: Conv2d, kernel_size: 3}
x-wide: &wide
  out_channels: 64
  kernel_size: 5
a: {<<: *conv, bias: false}
b:
  kernel_size: 1
  <<: [*conv, *wide]
c: {<<: {<<: *wide, bias: true}}
"<<": text
d: {"<<": *conv}
"""


def test_merge_keys(parser: str) -> None:
    data = parse(MERGED).data
    assert data["a"] == {"type": "Conv2d", "kernel_size": 3, "bias": False}
    assert data["b"] == {"kernel_size": 1, "type": "Conv2d", "out_channels": 64}
    assert data["c"] == {"bias": True, "out_channels": 64, "kernel_size": 5}
    assert data["<<"] == "text"
    assert data["d"] == {"<<": {"type": "Conv2d", "kernel_size": 3}}


def test_merged_values_stand_where_they_are_written(parser: str) -> None:
    file = parse(MERGED)
    assert file.place(("a", "kernel_size")) == Place(1, 43)
    assert file.place(("a", "kernel_size"), at_key=True) == Place(1, 30, 11)
    assert file.place(("a", "bias")) == Place(5, 22, 5)
    assert file.place(("b", "kernel_size")) == Place(7, 16)
    assert file.place(("b", "out_channels")) == Place(3, 17, 2)


def test_aliases_share_and_may_be_named_anew(parser: str) -> None:
    data = parse("a: &x [1]\nb: *x\nc: &x 2\nd: *x\ne: &e {f: &f [&g 3], h: *f, i: *g}\nj: [*e, *g]\n").data
    assert data["b"] is data["a"]
    assert data["d"] == 2
    assert data["j"] == [{"f": [3], "h": [3], "i": 3}, 3]


# --- places ---------------------------------------------------------------------------------------------------------

PLACED = """\
# a comment
name: x
input: [28, 28, 1]
x-conv: &conv {type: Conv2d, kernel_size: 3}
layers:
  - {type: ReLU}
  - name: conv1
    padding: [[1, 2], "same"]
    note: "two
      lines"
    text: |
      block
  - *conv
  - <<: *conv
    bias: &b true
  - <<: *conv
  - - nested
params:
  width:
  日本: {😀: 1,	tab: 'v'}
blocks:
  stage: {layers: []}
"""

# path, place of the value, place of the key (line, column, length)
PLACES: list[tuple[tuple[str | int, ...], tuple[int, int, int], tuple[int, int, int]]] = [
    ((), (2, 1, 1), (2, 1, 1)),
    (("name",), (2, 7, 1), (2, 1, 4)),
    (("input",), (3, 8, 1), (3, 1, 5)),
    (("input", 0), (3, 9, 2), (3, 9, 2)),
    (("input", 2), (3, 17, 1), (3, 17, 1)),
    (("layers",), (6, 3, 1), (5, 1, 6)),
    (("layers", 0), (6, 5, 1), (6, 5, 1)),
    (("layers", 0, "type"), (6, 12, 4), (6, 6, 4)),
    (("layers", 1), (7, 5, 1), (7, 5, 1)),
    (("layers", 1, "padding", 0, 1), (8, 19, 1), (8, 19, 1)),
    (("layers", 1, "padding", 1), (8, 23, 6), (8, 23, 6)),
    (("layers", 1, "note"), (9, 11, 1), (9, 5, 4)),
    (("layers", 1, "text"), (11, 11, 1), (11, 5, 4)),
    (("layers", 2), (13, 5, 5), (13, 5, 5)),
    (("layers", 2, "type"), (4, 22, 6), (4, 16, 4)),
    (("layers", 3, "bias"), (15, 11, 7), (15, 5, 4)),
    (("layers", 5, 0), (17, 7, 6), (17, 7, 6)),
    (("params", "width"), (19, 9, 1), (19, 3, 5)),
    (("params", "日本"), (20, 7, 1), (20, 3, 2)),
    (("params", "日本", "😀"), (20, 11, 1), (20, 8, 1)),
    (("params", "日本", "tab"), (20, 19, 3), (20, 14, 3)),
    # what is not there: the key of the mapping or list it is missing in …
    (("input", 3), (3, 1, 5), (3, 1, 5)),
    (("params", "depth"), (18, 1, 6), (18, 1, 6)),
    (("blocks", "stage", "params"), (22, 3, 5), (22, 3, 5)),
    (("blocks", "stage", "layers", 0, "type"), (22, 11, 6), (22, 11, 6)),
    (("layers", 99, "type"), (5, 1, 6), (5, 1, 6)),
    # … in a list of mappings, the first key of that mapping, or the alias that it is
    (("layers", 0, "inplace"), (6, 6, 4), (6, 6, 4)),
    (("layers", 1, "type"), (7, 5, 4), (7, 5, 4)),
    (("layers", 2, "bias"), (13, 5, 5), (13, 5, 5)),
    (("layers", 4, "bias"), (16, 5, 1), (16, 5, 1)),
    # … below a value, the value; at the top, the first key
    (("name", 0), (2, 7, 1), (2, 7, 1)),
    (("outputs",), (2, 1, 4), (2, 1, 4)),
]  # fmt: skip


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
@pytest.mark.parametrize(("path", "value", "key"), PLACES, ids=lambda each: str(each)[:40])
def test_places(
    path: tuple[str | int, ...], value: tuple[int, int, int], key: tuple[int, int, int], mark: str, breaks: str
) -> None:
    file = parse(mark + PLACED.replace("\n", breaks))
    assert file.place(path) == Place(*value)
    assert file.place(path, at_key=True) == Place(*key)


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every scalar of the data with its path."""
    if isinstance(data, dict | list):
        for part, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*path, part))
    else:
        yield path, data


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_at_each_place_of_a_real_file_stands_what_was_read(parser: str, config: Path) -> None:
    file = read(config)
    checked = 0
    for path, value in leaves(file.data):
        place, key = file.place(path), file.place(path, at_key=True)
        assert place is not None
        assert key is not None
        if value is not None:
            written = file.line(place.line)[place.column - 1 :][: place.length]
            assert parse(f"x: {written}").data == {"x": value}
        if isinstance(path[-1], str):
            assert file.line(key.line)[key.column - 1 :][: key.length].strip("'\"") == path[-1]
        checked += 1
    assert checked > 20


def test_parts_of_a_text_are_placed_within_it(parser: str) -> None:
    file = parse('a: $x // 2\nb: "$x // 2"\nc: &c \'$x // 2\'\nd: "$x\n  // 2"\n')
    assert file.within(("a",), 3, 2) == Place(1, 7, 2)
    assert file.within(("b",), 3, 2) == Place(2, 8, 2)
    assert file.within(("c",), 3, 2) == Place(3, 11, 2)
    assert file.within(("d",), 3, 2) == Place(4, 4)
    assert file.within(("a",), 7, 99) == Place(1, 11)


def test_lines() -> None:
    file = parse("a: 1\r\nb: 2\rc: 3\n\nd: 4")
    assert [file.line(number) for number in range(7)] == ["", "a: 1", "b: 2", "c: 3", "", "d: 4", ""]


def test_a_mapping_has_no_places() -> None:
    file = of_mapping({"a": 1})
    assert (file.data, file.file, file.place(("a",)), file.within(("a",), 0), file.line(1)) == (
        {"a": 1},
        None,
        None,
        None,
        "",
    )


# --- what is not YAML -----------------------------------------------------------------------------------------------

LONG = "k" * 1100

# text, line, column, length, headline, a part of the help
SLIPS: list[tuple[str, int, int, int, str, str]] = [
    # tabs
    ("layers:\n\t- a\n", 2, 1, 1, "a tab where YAML takes only spaces", "indent with spaces"),
    ("a:\n\t\tb: 1\n", 2, 1, 2, "a tab where YAML takes only spaces", "indent with spaces"),
    ("a: 1\n\tb: 2\n", 2, 1, 1, "a tab where YAML takes only spaces", "indent with spaces"),
    ("a: \n \t b: 1\n", 2, 2, 1, "a tab where YAML takes only spaces", "indent with spaces"),
    ("-\ta: 1\n", 1, 2, 1, "a tab where YAML takes only spaces", "indent with spaces"),
    ("a: |\n\tx\n", 2, 1, 1, "a tab where YAML takes only spaces", "indent with spaces"),
    # colons
    ("name lenet\ninput: [1]\n", 1, 1, 10, "a `:` is missing", "write `name: lenet`"),
    ("a: 1\nname lenet\n", 2, 1, 10, "a `:` is missing", "write `name: lenet`"),
    ("a: 1\nname lenet # c\nb: 2\n", 2, 1, 10, "a `:` is missing", "write `name: lenet`"),
    ("a: 1\nname = lenet\nb: 2\n", 2, 1, 12, "a `:` is missing", "write `name: lenet`"),
    ("a: b\n  c\nlayers\n", 3, 1, 6, "a `:` is missing", "write `layers:` and a value"),
    ("a:b\nc: d\n", 1, 1, 3, "a space is missing after `:`", "write `a: b`"),
    ("a: 1\nkernel_size:3\nb: 2\n", 2, 1, 13, "a space is missing after `:`", "write `kernel_size: 3`"),
    ("l:\n  - {type: Conv2d, kernel_size:3}\n", 2, 20, 13, "a space is missing after `:`", "write `kernel_size: 3`"),
    ("a: b: c\n", 1, 5, 1, "a second `:` in one entry", 'put quotes: "b: c"'),
    ("a: {b: c: d}\n", 1, 9, 1, "a second `:` in one entry", "quotes"),
    (": 1\n", 1, 1, 1, "a key is missing before `:`", "write it"),
    ("x: 1\n" + LONG + ": 1\n", 2, 1, 1, "a key has more than 1,024 characters", "shorten it"),
    # dashes
    ("- a\n-b\n- c\n", 2, 1, 2, "a space is missing after `-`", "write `- b`"),
    ("a: - b\n", 1, 4, 1, "a list with dashes cannot begin on the line of its key", "on the next line"),
    ("- a\nb: 1\n", 2, 1, 4, "a line of a list that does not start with `-`", "write `- b: 1`; or indent it by 2"),
    ("l:\n  - a\n  b: 1\n", 3, 3, 4, "a line of a list that does not start with `-`", "write `- b: 1`; or indent"),
    ("a: 1\n- b\n", 2, 1, 1, "a `-` among the keys of a mapping", "a list stands below its key"),
    ("x: [\n  1,\n  - 2\n]\n", 3, 3, 1, "a `-` inside brackets", "commas"),
    # indentation
    ("a: 1\n  b: 2\n", 2, 3, 1, "this line is indented deeper than the entry it follows", "indent `b` like"),
    ("l:\n - a: 1\n   b: 2\n    c: 3\n", 4, 5, 1, "this line is indented deeper than the entry it follows", "`c`"),
    ("l:\n  - a: 1\n - b: 2\n", 3, 2, 6, "the indentation of this line fits no line above it", "the same indentation"),
    ("l:\n  - a: 1\n    b: 2\n   c: 3\n", 4, 4, 4, "the indentation of this line fits no line above it", "the same"),
    ("a:\n  b: 1\n c: 2\n", 3, 2, 4, "the indentation of this line fits no line above it", "the same indentation"),
    ("a: {}\n  b: 1", 2, 3, 4, "the indentation of this line fits no line above it", "the same indentation"),
    # brackets
    ("a: [1, 2\nb: 3\n", 1, 4, 1, "`[` is never closed", "end it with `]`"),
    ("a: [1, 2\n", 1, 4, 1, "`[` is never closed", "end it with `]`"),
    ("{a: 1", 1, 1, 1, "`{` is never closed", "end it with `}`"),
    ("[", 1, 1, 1, "`[` is never closed", "end it with `]`"),
    ("l:\n- {a: 1\n- {b: 2}\n", 2, 3, 1, "`{` is never closed", "end it with `}`"),
    ("l:\n- {a: [1,\n- {b: 2}\n", 2, 7, 1, "`[` is never closed", "end it with `]`"),
    ("l: {a: 1, b: [1, 2}\n", 1, 19, 1, "`[` is closed by `}`", "put `]` before it"),
    ("l: [\n  {a: 1},\n  {b: 1 ]\n", 3, 9, 1, "`{` is closed by `]`", "put `}` before it"),
    ("a: ]\n", 1, 4, 1, "`]` closes nothing", "remove it"),
    ("a: {x: 1}}\n", 1, 10, 1, "a `}` too many", "remove it"),
    # commas
    ("l:\n- {a: 1 b: 2}\n", 2, 9, 1, "a `,` is missing before `b`", "write `1, b:`"),
    ("a: {b\n  c: 1}\n", 2, 3, 1, "a `,` is missing before `c`", "write `b, c:`"),
    ('a: ["x" "y"]\n', 1, 9, 1, "a `,` is missing before this", "add the comma"),
    ("a: [1,,2]\n", 1, 7, 1, "a value is missing before `,`", "write it"),
    ("a: {,}\n", 1, 5, 1, "a value is missing before `,`", "write it"),
    # quotes
    ('a: 1\nb: "x\n', 2, 4, 1, '`"` is never closed', 'end the text with "'),
    ("a: 'x\nb: 1\n", 1, 4, 1, "`'` is never closed", "end the text with '"),
    ('a: "x\n---\n', 1, 4, 1, '`"` is never closed', 'end the text with "'),
    ("a: 'it's'\n", 1, 8, 2, "something stands behind the end of a value", "'it''s'"),
    ('a: "x" y: 2\n', 1, 8, 4, "something stands behind the end of a value", '\\"'),
    ("a: [1, 2]x # c\n", 1, 10, 1, "something stands behind the end of a value", "whole value in quotes"),
    ('a: "\\d"\n', 1, 5, 2, "`\\d` is no escape that YAML knows", "single quotes"),
    ('a: "\\xZZ"\n', 1, 5, 2, "`\\x` takes 2 hexadecimal digits that stand for a character", "single quotes"),
    # characters with a meaning
    ("a: @x\n", 1, 4, 1, "a value cannot start with `@`", 'put it in quotes: "@x"'),
    ("a: `x`\n", 1, 4, 1, "a value cannot start with a backtick", 'put it in quotes: "`x`"'),
    ("a: [%x, 1]\n", 1, 5, 1, "a value cannot start with `%`", 'put it in quotes: "%x"'),
    ("@a: 1\n", 1, 1, 1, "a value cannot start with `@`", 'put it in quotes: "@a"'),
    ("a: ? b\n", 1, 4, 1, "`?` cannot stand here", "quotes"),
    ("a: [? ]\n", 1, 5, 1, "`?` cannot stand here", "quotes"),
    ("a:\n  [b, ? # c\n  ]\n", 2, 7, 1, "`?` cannot stand here", "quotes"),
    ("a: &\n", 1, 4, 1, "a name is missing after `&`", "quotes"),
    ("a: *\n", 1, 4, 1, "a name is missing after `*`", "quotes"),
    ("a: |x\n", 1, 4, 1, "a text after `|` begins on the next line", "quotes"),
    ("a: >0\n  x\n", 1, 4, 1, "a text after `>` begins on the next line", "quotes"),
    ("%YAML 3.0\n---\na: 1\n", 1, 1, 9, "model files have no directives", "remove the line"),
    # aliases
    ("a: &abc 1\nb: *abd\n", 2, 4, 4, "no anchor `&abd` stands above this", "did you mean `*abc`?"),
    ("a: *b\n", 1, 4, 2, "no anchor `&b` stands above this", "write `&b` before the value that it names"),
    # expressions
    ("{name: b${index + 1}, a: 1}", 1, 8, 13, "`${…}` needs quotes inside brackets", 'write "b${index + 1}"'),
    ("l:\n  - {n: max($a, 8), k: 3}\n", 2, 9, 10, "an expression with a comma needs quotes", 'write "max($a, 8)"'),
    ("{n: max($a, min(3, 4)) * 2, k: 3}", 1, 5, 22, "an expression with a comma needs quotes", "min(3, 4)) * 2"),
    # the end
    ("{a: 1}\nb: 2\n", 2, 1, 1, "something stands behind the end of the model", "one mapping"),
    ("a: 1\n...\nb: 1\n", 3, 1, 1, "something stands behind the end of the model", "one mapping"),
    # characters
    ("a: \x07\n", 1, 4, 1, "the character U+0007 cannot stand in a YAML file", '"\\u0007"'),
    ("é: b\u2028\n", 1, 5, 1, "the character U+2028 cannot stand in a YAML file", '"\\u2028"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "length", "message", "help"), SLIPS, ids=lambda each: repr(each)[:40]
)
def test_slips(parser: str, text: str, line: int, column: int, length: int, message: str, help: str) -> None:
    fault = fault_of(text)
    assert type(fault) is NotYaml
    assert (fault.message, fault.place) == (message, Place(line, column, length))
    assert help in fault.help


LIBRARY = ("expected", "scanning", "parsing", "token", "scalar", "node", "stream", "collection", "invalid", "None")


@pytest.mark.parametrize("text", [slip[0] for slip in SLIPS], ids=lambda text: repr(text)[:40])
def test_slips_are_said_in_our_words(parser: str, text: str) -> None:
    fault = fault_of(text)
    assert fault.help
    assert not [word for word in LIBRARY for said in (fault.message, fault.label, fault.help) if word in said]


# --- YAML that models do not use ------------------------------------------------------------------------------------

# text, line, column, length, headline
FOREIGN = [
    ("a: !!python/object:os.system x\n", 1, 4, 25, "model files have no tags"),
    ("a: !!int 1\n", 1, 4, 5, "model files have no tags"),
    ("a: ! 1\n", 1, 4, 1, "model files have no tags"),
    ("a: &q !!str 1\n", 1, 7, 5, "model files have no tags"),
    ("a: [!x {}]\n", 1, 5, 2, "model files have no tags"),
    ("a: !x!y 1\n", 1, 4, 4, "model files have no tags"),
    ("a: !<x 1\n", 1, 4, 3, "model files have no tags"),
    ("!!map {a: 1}\n", 1, 1, 5, "model files have no tags"),
    ("!k a: 1\n", 1, 1, 2, "model files have no tags"),
    ("%TAG !a! b\n---\na: 1\n", 1, 1, 4, "model files have no tags"),
    ("a: 1\n---\nb: 1\n", 2, 1, 3, "a model file holds one document"),
    ("? [1]\n: 2\n", 1, 3, 1, "a list cannot be a key"),
    ("a: {{b: 1}: 2}\n", 1, 5, 1, "a mapping cannot be a key"),
    ("a: &x 1\n*x : 2\n", 2, 1, 1, "an alias cannot be a key"),
    ("a: &x [1, *x]\n", 1, 11, 2, "`*x` stands inside its own anchor `&x`"),
    ("a: &x\n  <<: *x\n", 2, 7, 2, "`*x` stands inside its own anchor `&x`"),
    ("a:\n  <<: 3\n", 2, 7, 1, "`<<` takes a mapping, or a list of mappings"),
    ("a: {<<: [1]}\n", 1, 9, 1, "`<<` takes a mapping, or a list of mappings"),
    ("a: {<<: ~}\n", 1, 9, 1, "`<<` takes a mapping, or a list of mappings"),
]


@pytest.mark.parametrize(("text", "line", "column", "length", "message"), FOREIGN, ids=lambda each: repr(each)[:40])
def test_yaml_that_models_do_not_use(parser: str, text: str, line: int, column: int, length: int, message: str) -> None:
    fault = fault_of(text)
    assert type(fault) is UnsupportedYaml
    assert (fault.message, fault.place) == (message, Place(line, column, length))
    assert fault.help


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "the file is empty", None),
        ("\ufeff", "the file is empty", None),
        ("# nothing\n\n", "the file is empty", None),
        ("---\n...\n", "the file is empty", None),
        ("# a list\n- {type: ReLU}\n", "the file is a list, not a model", Place(2, 1)),
        ("Conv2d\n", "the file is a text, not a model", Place(1, 1, 6)),
        ("12", "the file is a number, not a model", Place(1, 1, 2)),
        ("no: 1", None, None),
    ],
    ids=repr,
)
def test_a_model_is_a_mapping(parser: str, text: str, message: str | None, place: Place | None) -> None:
    if message is None:
        assert parse(text).data
    else:
        fault = fault_of(text)
        assert (type(fault), fault.message, fault.place) == (NotAModel, message, place)


# --- duplicate keys -------------------------------------------------------------------------------------------------

TWICE = """\
name: a
layers:
  - {type: Conv2d, bias: true, bias: false}
  - params: &p {w: 1}
    <<: *p
    <<: *p
name: b
name: c
blocks:
  -type: x
  -type: y
"""


def test_duplicate_keys_are_all_reported_and_the_first_value_is_kept(parser: str) -> None:
    file = parse(TWICE)
    assert file.data["name"] == "a"
    assert file.data["layers"][0]["bias"] is True
    assert [(type(fault), fault.key, fault.place, fault.message, fault.label, fault.help) for fault in file.faults] == [
        (DuplicateKey, ("layers", 0, "bias"), Place(3, 32, 4), "`bias` is given twice", "first on line 3",
         "remove one of the two `bias`"),
        (DuplicateKey, ("layers", 1, "<<"), Place(6, 5, 2), "`<<` is given twice", "",
         "merge several mappings with one key: <<: [*first, *second]"),
        (DuplicateKey, ("name",), Place(7, 1, 4), "`name` is given twice", "first on line 1",
         "remove one of the two `name`"),
        (DuplicateKey, ("name",), Place(8, 1, 4), "`name` is given twice", "first on line 1",
         "remove one of the two `name`"),
        (DuplicateKey, ("blocks", "-type"), Place(11, 3, 5), "`-type` is given twice", "first on line 10",
         "an entry of a list has a space after its dash: `- type`"),
    ]  # fmt: skip


# --- files ----------------------------------------------------------------------------------------------------------

MODEL = "name: é\ninput: [1]\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(MODEL.encode(encoding))
    found = read(file)
    assert (found.data, found.file) == ({"name": "é", "input": [1]}, str(file))
    assert found.place(("name",)) == Place(1, 7)


def at(folder: Path, name: str) -> str:
    return str(folder / name)


def fifo(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return at(folder, "pipe")


def looped(folder: Path) -> str:
    (folder / "loop").symlink_to("loop")
    return at(folder, "loop")


def holding(content: bytes) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "m.yaml").write_bytes(content)
        return at(folder, "m.yaml")

    return write


def sparse(folder: Path) -> str:
    with (folder / "big.yaml").open("wb") as file:
        file.truncate(50 << 20)
    return at(folder, "big.yaml")


# how to make it, headline, label, a part of the help, place; FOLDER stands for the test's folder
FILES: list[tuple[Callable[[Path], str], str, str, str, Place | None]] = [
    (lambda folder: at(folder, "lenet.yaml"), "there is no file `FOLDER/lenet.yaml`", "the folder has `lenet5.yaml`",
     "did you mean `FOLDER/lenet5.yaml`?", None),
    (lambda folder: at(folder, "zzz"), "there is no file `FOLDER/zzz`", "the folder has `lenet5.yaml`",
     "name a file that is there", None),
    (lambda folder: at(folder, "a/b.yaml"), "there is no file `FOLDER/a/b.yaml`", "there is no folder `FOLDER/a`",
     "check the path", None),
    (lambda folder: at(folder, "lenet5.yaml/b"), "there is no file `FOLDER/lenet5.yaml/b`",
     "there is no folder `FOLDER/lenet5.yaml`", "check the path", None),
    (str, "`FOLDER` is a folder", "", "such as `FOLDER/lenet5.yaml`", None),
    (fifo, "`FOLDER/pipe` is a pipe", "", "name a YAML file", None),
    (lambda _: "/dev/zero", "`/dev/zero` is a device or a socket", "", "name a YAML file", None),
    (looped, "`FOLDER/loop` cannot be opened", "its links go round in a circle", "check the path", None),
    (lambda _: "a\0\n", "`a\\x00\\n` cannot be opened", "it holds a character that no path can", "check", None),
    (lambda _: "x" * 300, f"`{'x' * 199}…` cannot be opened", "the path is too long", "check the path", None),
    (sparse, "`FOLDER/big.yaml` is too large", "50.0 MB; a model file has at most 16 MB", "as a block", None),
    (holding(b"\x89PNG\r\n\x1a\n\0"), "this is not a text file", "there is a zero byte after 8 bytes", "UTF-8", None),
    (holding(b"a: 1\n\0"), "this is not a text file", "there is a zero byte after 5 bytes", "UTF-8", None),
    (holding(b"a\0:\0"), "this is not a text file", "there is a zero byte after 1 byte", "UTF-8", None),
    (holding(b"a: 1\r\nb: caf\xe9\n"), "this is not UTF-8 text", "byte 0xE9 means nothing here", "UTF-8", Place(2, 7)),
    (holding(b"\xff\xfea\0:\0 "), "this is not UTF-16 text", "byte 0x20 means nothing here", "UTF-8", Place(1, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message", "label", "help", "place"), FILES, ids=[each[1][:40] for each in FILES])
def test_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], str],
    message: str,
    label: str,
    help: str,
    place: Place | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("models")
    folder.mkdir()
    (folder / "lenet5.yaml").write_text("input: [1]")
    with pytest.raises(Fault) as caught:
        read(make(folder))
    fault = caught.value
    assert type(fault) is (TooLarge if "too large" in message else UnreadableFile)
    assert (fault.message, fault.label) == (
        message.replace("FOLDER", str(folder)),
        label.replace("FOLDER", str(folder)),
    )
    assert help.replace("FOLDER", str(folder)) in fault.help
    assert fault.place == place


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    (tmp_path / "m.yaml").write_text("a: 1")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "m.yaml")
    assert caught.value.message.endswith("m.yaml` may not be read")
    assert caught.value.help.startswith("ask its owner, or run: chmod +r ")


def test_a_file_in_a_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    shut = tmp_path / "shut"
    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr("os.access", lambda path, _: Path(path) in tmp_path.parents or Path(path) == tmp_path)
    with pytest.raises(UnreadableFile) as caught:
        read(shut / "in" / "m.yaml")
    assert caught.value.label == f"the folder `{shut}` may not be entered"
    assert caught.value.help == f"ask its owner, or run: chmod +x {shut}"


def test_the_text_is_left_to_show_the_line_of_a_fault_from(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("a: 1\nb: [2\n")
    with pytest.raises(NotYaml) as caught:
        read(tmp_path / "m.yaml")
    left = unparsed(caught.value, "m.yaml")
    assert (left.line(2), left.data, left.file) == ("b: [2", {}, "m.yaml")
    assert unparsed(fault_of(b"a: caf\xe9\n")).line(1) == "a: caf\ufffd"
    assert unparsed(fault_of(b"\0")).text == ""


# --- models made in Python ------------------------------------------------------------------------------------------


class Name(str):
    __slots__ = ()


def test_a_mapping_becomes_plain_values() -> None:
    data = of_mapping(
        {"input": (1, 2), Name("n"): numpy.int64(3), 4: numpy.float32(0.5), "x": {None: [True, Name("y")], 1.5: None}}
    ).data
    assert data == {"input": [1, 2], "n": 3, "4": 0.5, "x": {"null": [True, "y"], "1.5": None}}
    assert [type(value) for value in (data["input"], data["n"], data["4"], data["x"]["null"][1])] == [
        list,
        int,
        float,
        str,
    ]


def endless() -> dict[str, object]:
    mapping: dict[str, object] = {}
    mapping["self"] = mapping
    return mapping


@pytest.mark.parametrize(
    ("mapping", "kind", "message", "key"),
    [
        (endless(), TooLarge, "mappings and lists are nested more than 100 deep", ()),
        ({"a": [[0] * 50] * 50}, TooLarge, "the file stands for more than 1,000 values", ()),
        ({"a": [1, float("nan")]}, UnusableNumber, "`nan` is not a number that a network can use", ("a", 1)),
        ({"a": -(10**20)}, UnusableNumber, "`-100000000000000000000` is not a number that a network can use", ("a",)),
        ({"a": 10**5000}, UnusableNumber, "`about 2^16610` is not a number that a network can use", ("a",)),
        ({"a": {"b": object()}}, UnsupportedYaml, "a model file cannot hold a value of type `object`", ("a", "b")),
        ({"a": numpy.zeros(2)}, UnsupportedYaml, "a model file cannot hold a value of type `numpy.ndarray`", ("a",)),
        ({"a": {(1,): 1}}, UnsupportedYaml, "a model file cannot hold a value of type `tuple`", ("a",)),
        ({1: 2, "1": 3}, DuplicateKey, "`1` is given twice", ("1",)),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_no_model_file_can_hold(
    monkeypatch: pytest.MonkeyPatch,
    mapping: dict[Any, Any],
    kind: type[Fault],
    message: str,
    key: tuple[str | int, ...],
) -> None:
    monkeypatch.setattr("planner.source.plain.MOST_VALUES", 1000)
    with pytest.raises(Fault) as caught:
        of_mapping(mapping)
    fault = caught.value
    assert (type(fault), fault.message, fault.key) == (kind, message, key)


# --- the manual's examples ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.code)
def test_examples(parser: str, kind: type[Fault]) -> None:
    guilty = next(number for number, line in enumerate(kind.bad.splitlines(), 1) if kind.code in line)
    try:
        faults = parse(kind.bad).faults
    except Fault as fault:
        faults = (fault,)
    assert [(type(fault), fault.place and fault.place.line) for fault in faults] == [(kind, guilty)]
    assert parse(kind.good).faults == ()


# --- from a place to a path, and where a value ends -------------------------------------------------------------------

WRITTEN = """\
name: small
layers:
  - {name: conv, type: Conv2d, kernel_size: [3, 5]}
  - name: pool
    type: MaxPool2d

blocks: {a: {layers: []}}
"""


def every_path(data: Any, path: Keys = ()) -> Iterator[Keys]:
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from every_path(value, (*path, key))


def test_every_place_leads_back_to_its_path(parser: str) -> None:
    found = parse(WRITTEN)
    for path in [each for each in every_path(found.data) if each]:
        key = found.place(path, at_key=True)
        assert key is not None
        leads = found.path_at(key.line, key.column)
        assert leads[: len(path)] == path
        value = found.place(path)
        assert value is not None
        assert found.path_at(value.line, value.column)[: len(path)] == path


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("name",), "name: small"),
        (("layers", 0), "[3, 5]}"),
        (("layers", 0, "kernel_size"), "[3, 5]"),
        (("layers", 0, "kernel_size", 1), "[3, 5"),
        (("layers", 1), "type: MaxPool2d"),
        (("layers",), "type: MaxPool2d"),
        (("blocks", "a"), "{a: {layers: []}"),
    ],
)
def test_where_a_value_ends(path: Keys, written: str, parser: str) -> None:
    found = parse(WRITTEN)
    end = found.end(path)
    assert end is not None
    assert found.line(end.line)[: end.column - 1].endswith(written)


@pytest.mark.parametrize(("line", "column"), [(0, 1), (6, 1), (9, 1), (2, 99)])
def test_where_nothing_is_written(line: int, column: int) -> None:
    assert parse(WRITTEN).path_at(line, column) in ((), ("layers",))
    assert of_mapping({"input": [1]}).path_at(line, column) == ()
    assert parse(WRITTEN).end(("layers", 7)) is None
