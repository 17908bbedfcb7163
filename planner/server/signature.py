"""The arguments that are left to give to a layer, or to a block that is called."""

from __future__ import annotations

from dataclasses import dataclass

from planner.layers import all_layers
from planner.manual import argument_text, first_sentence
from planner.server.arguments import arguments_of, blocks_in_sight, call_of
from planner.server.cursor import CURSOR, typed_at
from planner.server.document import Document


@dataclass(frozen=True, slots=True)
class Left:
    """An argument: its stretch of the signature's text, and what it is."""

    start: int
    end: int
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """A type with the arguments that are left to give, those that are needed first.

    active  the number of the one under the cursor, or of the next to give; None where none is left
    """

    text: str
    doc: str
    parameters: tuple[Left, ...]
    active: int | None


def signature(document: Document, offset: int) -> Signature | None:
    """The signature of the type of the entry at an offset of a text that is being typed."""
    typed = typed_at(document, offset)
    entry = typed.spot.entry if typed is not None else None
    if typed is None or entry is None or typed.spot.path == entry or typed.spot.key == "type":
        return None
    node = typed.value((*entry, "type"))
    kind = node.value if node is not None and node.kind == "scalar" else ""
    call = call_of(document, kind)
    if not call:
        return None
    is_layer = kind in all_layers() and kind not in blocks_in_sight(document)
    properties, needed = arguments_of(kind) if is_layer else ({}, ())
    holder = typed.value(entry)
    given = [each.value for each in holder.keys if CURSOR not in each.value] if holder is not None else []
    here = typed.spot.key if not typed.spot.at_key else ""
    left = [(name, default) for name, default in call if name not in given or name == here]
    text, parameters = f"{kind}(", list[Left]()
    for i, (name, default) in enumerate(left):
        text += ", " if i else ""
        shown = name if default is None else f"{name}={default}"
        doc = argument_text(properties[name], name in needed) if name in properties else ""
        parameters.append(Left(len(text), len(text) + len(shown), doc))
        text += shown
    active = next((i for i, (name, _) in enumerate(left) if name == here), 0 if left else None)
    doc = first_sentence(all_layers()[kind]) if is_layer else f"the block `{kind}`"
    return Signature(f"{text})", doc, tuple(parameters), active)
