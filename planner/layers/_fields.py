"""Types of layer arguments: each says what it takes, in the words that a user reads when something else was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def is_whole(value: object) -> bool:
    """Whether a value is an int and not a bool, which Python counts among the ints."""
    return isinstance(value, int) and not isinstance(value, bool)


def _per_axis(minimum: int) -> Any:
    def read(value: object) -> int | tuple[int, ...]:
        if is_whole(value) and value >= minimum:  # type: ignore[operator]
            return value  # type: ignore[return-value]
        if isinstance(value, list | tuple) and value and all(is_whole(each) and each >= minimum for each in value):
            return tuple(value)
        raise PydanticCustomError("planner", f"a whole number from {minimum}, or one for each axis")

    number = {"type": "integer", "minimum": minimum}
    return PlainValidator(read), WithJsonSchema({"anyOf": [number, {"type": "array", "items": number, "minItems": 1}]})


def _read_padding(words: tuple[str, ...]) -> Callable[[object], Any]:
    def read(value: object) -> Any:
        if value in words and isinstance(value, str):
            return value
        if is_whole(value) and value >= 0:  # type: ignore[operator]
            return value
        if isinstance(value, list | tuple) and value:
            sides = tuple(tuple(each) if isinstance(each, list | tuple) else (each, each) for each in value)
            if all(len(side) == 2 and all(is_whole(each) and each >= 0 for each in side) for side in sides):
                return tuple(tuple(each) if isinstance(each, list | tuple) else each for each in value)
        quoted = "".join(f", `{word}`" for word in words)
        raise PydanticCustomError("planner", f"a whole number from 0, one for each axis, a pair for each axis{quoted}")

    return read


_NATURAL = {"type": "integer", "minimum": 0}
_PADDING_SCHEMA = {
    "anyOf": [
        _NATURAL,
        {"enum": ["same", "tf_same"]},
        {
            "type": "array",
            "items": {"anyOf": [_NATURAL, {"type": "array", "items": _NATURAL, "minItems": 2, "maxItems": 2}]},
        },
    ]
}

Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
PerAxis = Annotated[int | tuple[int, ...], *_per_axis(1)]
PerAxisNatural = Annotated[int | tuple[int, ...], *_per_axis(0)]
Padding = Annotated[
    int | str | tuple[int | tuple[int, int], ...],
    PlainValidator(_read_padding(("same", "tf_same"))),
    WithJsonSchema(_PADDING_SCHEMA),
]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
