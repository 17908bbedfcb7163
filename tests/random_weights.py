"""Random model files with shared and tied weights: files of the other generators, in which entries are called again.

What does not fit is found by planning, and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

import random_block_files
import random_blocks
import random_mixtures
from planner.plan import Plan, Step
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load

Entry = dict[str, Any]
Change = Callable[[Entry, Random], None]

GENERATORS = (random_blocks.model, random_block_files.model, random_mixtures.model)
TRIES = 8
MOST_STEPS = 60


def model(random: Random) -> Entry:
    """A model file that plans completely, mostly with an entry that shares its weights or ties them."""
    while True:
        file: Entry = random.choice(GENERATORS)(random)
        if fits(file):
            break
    for _ in range(TRIES):
        tried = deepcopy(file)
        random.choice(CHANGES)(tried, random)
        if tried != file and fits(tried):
            file = tried
    return file


def plan_of(file: Entry) -> Plan:
    return propagate(load(of_mapping(file)))


def fits(file: Entry) -> bool:
    plan = plan_of(file)
    if random_block_files.places_read(plan) or len(plan.steps) > MOST_STEPS:
        return False
    return plan.complete and not (plan.diagnostics or plan.model.diagnostics)


def _lists(file: Entry) -> Iterator[list[Entry]]:
    """All lists of layers of a file."""
    waiting = [file["layers"], *(block["layers"] for block in file.get("blocks", {}).values())]
    while waiting:
        yield (entries := waiting.pop())
        waiting += [entry["layers"] for entry in entries if "layers" in entry]


def _again(entries: list[Entry], random: Random) -> None:
    """Call an entry again, further down, on what it reads or on what is there."""
    at = random.randrange(len(entries))
    if entries[at].get("type") == "Embedding":
        return  # which reads whole numbers, and these are inputs
    place = random.randint(at + 1, len(entries))
    again = {key: value for key, value in deepcopy(entries[at]).items() if key not in ("name", "tie")}
    again["share"] = entries[at].get("name", str(at) if random.random() < 0.5 else str(entries[at].get("type")).lower())
    if random.random() < 0.3:
        again["repeat"] = random.choice([1, 2, 3])
    if random.random() < 0.5:
        again.pop("from", None)
    if random.random() < 0.5 and "when" not in again:
        again.pop("repeat", None)
    if random.random() < 0.2:
        again["share"] += ".0"
    entries.insert(place, again)


def _copies(entries: list[Entry], random: Random) -> None:
    """Let the copies of an entry use the weights of the first."""
    entry = random.choice(entries)
    entry.setdefault("name", "shared")
    entry.setdefault("repeat", random.choice([1, 2, 3]))
    entry["share"] = entry["name"]


def _tie(file: Entry, random: Random) -> None:
    """Tie a weight of a layer to one of the same sizes that is above it, in its list or in a block there."""
    plan = plan_of(file)
    pairs = [
        (step, own, other, name)
        for at, step in enumerate(plan.steps)
        for other in plan.steps[:at]
        if other.name.startswith(_prefix(step))
        for own, sizes in step.weights.items()
        for name, others in other.weights.items()
        if sizes == others
    ]
    if pairs:
        step, own, other, name = random.choice(pairs)
        entry: Any = file
        for key in step.path:
            entry = entry[key]
        entry.setdefault("tie", {})[own] = f"{other.name}.{name}".removeprefix(_prefix(step)).removesuffix(".")


def _prefix(step: Step) -> str:
    return f"{step.group.name}." if step.group else ""


def _in_list(change: Callable[[list[Entry], Random], None]) -> Change:
    """A change of one of the lists of a file."""
    return lambda file, random: change(random.choice(list(_lists(file))), random)


CHANGES: tuple[Change, ...] = (*[_in_list(_again)] * 3, _in_list(_copies), _tie)
