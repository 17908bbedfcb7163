"""The manual: a page for all that `planner explain` may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from planner.layers import all_layers, families
from planner.manual import all_kinds, argument_text, contents, example, in_words, nearest, page, written
from planner.outputs._screen import Screen, columns

SCREEN = Screen(80)
LAYERS = all_layers()
KINDS = all_kinds()


def text_of(name: str, screen: Screen = SCREEN) -> str:
    text = page(name, screen)
    assert text is not None
    return text


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("code", KINDS)
def test_page_of_a_kind(code: str) -> None:
    kind, text = KINDS[code], text_of(code)
    assert text.startswith(f"{code} {kind.name()} ({kind.severity})\n")
    assert flat(kind.__doc__ or "") in flat(text)
    for shown in (kind.bad, kind.fixed, kind.good):
        assert all(line.rstrip() in text for line in example(shown).splitlines())
    assert ("first fix" in text) is bool(kind.fixed)
    assert (f"{kind.severity}[{code}]: " in text) is bool(kind.bad)
    assert (f"allow: [{kind.name()}]" in text) is (kind.__module__.split(".")[1] == "rules")


@pytest.mark.parametrize("name", LAYERS)
def test_page_of_a_layer(name: str) -> None:
    text = text_of(name)
    head, *_ = text.split("\n\n")
    assert flat(head).startswith(f"{name}(")
    assert flat(LAYERS[name].__doc__ or "") in flat(text)
    for argument in LAYERS[name].model_fields:
        assert f"\n  {argument}  " in text
        assert argument in head


@pytest.mark.parametrize("name", [*KINDS, *LAYERS])
def test_prose_fits_the_screen(name: str) -> None:
    kind = KINDS.get(name)
    shown = (kind.bad, kind.fixed, kind.good) if kind else ()
    examples = {f"    {line}" for text in shown for line in example(text).splitlines()}
    wide = [line for line in text_of(name).splitlines() if columns(line) > 80 and line not in examples]
    # A headline stays on one line, so that it can be searched for; a name, so that it can be copied.
    whole = ("    error[", "    warning[", "    info[", "      = step: ")
    assert [line for line in wide if not line.startswith(whole)] == []


@pytest.mark.parametrize("name", ["NSP202", "nsp202", "groups-do-not-divide", "GroupsDoNotDivide", " NSP202 "])
def test_a_kind_has_three_names(name: str) -> None:
    assert page(name, SCREEN) == text_of("NSP202")


def test_layers_are_found_in_any_case() -> None:
    assert page("conv2d", SCREEN) == text_of("Conv2d")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("NSP20", "NSP"), ("Conv2", "Conv2d"), ("group-do-not-divide", "groups-do-not-divide"), ("xyzzy", "")],
)
def test_unknown_names(name: str, meant: str) -> None:
    assert page(name, SCREEN) is None
    assert meant in nearest(name)
    assert bool(nearest(name)) is bool(meant)


def test_contents_name_everything() -> None:
    text = contents(SCREEN)
    assert [code for code in KINDS if f"  {code}  {KINDS[code].name()} " not in text] == []
    words = set(text.replace(",", " ").split())
    assert LAYERS.keys() <= words
    assert max(map(columns, text.splitlines())) <= 80


def test_colour_only_where_there_is_colour() -> None:
    for name in ("NSP202", "Conv2d"):
        assert "\x1b" not in text_of(name)
        assert "\x1b[1m" in text_of(name, Screen(80, colour=True))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "a whole number from 1"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "a number from 0 to 1"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        ({"type": "boolean"}, "true or false"),
        ({"enum": ["zeros", "reflect"]}, "`zeros` or `reflect`"),
        ({"const": "depthwise"}, "`depthwise`"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "a whole number"),
        ({"anyOf": [{"type": "integer"}, {"const": "same"}]}, "a whole number, or `same`"),
        ({"type": "array", "items": {"type": "integer", "minimum": 0}}, "a list of whole numbers from 0"),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            "a list of lists of whole numbers",
        ),
        ({"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]}, "a list of numbers"),
        ({"type": "array"}, "a list"),
        ({}, "any value"),
    ],
)
def test_schemas_in_words(schema: dict[str, Any], words: str) -> None:
    assert in_words(schema) == words


@pytest.mark.parametrize(
    ("schema", "needed", "text"),
    [
        ({"type": "integer"}, True, "A whole number; needed."),
        ({"type": "integer", "default": 1}, False, "A whole number; `1` when left out."),
        (
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
            False,
            "A whole number; may be left out.",
        ),
        (
            {"type": "boolean", "default": True, "description": "Adds b."},
            False,
            "Adds b. True or false; `true` when left out.",
        ),
    ],
)
def test_arguments_in_words(schema: dict[str, Any], needed: bool, text: str) -> None:
    assert argument_text(schema, needed) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "null"), (True, "true"), (3, "3"), ((1, 2), "[1, 2]"), ("zeros", "zeros"), (0.1, "0.1")]
)
def test_values_as_a_file_has_them(value: object, text: str) -> None:
    assert written(value) == text


def test_layers_of_a_family_stand_together_in_however_many_files() -> None:
    for alike in (("Conv2d", "ConvTranspose2d"), ("MaxPool2d", "AvgPool3d", "LPPool1d"), ("ReLU", "GELU", "Softmax")):
        assert [family for family, names in families().items() if {*alike} & {*names}] == [
            all_layers()[alike[0]].family()
        ]
    assert [name for names in families().values() for name in names] == [*all_layers()]
