"""Files made to do harm, and files in pieces: what is read is a Source or a Fault, in bounded time and memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import source
from planner.diagnostics import Fault, Place
from planner.faults.too_large import TooLarge
from planner.source import DEEPEST, Source, parse
from yaml_parsers import PARSERS

ROOT = Path(__file__).parents[1]
MODEL = (ROOT / "configs" / "resnet50.yaml").read_text(encoding="utf-8")


def outcome(text: str | bytes) -> Source | Fault:
    """What comes of a text. Whatever is neither fails the test that asked."""
    try:
        found = parse(text, "model.yaml")
    except Fault as fault:
        return fault
    return found


def sound(text: str | bytes) -> Source | Fault:
    """What comes of a text, checked to be fit to be shown."""
    found = outcome(text)
    for fault in (found,) if isinstance(found, Fault) else found.faults:
        shown = Source({}, text=getattr(fault, "text", ""))
        assert fault.message.isprintable()
        assert fault.help
        if fault.place is not None:
            line = shown.line(fault.place.line)
            assert 1 <= fault.place.column <= len(line) + 1
            assert fault.place.column + fault.place.length - 1 <= len(line) + 1
    return found


# --- files in pieces --------------------------------------------------------------------------------------------------


def test_every_beginning_of_a_real_file() -> None:
    kinds = {type(sound(MODEL[:end])).__name__ for end in range(len(MODEL))}
    assert kinds == {"Source", "NotYaml", "NotAModel"}


def test_a_real_file_without_any_one_of_its_characters() -> None:
    kinds = {type(sound(MODEL[:at] + MODEL[at + 1 :])).__name__ for at in range(len(MODEL))}
    assert {"Source", "NotYaml"} <= kinds


@given(st.integers(0, len(MODEL)), st.sampled_from(list("\t\n\r :-[]{},&*!|>'\"%@`#?\\\0\x85\u2028\ufeff\ud800é😀")))
def test_a_real_file_with_a_character_put_in(at: int, character: str) -> None:
    sound(MODEL[:at] + character + MODEL[at:])


PIECES = ["a", "b: ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ",", "&x ", "*x", "<<: ", "'", '"', "|\n", ">",
          "!t ", "---\n", "...\n", "%YAML 1.2\n", "# c", "? ", ": ", "\t", "\\", "@", "$", "1", ".inf", "é",
          "\r\n"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_anything_that_looks_like_yaml(text: str) -> None:
    sound(text)


@given(st.binary(max_size=60))
def test_any_bytes(content: bytes) -> None:
    sound(content)
    sound(b"a: " + content)


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    sound(text)


# --- deep and wide ----------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]\n" for last, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200))
# Four million pairs.
MERGES = "x: &x {" + ", ".join(f"k{i}: 1" for i in range(2000)) + "}\nlayers:\n" + "  - {<<: *x}\n" * 2000
DEEP = "mappings and lists are nested more than 100 deep"

TOO_DEEP = [
    ("[" * 100_000, Place(1, 101)),
    ("a: " + "[" * 100_000 + "]" * 100_000, Place(1, 103)),
    ("a: " + "{a: " * 10_000 + "}" * 10_000, Place(1, 400)),
    ("- " * 10_000, Place(1, 201)),
    ("".join(" " * depth + "a:\n" for depth in range(1000)), Place(101, 101)),
    (CHAIN, Place(100, 12)),
]
TOO_MANY = [(LAUGHS, Place(7, 8)), (MERGES, Place(1001, 10))]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(("text", "place"), TOO_DEEP, ids=[each[0][:12] for each in TOO_DEEP])
def test_depth_is_limited(text: str, place: Place, parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.source.yaml.EventParser", PARSERS[parser])
    fault = sound(text)
    assert isinstance(fault, TooLarge)
    assert (fault.message, fault.place) == (DEEP, place)


@pytest.mark.parametrize(("text", "place"), TOO_MANY, ids=[each[0][:12] for each in TOO_MANY])
def test_size_is_limited(text: str, place: Place) -> None:
    fault = sound(text)
    assert isinstance(fault, TooLarge)
    assert (fault.message, fault.place) == ("the file stands for more than 2,000,000 values", place)


# What opens one or two lists and mappings, and where in it each of them begins.
OPENINGS = {
    "[": (0,),
    "[\n": (0,),
    "&x [": (0,),
    "{a: ": (0,),
    "[a: ": (0, 1),
    "[? a : ": (0, 1),
    "[{a: ": (0, 1),
    "[x, {? a : ": (0, 4),
}
SLIPS = ["", "@", "%", "!", "*zz", "}", "\t-", "- a", '"abc', '"\\q"', "'x' y: z"]


@settings(max_examples=settings().max_examples // 4)  # PyYAML's own parser takes its time
@given(
    st.integers(0, DEEPEST - 1),
    st.lists(st.sampled_from(list(OPENINGS)), min_size=1, max_size=3),
    st.sampled_from([DEEPEST, DEEPEST + 1, 500, 990, 1010, 1030]),
    st.sampled_from(SLIPS),
)
def test_too_deep_is_told_alike_by_every_parser(dashes: int, pattern: list[str], depth: int, slip: str) -> None:
    text = "- " * dashes + "a: "
    opened = list(range(0, len(text) - 1, 2))
    for opening in cycle(pattern):
        if len(opened) > depth:
            break
        opened += [len(text) + at for at in OPENINGS[opening]]
        text += opening
    text += slip
    place = Source({}, text=text).stretch(opened[DEEPEST], opened[DEEPEST] + 1)
    for parser in PARSERS.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("planner.source.yaml.EventParser", parser)
            fault = sound(text)
        assert (str(fault), getattr(fault, "place", None)) == (DEEP, place)


@pytest.mark.parametrize("beginning", ["a: !t [", "a: [*x, ", "&x &y ", "a: b: ", "a: [b, @, "])
def test_what_comes_before_is_told_first(beginning: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = set()
    for parser in PARSERS.values():
        monkeypatch.setattr("planner.source.yaml.EventParser", parser)
        fault = sound(beginning + "[" * 2000)
        assert isinstance(fault, Fault)
        told.add((fault.message, fault.place))
    assert len(told) == 1
    assert told.pop()[0] != DEEP


def test_the_limits_themselves_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(sound("a: " + "[" * 99 + "]" * 99), Source)
    assert isinstance(sound("a: " + "[" * 100 + "]" * 100), TooLarge)
    assert isinstance(sound("b: &b " + "[" * 50 + "]" * 50 + "\na: " + "[" * 49 + "*b" + "]" * 49), Source)
    assert isinstance(sound("b: &b " + "[" * 50 + "]" * 50 + "\na: " + "[" * 50 + "*b" + "]" * 50), TooLarge)
    # The mapping, two lists and an alias for one of them: 8 values.
    monkeypatch.setattr("planner.source.yaml.MOST_VALUES", 8)
    assert isinstance(sound("a: &a [1, 2]\nb: [*a]\n"), Source)
    assert isinstance(sound("a: &a [1, 2]\nb: [*a, 3]\n"), TooLarge)


def test_large_texts() -> None:
    found = sound("a: " + "x" * 1_000_000)
    assert isinstance(found, Source)
    assert len(found.data["a"]) == 1_000_000
    fault = sound("a: 1\n" * 10_000_000)
    assert isinstance(fault, TooLarge)
    assert fault.label == "47.7 MB; a model file has at most 16 MB"


def test_many_duplicates_are_recorded_once_a_hundred() -> None:
    found = sound("a: 1\n" * 1000)
    assert isinstance(found, Source)
    assert len(found.faults) == source.MOST_DUPLICATES


# --- slow for a parser ------------------------------------------------------------------------------------------------

MEGABYTES = 16 << 20

SLOW: dict[str, Callable[[], str]] = {
    "one scalar": lambda: "a: " + "x" * (MEGABYTES - 3),
    "one number": lambda: "a: " + "1" * (MEGABYTES - 3),
    "an open quote": lambda: 'a: "' + "x" * (MEGABYTES - 4),
    "a million keys": lambda: "".join(f"k{i}: {i}\n" for i in range(1_000_000)),
    "a million keys in a line": lambda: "{" + ", ".join(f"k{i}: 1" for i in range(1_000_000)) + "}",
    "a million duplicates": lambda: "a: 1\n" * 1_000_000,
    "a million anchors": lambda: "a:\n" + "".join(f"- &a{i} 1\n" for i in range(1_000_000)) + "- *zz",
    "eight million values": lambda: "a: [" + "1," * 8_000_000 + "]",
    "five million lists": lambda: "a: [" + "[]," * 5_000_000 + "]",
    "tag directives": lambda: "%TAG !a! b\n" * 1_400_000,
    "comments": lambda: "#\n" * 8_000_000,
    "empty lines": lambda: "\n" * (MEGABYTES - 4) + "a: 1",
    "empty lines and a slip": lambda: "a: 1\n" + "\n" * (MEGABYTES - 14) + "  b: 1\n",
    "colons": lambda: "a: " * 5_000_000,
    "brackets": lambda: "a: " + "[\n" * 99 + "\n" * 4_000_000,
    "no comma": lambda: "a: {b: " + "b " * 8_000_000 + ": 1",
    "one alias": lambda: "a: *" + "b" * 8_000_000,
    "keys without values": lambda: "? a\n" * 1_000_000,
    "merges of one mapping": lambda: "a: &a {x: 1}\nb:\n  <<: [" + "*a," * 900_000 + "]\n",
}


@pytest.mark.long
@pytest.mark.parametrize("name", SLOW)
def test_time_and_memory_are_bounded(name: str, tmp_path: Path) -> None:
    """In a process of its own, with at most 1 GB and a minute of the processor."""
    file = tmp_path / "model.yaml"
    file.write_text(SLOW[name](), encoding="utf-8")
    program = f"""
import resource
from planner.diagnostics import Fault
from planner.source import read
try:
    read({str(file)!r})
except Fault as fault:
    print(fault.code)
"""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit
    )
    assert (run.returncode, run.stderr) == (0, "")
