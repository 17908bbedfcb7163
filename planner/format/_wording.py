"""The faults of what Pydantic refuses, in our own words."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from planner.diagnostics import Fault, nearest
from planner.faults.missing_key import MissingKey
from planner.faults.wrong_value import WrongValue


def faults_of(error: ValidationError, owner: str) -> Iterator[Fault]:
    """The faults of what Pydantic refuses, one for each key, in our own words."""
    by_key: dict[str, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        key = str(each["loc"][0]) if each["loc"] else str(each.get("ctx", {}).get("key", ""))
        by_key.setdefault(key, []).append(each)
    for key, found in by_key.items():
        first = found[0]
        if first["type"] == "missing":
            yield MissingKey(key, owner)
        else:
            wanted = list(
                dict.fromkeys(_wanted(each) for each in found if each["type"] not in _BOUNDS or len(found) == 1)
            )
            choices = [choice for each in found for choice in _choices(each)]
            received = first["input"]
            near = nearest(received, choices) if isinstance(received, str) else []
            said = str(first.get("ctx", {}).get("help", "")) or _quoting(key, received)
            help = f"did you mean `{near[0]}`?" if near else said
            yield WrongValue(key, " or ".join(wanted or [_wanted(first)]), received, help=help, instead=near)


def _quoting(key: str, received: object) -> str:
    """The advice on names that YAML reads as numbers, such as `from: 1.1` for output 1 of layer 1."""
    listed = received if isinstance(received, list) else [received]
    odd = next((each for each in listed if isinstance(each, float)), None)
    names = key in ("name", "from", "share", "inputs", "outputs")
    return f'put the name in quotes: "{odd}"' if names and odd is not None else ""


_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
}
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
}


def _choices(error: ErrorDetails) -> list[str]:
    if error["type"] != "literal_error":
        return []
    return [word.strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]


def _wanted(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "planner":
        return error["msg"]
    if kind == "literal_error":
        return " or ".join(f"`{choice}`" for choice in _choices(error))
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**{name: f"{bound:g}" for name, bound in error["ctx"].items()})
    return _KINDS.get(kind, "another kind of value")
