"""The JSON Schema: what the loader takes it must take, and a slip in a key or a value it must underline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

import planner
from planner.layers import all_layers
from planner.manual import all_kinds, example
from planner.schema import json_schema, schema_text
from planner.source import parse

ROOT = Path(__file__).parents[1]
SHIPPED = Path(planner.__file__).with_name("schema.json")
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
SCHEMA = json_schema()
VALIDATOR = Draft7Validator(SCHEMA)
KINDS = [kind for kind in all_kinds().values() if kind.good]


def problems(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(parse(text).data)]


def entry_problems(entry: str) -> list[str]:
    """What the schema says about a model of this one entry."""
    return problems(f"input: [32, 32, 3]\nlayers:\n  - {entry}\n")


def test_the_shipped_schema_is_the_one_that_is_printed(golden: Callable[[str, str], None]) -> None:
    golden(str(SHIPPED), schema_text())
    assert json.loads(schema_text()) == SCHEMA


def test_is_draft_7() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_takes_every_config(config: Path) -> None:
    assert problems(config.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name())
def test_takes_every_good_example(kind: Any) -> None:
    assert problems(example(kind.good)) == []


@pytest.mark.parametrize("path", sorted(SHIPPED.parent.glob("library/*.yaml")), ids=lambda path: path.stem)
def test_takes_every_library(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("code", ["NSP110", "NSP111", "NSP112"])
def test_refuses_bad_keys_and_values(code: str) -> None:
    assert problems(example(all_kinds()[code].bad)) != []


@pytest.mark.parametrize(
    ("key", "misspelt"),
    [
        ("input:", "inputs:"),
        ("layers:", "layer:"),
        ("blocks:", "block:"),
        ("kernel_size:", "kernelsize:"),
        ("type:", "typ:"),
    ],
)
def test_refuses_a_config_with_a_misspelt_key(key: str, misspelt: str) -> None:
    text = (ROOT / "configs" / "resnet18.yaml").read_text(encoding="utf-8")
    assert key in text
    assert problems(text) == []
    assert problems(text.replace(key, misspelt, 1)) != []


@pytest.mark.parametrize(
    "entry",
    [
        "{type: ReLU}",
        "{type: Conv2d, out_channels: 8, kernel_size: 3}",
        "{type: Conv2d, out_channels: 4 * $width, kernel_size: [$k, 3], padding: [[0, $p], 1]}",
        "{type: Conv2d, kernel_size: 3, groups: depthwise, padding: tf_same}",
        "{type: Conv2d, out_channels: 8, kernel_size: 3, bias: $bias, padding_mode: $mode}",
        "{type: Conv2d, out_channels: 8, kernel_size: 3, in_channels: null}",
        "{type: Conv2d, out_channels: 8, kernel_size: 3, name: a, from: b, repeat: $n, when: $w, allow: lost-cells}",
        "{type: Conv2d, out_channels: 8, kernel_size: 3, x-note: {any: thing}}",
        "{type: Add, from: [4, a.0]}",
        "{type: stage, width: 64, anything: [1, two]}",
        "{type: $block}",
        "{layers: [{type: ReLU}]}",
        "{name: branch, type: Sequential, from: input, layers: [{type: ReLU}], repeat: 3}",
        "{type: ReLU, allow: [lost-cells, no-such-rule]}",
    ],
)
def test_takes(entry: str) -> None:
    assert entry_problems(entry) == []


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{type: Conv2d, out_channels: 8, kernel_size: 3, strid: 2}", "'strid' does not match"),
        ("{type: Conv2d, out_channels: 8, kernel_sise: 3}", "'kernel_size' is a required property"),
        ("{type: Conv2d, out_channels: 8}", "'kernel_size' is a required property"),
        ('{type: Conv2d, out_channels: "8", kernel_size: 3}', "'8' is not valid"),
        ("{type: Conv2d, out_channels: true, kernel_size: 3}", "True is not valid"),
        ("{type: Conv2d, out_channels: 8, kernel_size: 0}", "0 is not valid"),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[1, 2, 3]]}", "is not valid"),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3, padding_mode: zeroes}", "'zeroes' is not valid"),
        ("{type: ReLU, repeat: -1}", "-1 is not valid"),
        ("{type: ReLU, when: 1}", "1 is not valid"),
        ("{type: ReLU, name: []}", "[] is not valid"),
        ("{name: a}", "{'name': 'a'} is not valid"),
        ("{layers: [{type: ReLU}], width: 3}", "'width' does not match"),
        ("{layers: []}", "[] "),
        ("{type: Conv2d, layers: [{type: ReLU}]}", "'Sequential' was expected"),
        ("ReLU", "'ReLU' is not of type 'object'"),
    ],
)
def test_refuses(entry: str, says: str) -> None:
    found = entry_problems(entry)
    assert any(says in message for message in found), found


@pytest.mark.parametrize(
    "text",
    [
        "input: [8, 8, 3]\nlayers: [{type: ReLU}]\nblocks: {a: {layer: [{type: ReLU}]}}",
        "input: [8, 8, 3]\nlayers: [{type: ReLU}]\nblock: {}",
        "input: [8, 8, 3]",
        "layers: [{type: ReLU}]",
        "layers: [{type: ReLU}]\nblocks: {a: {layers: [{type: ReLU}]}}",
        "use: [residual]",
        "input: 8\nlayers: [{type: ReLU}]",
    ],
)
def test_refuses_sections(text: str) -> None:
    assert problems(text) != []


@pytest.mark.parametrize("name", all_layers())
def test_every_layer_is_explained(name: str) -> None:
    layer, branch = all_layers()[name], SCHEMA["definitions"][name]
    choices = {each.get("const"): each for each in SCHEMA["definitions"]["key-type"]["anyOf"]}
    assert choices[name]["description"]
    assert (branch["additionalProperties"] is False) is (layer.model_config["extra"] == "forbid")
    for field in layer.model_fields:
        assert branch["properties"][field]["description"]
    needed = {field for field, info in layer.model_fields.items() if info.is_required()}
    assert set(branch.get("required", ())) == needed
    defaults = {field: each["default"] for field, each in branch["properties"].items() if "default" in each}
    assert defaults.keys() == layer.model_fields.keys() - needed


@pytest.mark.parametrize("name", all_layers())
def test_every_argument_takes_arithmetic(name: str) -> None:
    arguments = ", ".join(f"{field}: $a + 1" for field in all_layers()[name].model_fields)
    assert entry_problems(f"{{type: {name}, {arguments}}}" if arguments else f"{{type: {name}}}") == []


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            here = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return here.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    names = {reference.removeprefix("#/definitions/") for reference in references(SCHEMA)}
    assert names <= SCHEMA["definitions"].keys()
    assert names >= {"entry", "expression", "Conv2d"}
