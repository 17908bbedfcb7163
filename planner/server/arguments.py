"""The arguments that a layer takes, those of a call of a block, and the keys of sections."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from planner.diagnostics import Path
from planner.format import BlockFormat, FileFormat
from planner.format.budget import BudgetFormat
from planner.layers import all_layers
from planner.manual import written
from planner.server.document import Document


@cache
def arguments_of(layer: str) -> tuple[Mapping[str, dict[str, Any]], tuple[str, ...]]:
    """The arguments of a layer as JSON Schemas, the needed first, `batch_axes` last; and the names of the needed."""
    schema = all_layers()[layer].model_json_schema()
    found, needed = schema.get("properties", {}), tuple(schema.get("required", ()))
    ranked = sorted(found, key=lambda name: (name not in needed, name == "batch_axes"))
    return {name: found[name] for name in ranked}, needed


def form_of(section: Path) -> type[BaseModel] | None:
    """The form of the file, or of a section of it that has keys of its own: a block, the budget. None of all else."""
    if not section:
        return FileFormat
    if section == ("budget",):
        return BudgetFormat
    return BlockFormat if section[0] == "blocks" and len(section) == 2 else None


def know_all() -> None:
    """Work out the arguments of all layers, which takes half a second when they are first offered."""
    for layer in all_layers():
        arguments_of(layer)


def parameters_of(document: Document, block: str) -> Mapping[str, Any]:
    """The parameters of a block of the file or of a library that it uses, with their defaults; None for those that the
    caller gives.
    """
    own = document.source.at(("blocks", block, "params"))
    if isinstance(own, dict):
        return own
    known = document.plan.model.blocks.get(block)
    return known.params if known is not None else {}


def blocks_in_sight(document: Document) -> list[str]:
    """The blocks that layers of the file may call: its own, and those of the libraries that it uses."""
    own = document.source.at(("blocks",))
    named = [str(name) for name in own if not str(name).startswith("x-")] if isinstance(own, dict) else []
    return list(dict.fromkeys([*named, *document.plan.model.blocks]))


def call_of(document: Document, kind: str) -> list[tuple[str, str | None]] | None:
    """The arguments of a type with their defaults as they are written, None for a needed one; None where the type is
    unknown.
    """
    if kind in blocks_in_sight(document):
        params = parameters_of(document, kind)
        return [(str(name), None if value is None else written(value)) for name, value in params.items()]
    if kind not in all_layers():
        return None
    properties, needed = arguments_of(kind)
    return [(name, None if name in needed else written(each.get("default"))) for name, each in properties.items()]
