"""What may be written at the cursor: keys, types, arguments, values, names in sight, rules, libraries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pydantic import BaseModel

from planner.arithmetic import FUNCTIONS
from planner.budget import DType
from planner.diagnostics import Path
from planner.format import EntryFormat
from planner.layers import all_layers
from planner.manual import argument_text, first_sentence, kinds_in, summary
from planner.outputs.plan.table import shapes_text
from planner.server.arguments import arguments_of, blocks_in_sight, call_of, form_of, parameters_of
from planner.server.cursor import CURSOR, Typed, typed_at
from planner.server.document import Document, is_entry
from planner.server.names import inputs_of
from planner.server.text import Passage
from planner.source import shipped
from planner.targets import all_targets

ItemKind = Literal["key", "layer", "block", "value", "name", "parameter", "function", "rule", "library"]


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may be written.

    text     what is written; a snippet has `${1:…}` where something is left to fill in
    rank     what comes first
    """

    label: str
    kind: ItemKind
    text: str
    detail: str = ""
    doc: str = ""
    snippet: bool = False
    rank: int = 5


NEW_BLOCK = Offer(
    "a new block",
    "block",
    "${1:name}:\n  params: {$2}\n  layers:\n    - {type: $3}",
    "a list of layers with parameters",
    snippet=True,
)


@dataclass(frozen=True, slots=True)
class Completion:
    """What may be written in place of a stretch."""

    word: Passage
    items: tuple[Offer, ...]


def completion(document: Document, offset: int) -> Completion | None:
    """What may be written at an offset of a text that is being typed; None where that is not known. The Document may be
    that of an earlier text with this one put in its place.
    """
    typed = typed_at(document, offset)
    if typed is None or (document.source.format and not document.report.bench.fault):
        return None
    return Completion(typed.word, tuple(_items(document, typed)))


def _items(document: Document, typed: Typed) -> Iterator[Offer]:
    spot = typed.spot
    if typed.typed.startswith("$") or "$" in spot.node.value:
        yield from _arithmetic(document, typed)
    elif spot.at_key:
        yield from _keys(document, typed)
    elif spot.entry is not None and spot.path == spot.entry:
        yield from _entries(document, typed)
    elif spot.entry is not None:
        yield from _values(document, typed)
    else:
        yield from _in_sections(document, typed)


def _in_sections(document: Document, typed: Typed) -> Iterator[Offer]:
    """What may be written in a section that is no list of layers."""
    spot = typed.spot
    if spot.path[:1] == ("use",):
        yield from (Offer(name, "library", name, "a library of blocks") for name in shipped())
    elif spot.path[:1] == ("target",):
        for each in all_targets().values():
            yield Offer(each.name, "value", f"{each.name}=" if each.number else each.name, each.title, each.about)
    elif spot.path[:1] == ("allow",):
        yield from _rules()
    elif spot.key == "outputs" or spot.path[:1] == ("outputs",):
        yield from _names(document, typed, (*spot.block, "layers"), None)
    elif spot.path == ("blocks",):  # a word where the first block will be
        yield NEW_BLOCK
    elif spot.path == ("budget", "dtype"):
        yield from (Offer(each, "value", each) for each in get_args(DType))
    elif form := form_of(spot.path):
        yield from _sections(form, typed, set())  # a word where its keys will be


# Keys


def _keys(document: Document, typed: Typed) -> Iterator[Offer]:
    spot = typed.spot
    there = {*typed.keys()}
    holder: Path = spot.path[:-1]
    if is_entry(holder):
        yield from (each for each in _arguments(document, typed, holder) if each.label not in there)
        yield from _sections(EntryFormat, typed, there)
    elif holder == ("blocks",):
        yield NEW_BLOCK
    elif form := form_of(holder):
        yield from _sections(form, typed, there)


def _sections(form: type[BaseModel], typed: Typed, there: set[str]) -> Iterator[Offer]:
    """The keys of a form that are not there yet, those that are needed first."""
    for name, field in form.model_fields.items():
        key = field.alias or name
        if key not in there:
            rank = 1 if field.is_required() or (form is EntryFormat and key == "type") else 8
            yield Offer(key, "key", _with_colon(key, typed), doc=field.description or "", rank=rank)


def _arguments(document: Document, typed: Typed, entry: Path) -> Iterator[Offer]:
    """The arguments of the entry's type."""
    node = typed.value((*entry, "type"))
    kind = node.value if node is not None and node.kind == "scalar" else ""
    properties = arguments_of(kind)[0] if kind in all_layers() and kind not in blocks_in_sight(document) else {}
    for name, default in call_of(document, kind) or ():
        detail = "needed" if default is None else f"{default} when left out"
        doc = argument_text(properties[name], default is None) if name in properties else ""
        yield Offer(name, "key", _with_colon(name, typed), detail, doc, rank=2 if default is None else 4)


def _with_colon(key: str, typed: Typed) -> str:
    return key if typed.colon else f"{key}: "


# Entries and types


def _entries(document: Document, typed: Typed) -> Iterator[Offer]:
    """Whole entries: a layer or a call of a block, with what it needs left to fill in."""
    for each in _types(document, typed):
        needed = [name for name, default in call_of(document, each.label) or () if default is None]
        left = "".join(f", {name}: ${{{i}}}" for i, name in enumerate(needed, 1))
        yield replace(each, text=f"{{type: {each.text}{left}}}", snippet=bool(needed))
    for key in ("type", "name"):
        yield Offer(key, "key", _with_colon(key, typed), rank=1)


def _types(document: Document, typed: Typed) -> Iterator[Offer]:
    for kind in blocks_in_sight(document):
        yield Offer(kind, "block", kind, _signature(document, kind), rank=3)
    for kind, layer in all_layers().items():
        yield Offer(kind, "layer", kind, _signature(document, kind), first_sentence(layer))


def _signature(document: Document, kind: str) -> str:
    return ", ".join(name for name, default in call_of(document, kind) or () if default is None)


# Values


def _values(document: Document, typed: Typed) -> Iterator[Offer]:
    spot = typed.spot
    entry = spot.entry
    assert entry is not None
    if spot.key == "type":
        yield from _types(document, typed)
    elif spot.key in ("from", "share"):
        yield from _names(document, typed, entry[:-1], int(entry[-1]))
    elif spot.key == "allow":
        yield from _rules()
    else:
        node = typed.value((*entry, "type"))
        kind = node.value if node is not None and node.kind == "scalar" else ""
        if kind in all_layers() and spot.key in (properties := arguments_of(kind)[0]):
            yield from (Offer(each, "value", each, rank=1) for each in _choices(properties[spot.key]))
        elif spot.key == "when":
            yield from (Offer(each, "value", each) for each in ("true", "false"))
        if spot.key not in ("name", "tie"):
            yield from _parameters(document, typed, "$")


def _choices(schema: dict[str, Any]) -> Iterator[str]:
    """The words that a JSON Schema takes."""
    for each in (schema, *schema.get("anyOf", ())):
        yield from (str(value) for value in each.get("enum", ()) if isinstance(value, str))
        if isinstance(each.get("const"), str):
            yield each["const"]
        if each.get("type") == "boolean" or each.get("const") is True:
            yield from ("true", "false")


def _names(document: Document, typed: Typed, home: Path, below: int | None) -> Iterator[Offer]:
    """The names in sight of an entry of a list, the nearest first."""
    shown = dict.fromkeys(inputs_of(document, home), "an input")
    for (place, name), entry in document.local.items():
        if place == home and (below is None or int(entry[-1]) < below):
            copies = document.copies.get(entry, ())
            shapes = dict.fromkeys(shapes_text(document.shapes(each)) for each in copies)
            shown[name] = ", ".join(filter(None, [*shapes][:3]))
    layers = typed.value(home)
    for i, node in enumerate(layers.items if layers is not None and layers.kind == "list" else ()):
        name_node = node.at(("name",)) if node.kind == "mapping" else None
        if name_node is not None and CURSOR not in name_node.value and (below is None or i < below):
            shown.setdefault(name_node.value, "")
    yield from (Offer(name, "name", name, detail, rank=3) for name, detail in reversed(shown.items()))


def _rules() -> Iterator[Offer]:
    for kind in kinds_in("rules"):
        yield Offer(kind.name(), "rule", kind.name(), kind.code, summary(kind))


def _arithmetic(document: Document, typed: Typed) -> Iterator[Offer]:
    opened = "${" if typed.typed.startswith("${") else "$" if typed.typed.startswith("$") else ""
    yield from _parameters(document, typed, opened or "$")
    if not opened:
        for name, function in FUNCTIONS.items():
            yield Offer(name, "function", name, function.example)


def _parameters(document: Document, typed: Typed, before: str) -> Iterator[Offer]:
    block = typed.spot.block
    names: dict[str, str] = {}
    if block:
        names |= {str(name): "a parameter of the block" for name in parameters_of(document, str(block[1]))}
    params = document.source.at(("params",))
    if isinstance(params, dict):
        names |= {str(name): "a parameter of the model" for name in params if str(name) not in names}
    if typed.spot.entry is not None and typed.value((*typed.spot.entry, "repeat")) is not None:
        names["index"] = "the number of the copy, from 0"
    yield from (Offer(f"{before}{name}", "parameter", f"{before}{name}", detail) for name, detail in names.items())
