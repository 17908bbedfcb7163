"""Random model files whose layers have names with dots: files of other generators, with other names in each list."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import random_weights

Entry = dict[str, Any]
PIECES = (*"aaabbcd0123", "conv", "forward", "modules", "weight", "bias", "scale", "append", "x-y", "class")
DEEPEST = 4


def model(random: Random) -> Entry:
    """A model file that plans completely, in which many layers have names with dots, and some share weights."""
    while True:
        file = random_weights.model(random)
        for entries, block in _lists(file):
            _rename(entries, block, random)
        if random_weights.fits(file):
            return file


def _lists(file: Entry) -> list[tuple[list[Entry], Entry]]:
    """All lists of layers of a file, each with what has it and says its outputs."""
    owners = [file, *file.get("blocks", {}).values()]
    for owner in owners:
        owners += [entry for entry in owner["layers"] if "layers" in entry]
    return [(owner["layers"], owner) for owner in owners]


def _rename(entries: list[Entry], owner: Entry, random: Random) -> None:
    """Give the named layers of a list other names, and those that have none, if no other layer has one."""
    known = [entry["name"] for entry in entries if "name" in entry]
    names = {name: _dotted(name, known, random) for name in known if random.random() < 0.8}
    for entry in entries:
        if "name" in entry:
            entry["name"] = names.get(entry["name"], entry["name"])
        for key in ("from", "share"):
            if key in entry:
                entry[key] = _renamed(entry[key], names)
        if "tie" in entry:
            entry["tie"] = {own: _renamed(other, names) for own, other in entry["tie"].items()}
    if "outputs" in owner:
        owner["outputs"] = _renamed(owner["outputs"], names)


def _dotted(name: str, known: list[str], random: Random) -> str:
    """A name with dots, sometimes one within another layer; what a name works out stays in it."""
    if random.random() < 0.2:
        return f"{random.choice(known)}.{random.choice(PIECES)}"
    pieces = random.choices(PIECES, k=random.randint(0, DEEPEST - 1))
    own = name if "$" in name or random.random() < 0.3 else random.choice(PIECES)
    return ".".join([*pieces, own] if random.random() < 0.8 else [own, *pieces])


def _renamed(read: Any, names: Mapping[str, str]) -> Any:
    """What an entry reads, by the new names."""
    if isinstance(read, list):
        return [_renamed(each, names) for each in read]
    known = [name for name in names if read == name or read.startswith(f"{name}.")]
    name = max(known, key=len, default="")
    return names[name] + read[len(name) :] if name else read
