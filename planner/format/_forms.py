"""What a model file may say, as Pydantic models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from planner.arithmetic import is_expression
from planner.layers._fields import is_whole, single_value


def _is_name(value: object) -> bool:
    return isinstance(value, str) or (is_whole(value) and value >= 0)


def _is_names(value: object) -> bool:
    return _is_name(value) or (isinstance(value, list) and bool(value) and all(map(_is_name, value)))


def _are_ties(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for pair in value.items() for each in pair)


def _texts(takes: str, least: int = 1) -> Any:
    """A field that takes a text, or a list of at least so many."""

    def are_texts(value: object) -> bool:
        listed = value if isinstance(value, list) and len(value) >= least else [value]
        return all(isinstance(each, str) for each in listed)

    listed = {"type": "array", "items": {"type": "string"}, **({"minItems": least} if least else {})}
    return single_value(are_texts, takes, {"anyOf": [{"type": "string"}, listed]})


_NAME = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}]}
_NAMES = {"anyOf": [*_NAME["anyOf"], {"type": "array", "items": _NAME, "minItems": 1}]}
_EXPRESSION = {"type": "string", "pattern": r"\$"}

TextValue = Annotated[str, *single_value(lambda value: isinstance(value, str), "text", {"type": "string"})]
NameValue = Annotated[str | int, *single_value(_is_name, "a name", _NAME)]
NameOrNames = Annotated[Any, *single_value(_is_names, "a name, or a list of names", _NAMES)]
Allowed = Annotated[list[str] | str, *_texts("a rule's name, or a list of them", least=0)]
Libraries = Annotated[list[str] | str, *_texts("the name of a library, or a list of them")]
Targets = Annotated[list[str] | str, *_texts("the name of a target, or a list of them")]
Repeat = Annotated[
    int | str,
    *single_value(
        lambda value: is_expression(value) or (is_whole(value) and value >= 0),
        "a whole number from 0",
        {"anyOf": [{"type": "integer", "minimum": 0}, _EXPRESSION]},
    ),
]
When = Annotated[
    bool | str,
    *single_value(
        lambda value: is_expression(value) or isinstance(value, bool),
        "true or false",
        {"anyOf": [{"type": "boolean"}, _EXPRESSION]},
    ),
]
Ties = Annotated[
    dict[str, str],
    *single_value(
        _are_ties,
        "a weight for each weight, such as {weight: wte.weight}",
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
]
LayerList = Annotated[
    list[Any],
    *single_value(
        lambda value: isinstance(value, list) and bool(value), "a list with at least one layer", {"type": "array"}
    ),
]
Mapped = Annotated[
    dict[str, Any], *single_value(lambda value: isinstance(value, dict), "a mapping", {"type": "object"})
]


class EntryFormat(BaseModel):
    """An entry of `layers:`. Every key that is not named here is an argument of the layer or a parameter of the
    block.
    """

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    name: NameValue | None = Field(None, description="What the layer is called; part of its name in the state_dict.")
    type: TextValue | None = Field(None, description="A PyTorch class name, or the name of a block.")
    sources: NameOrNames | None = Field(
        None, alias="from", description="What it reads; left out, the layer above. `a.*`: all copies of `a`."
    )
    repeat: Repeat | None = Field(None, description="How many consecutive copies; `$index` counts them from 0.")
    when: When | None = Field(None, description="Leaves the layer out where it is false; its input is handed on.")
    share: NameValue | None = Field(
        None, description="The earlier layer of the list whose weights it uses, with the same type and arguments."
    )
    tie: Ties | None = Field(
        None, description="Weights that are the same tensors as those of an earlier layer: `{weight: wte.weight}`."
    )
    allow: Allowed | None = Field(None, description="Rules that are silent here.")
    layers: LayerList | None = Field(None, description="A list of layers in place of a block of its own.")


class BlockFormat(BaseModel):
    """A block: a list of layers with parameters, to be called by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    description: TextValue | None = Field(None, description="What it is, for `planner explain` and for readers.")
    params: Mapped | None = Field(
        None, description="Parameters and their defaults; without a value, the caller must give one."
    )
    inputs: NameOrNames | None = Field(
        None, description="Names of its inputs, the last of any number as in `*rest`; left out, `input`."
    )
    outputs: NameOrNames | None = Field(None, description="What it gives out; left out, its last layer.")
    layers: LayerList = Field(description="The layers of the block, in order of execution.")


_USE = Field(None, description="Libraries of blocks: `residual`, `[ultralytics, ./blocks.yaml]`.")


class LibraryFormat(BaseModel):
    """A library of blocks, which model files use."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    use: Libraries | None = _USE
    blocks: Mapped = Field(description="Blocks by name; one that begins with `_` is for the library alone.")


class FileFormat(BaseModel):
    """A model file."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: TextValue | None = Field(None, description="The network's name.")
    use: Libraries | None = _USE
    input: Annotated[
        Any,
        *single_value(
            lambda value: isinstance(value, list | dict) and bool(value),
            "a shape such as [224, 224, 3], or a mapping of named shapes",
            {"anyOf": [{"type": "array", "minItems": 1}, {"type": "object", "minProperties": 1}]},
        ),
    ] = Field(description="The input's shape, [H, W, C]; also [L, C], [D, H, W, C], [C]; or a mapping of several.")
    params: Mapped | None = Field(None, description="Parameters of the model, overridable by `--set`.")
    layers: LayerList = Field(description="The layers, in order of execution.")
    blocks: Mapped | None = Field(None, description="Blocks by name.")
    outputs: NameOrNames | None = Field(None, description="What the model returns; left out, the last layer.")
    allow: Allowed | None = Field(None, description="Rules that are silent for the whole model.")
    budget: Mapped | None = Field(None, description="What the model may cost, and what it has to see: `{params: 5M}`.")
    target: Targets | None = Field(
        None, description="What the model is to run on: `edgetpu`, `[tensorrt, onnx-opset=17]`."
    )


RESERVED = frozenset({"name", "type", "from", "repeat", "when", "share", "tie", "allow", "layers"})
"""The keys of an entry that are not arguments."""
