"""The JSON Schema of model files: what an editor completes, explains and underlines while one is written.

Draft 7, which yaml-language-server reads best. A layer's `type` selects what else its entry may hold; any other type is
a call of a block, whose parameters no schema can know. Wherever a value may stand, so may arithmetic.
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel

from planner.format import BlockFormat, EntryFormat, FileFormat
from planner.format.budget import BudgetFormat
from planner.layers import all_layers, families
from planner.layers._layer import Layer
from planner.manual import argument_text, kinds_in
from planner.outputs._json import laid_out

Schema = dict[str, Any]

_SECTIONS = ("layers", "blocks", "allow", "budget")
"""The keys under which stands what has a definition of its own."""
_OWN_KEYS: Schema = {"^x-": {"description": "Your own: the planner does not read it."}}


def schema_text() -> str:
    """The schema as the file that is shipped."""
    return laid_out(json_schema(), 4)


def json_schema() -> Schema:
    """The schema of a model file, and of a library of blocks, which has no layers of its own."""
    file = _section(FileFormat)
    library = {"required": ["blocks"], "not": {"anyOf": [{"required": [key]} for key in file["required"]]}}
    file["anyOf"] = [{"required": file.pop("required")}, library]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Model file",
        **file,
        "definitions": {
            "expression": {
                "type": "string",
                "pattern": "\\$",
                "description": "Arithmetic: `$width`, `4 * $width`, `$input.channels // 4`, `$input.height // 32`.",
            },
            "layers": {"type": "array", "minItems": 1, "items": _ref("entry")},
            "blocks": {"type": "object", "patternProperties": _OWN_KEYS, "additionalProperties": _ref("block")},
            "block": _section(BlockFormat),
            "allow": _allow(),
            "budget": _section(BudgetFormat),
            **{f"key-{name}": each for name, each in _common().items()},
            "entry": _entry(),
            "list": {"properties": {**_keys(), "type": {"const": "Sequential"}}, **_closed()},
            **{name: _layer(layer) for name, layer in all_layers().items()},
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _closed() -> Schema:
    return {"patternProperties": _OWN_KEYS, "additionalProperties": False}


def _section(form: type[BaseModel]) -> Schema:
    """A part of the file that has keys of its own."""
    schema = form.model_json_schema()
    needed = {"required": schema["required"]} if "required" in schema else {}
    return {
        "type": "object",
        "description": _doc(form),
        "properties": {key: _key(key, each) for key, each in schema["properties"].items()},
        **needed,
        **_closed(),
    }


def _key(key: str, schema: Schema) -> Schema:
    """What stands under a key of the format itself."""
    described = {"description": schema["description"]}
    return {**described, **(_ref(key) if key in _SECTIONS else _choice(_alternatives(schema)))}


def _common() -> Schema:
    """The keys that any entry may have."""
    keys = {key: _key(key, each) for key, each in EntryFormat.model_json_schema()["properties"].items()}
    # Constants rather than one enumeration, so that an editor shows the text on the one that was chosen.
    known = [{"const": name, "title": name, "description": _doc(layer)} for name, layer in all_layers().items()]
    keys["type"] = {"anyOf": [*known, {"type": "string", "description": keys["type"]["description"]}]}
    return keys


def _keys() -> Schema:
    return {key: _ref(f"key-{key}") for key in _common()}


def _entry() -> Schema:
    # By family first, so that an editor looks through twenty conditions for an entry rather than a hundred; by a
    # pattern, since it would show an enumeration to the reader.
    branches = [
        _when({"pattern": f"^({'|'.join(names)})$"}, {"allOf": [_when({"const": name}, _ref(name)) for name in names]})
        for names in families().values()
    ]
    return {
        "type": "object",
        "description": _doc(EntryFormat),
        "properties": _keys(),
        "anyOf": [{"required": ["type"]}, {"required": ["layers"]}],
        "allOf": [{"if": {"required": ["layers"]}, "then": _ref("list")}, *branches],
    }


def _when(type: Schema, then: Schema) -> Schema:
    return {"if": {"properties": {"type": type}, "required": ["type"]}, "then": then}


def _layer(layer: type[Layer]) -> Schema:
    """What the entry of a layer may hold."""
    schema = layer.model_json_schema()
    needed = schema.get("required", [])
    arguments = {name: _argument(each, name in needed) for name, each in schema.get("properties", {}).items()}
    keys = {key: each for key, each in _keys().items() if key != "layers"}
    required = {"required": needed} if needed else {}
    others = schema.get("additionalProperties")
    named = {"additionalProperties": _or_arithmetic(others)} if others else {}
    return {"title": layer.type_name(), "properties": {**keys, **arguments}, **required, **_closed(), **named}


def _argument(schema: Schema, needed: bool) -> Schema:
    default = {} if needed else {"default": schema["default"]}
    return {"description": argument_text(schema, needed), **default, **_or_arithmetic(schema)}


def _or_arithmetic(schema: Schema) -> Schema:
    """A schema that takes arithmetic as well, also within lists."""
    alternatives = []
    for each in _alternatives(schema):
        if "prefixItems" in each:
            each["items"] = list(map(_or_arithmetic, each.pop("prefixItems")))
        elif isinstance(each.get("items"), dict):
            each["items"] = _or_arithmetic(each["items"])
        alternatives.append(each)
    return _choice([*alternatives, _ref("expression")])


def _alternatives(schema: Schema) -> list[Schema]:
    """The kinds of value that a schema takes, without its descriptions."""
    if "anyOf" in schema:
        return [each for inner in schema["anyOf"] for each in _alternatives(inner)]
    return [{key: each for key, each in schema.items() if key not in ("title", "description", "default")}]


def _choice(alternatives: list[Schema]) -> Schema:
    """Any of several schemas, each once."""
    different = [each for i, each in enumerate(alternatives) if each not in alternatives[:i]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def _allow() -> Schema:
    rules = sorted(kind.name() for kind in kinds_in("rules"))
    name = {"anyOf": [{"enum": rules}, {"type": "string"}]} if rules else {"type": "string"}
    return {"anyOf": [name, {"type": "array", "items": name}]}


def _doc(thing: type) -> str:
    """The docstring with a line for each paragraph."""
    paragraphs = inspect.cleandoc(thing.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)
