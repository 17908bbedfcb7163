"""Renaming: a name changed wherever it stands, tried before it is offered."""

from __future__ import annotations

from dataclasses import replace

from planner.diagnostics import Severity
from planner.editing import Splice, spliced
from planner.format import RESERVED
from planner.server.document import Document
from planner.server.names import Name, Occurrence, definition, name_at
from planner.server.text import EditorText, Passage


class CannotRename(Exception):
    """What is under the cursor cannot be renamed so; the text says why, and what to do."""


def renamed_at(document: Document, offset: int) -> Occurrence:
    """The name that would be renamed."""
    found = name_at(document, offset)
    if found is None:
        raise CannotRename("there is no name of a layer, a block, an input or a parameter here")
    where = definition(document, found.name)
    if not isinstance(where, Passage):
        home = f"in {where.file}" if where is not None else "nowhere in this file"
        raise CannotRename(f"`{found.name.text}` is given {home}: rename it there")
    if not any(each.name == found.name and each.defines for each in document.names):
        raise CannotRename(f"`{found.name.text}` is made of the layer's type: give the layer a `name` first")
    return found


def renamed(document: Document, offset: int, new: str) -> list[Splice]:
    """The changes of the text that give a name another text. The file with them is planned first: what would be wrong
    then, and is not now, is said instead.
    """
    name = renamed_at(document, offset).name
    if name.kind == "parameter" and (not new.isidentifier() or new in RESERVED or new == "index"):
        raise CannotRename(f"`{new}` cannot be a parameter: use letters, digits and _, and no word of the format")
    if not new.strip() or new != new.strip() or not new.isprintable():
        raise CannotRename("a name has letters that can be seen, and no blanks around it")
    found = [Splice(*each.passage, new) for each in document.names if each.name == name]
    text = spliced(document.text.text, found)
    after = Document(EditorText(text), document.version, document.file, None, document.opened)
    known = {(each.kind, each.message.replace(name.text, new)) for each in document.report.diagnostics}
    for each in after.report.diagnostics:
        if each.severity is Severity.ERROR and (each.kind, each.message) not in known:
            place = after.report.place(each)
            line = f"line {place.line}: " if place is not None else ""
            raise CannotRename(f"with `{new}` for `{name.text}`, {line}{each.message}")
    if [_mapped(each, name, new) for each in document.names] != [(each.name, each.defines) for each in after.names]:
        raise CannotRename(f"`{new}` means something else where `{name.text}` stands: choose another name")
    return found


def _mapped(each: Occurrence, name: Name, new: str) -> tuple[Name, bool]:
    """What a name that stands in the file is to mean when another one has been renamed."""
    found = replace(each.name, text=new) if each.name == name else each.name
    if name.kind == "block" and found.home[:2] == ("blocks", name.text):
        found = replace(found, home=("blocks", new, *found.home[2:]))
    return found, each.defines
