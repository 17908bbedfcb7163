"""Mistakes planted in good model files, for the tests: each is in an entry of its own, and its line is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from random import Random
from typing import Any

from planner.diagnostics import Edit, Path
from planner.editing import CannotEdit, rewritten
from planner.plan import Step
from planner.source import Source
from planner.workbench import checked

ROOT = FilePath(__file__).parent.parent
FILES = sorted([*(ROOT / "configs").glob("*.yaml"), *(ROOT / "docs" / "models").glob("*.yaml")])
MORE_FILES = sorted(
    path for folder in ("cases", "libraries", "stories") for path in (ROOT / "tests" / folder).rglob("*.yaml")
)
"""Smaller and stranger ones."""
MOST_STEPS = 200
"""Larger networks are left out, so that the tests stay fast."""


@dataclass(frozen=True)
class Mistake:
    """What is planted: the edits, the entries that they touch, and the entry that is to be told."""

    kind: str
    edits: tuple[Edit, ...]
    touched: frozenset[Path]
    guilty: Path
    sized: Path = ()
    """The entry whose sizes are open after it, where that is so."""
    weighs: bool = False
    """Whether it is only seen where the sizes that arrive are known."""


@dataclass(frozen=True)
class Planted:
    """A file with mistakes, and the lines that are guilty of them."""

    name: str
    source: Source
    mistakes: tuple[Mistake, ...]

    @property
    def lines(self) -> set[int]:
        places = [self.source.place(each.guilty) for each in self.mistakes]
        return {place.line for place in places if place is not None}


class Field:
    """A good model, in which mistakes can be planted."""

    def __init__(self, path: FilePath) -> None:
        self.path = path
        self.report = checked(path)
        self.source = self.report.source
        self.copies: dict[Path, list[Step]] = {}
        for step in self.report.plan.layers:
            if step.path[0] != "use":  # what stands in a library is not the file's
                self.copies.setdefault(step.path, []).append(step)

    def entry(self, path: Path) -> dict[str, Any]:
        here: Any = self.source.data
        for part in path:
            here = here[part]
        assert isinstance(here, dict)
        return here

    def planted(self, random: Random, count: int) -> Planted | None:
        """The file with so many mistakes that are independent: none hides what another one is seen by."""
        mistakes: list[Mistake] = []
        paths = [path for path in self.copies if path[0] != "use"]  # a library that comes with the planner stays
        for _ in range(20 * count if paths else 0):
            if len(mistakes) == count:
                break
            path = random.choice(paths)
            mistake = next(iter(random.choice(KINDS)(self, path, random)), None)
            if mistake is None or any(_overlap(mistake, each) for each in mistakes):
                continue
            if all(self._independent(a, b) and self._independent(b, a) for a in mistakes for b in (mistake,)):
                mistakes.append(mistake)
        if len(mistakes) < 2:
            return None
        try:
            edits = [edit for each in mistakes for edit in each.edits]
            return Planted(self.path.stem, rewritten(self.source, edits), tuple(mistakes))
        except CannotEdit:
            return None

    def _independent(self, a: Mistake, b: Mistake) -> bool:
        """Whether b is seen although a leaves sizes open: not where these arrive at it."""
        return not (a.sized and b.weighs and self._arrives(a.sized, b.guilty))

    def _arrives(self, sized: Path, at: Path) -> bool:
        """Whether a size that a layer sets on its own reaches another one."""
        steps = self.report.plan.steps
        open_steps = {i for i, step in enumerate(steps) if step.path == sized}
        for i, step in enumerate(steps):
            if step.path == at and any(ref.step in open_steps for ref in step.sources):
                return True
            if any(ref.step in open_steps for ref in step.sources):
                open_steps.add(i)
        return False


def _overlap(a: Mistake, b: Mistake) -> bool:
    """Whether two mistakes touch the same entry, or one what is within the other's."""
    return any(x[: len(y)] == y or y[: len(x)] == x for x in a.touched for y in b.touched)


Planting = Callable[[Field, Path, Random], Iterator[Mistake]]


def misspelt(word: str, random: Random) -> str:
    """A word with two letters exchanged, or one left out."""
    at = random.randrange(1, len(word) - 2)
    if word[at] != word[at + 1] and random.random() < 0.5:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :]


def misspelt_key(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    entry, layer = field.entry(path), field.copies[path][0].layer
    keys = [key for key in entry if layer is not None and key in type(layer).model_fields and len(key) > 4]
    if keys:
        key = random.choice(keys)
        word = misspelt(key, random)
        sized = path if key == "pattern" else ()  # without one, nobody knows what the other arguments are
        yield Mistake(f"{word} for {key}", (Edit((*path, key), word, "rename"),), frozenset({path}), path, sized)


def misspelt_type(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    kind = field.entry(path)["type"]
    if isinstance(kind, str) and len(kind) > 5 and "$" not in kind:
        word = misspelt(kind, random)
        yield Mistake(f"{word} for {kind}", (Edit((*path, "type"), word),), frozenset({path}), path)


def _sources(field: Field, path: Path) -> list[str]:
    given = field.entry(path).get("from", [])
    return [str(each) for each in (given if isinstance(given, list) else [given])]


def misspelt_source(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    names = _sources(field, path)
    at = next((i for i, name in enumerate(names) if len(name) > 4 and name != "input" and "." not in name), None)
    if at is not None:
        word = misspelt(names[at], random)
        names[at] = word
        value: Any = names if len(names) > 1 else word
        yield Mistake(f"from {word}", (Edit((*path, "from"), value),), frozenset({path}), path)


def unknown_source(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    names = _sources(field, path)
    if names:
        names[-1] = "zzyzx"
        value: Any = names if len(names) > 1 else names[0]
        yield Mistake("from zzyzx", (Edit((*path, "from"), value),), frozenset({path}), path, sized=path)


def wrong_output(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    """An output of a layer or block with a number that is too large."""
    names = _sources(field, path)
    at = next((i for i, name in enumerate(names) if name.rpartition(".")[2].isdigit()), None)
    if at is not None:
        word = names[at] = f"{names[at].rpartition('.')[0]}.97"
        value: Any = names if len(names) > 1 else word
        touched = frozenset({path})
        yield Mistake(f"from {word}", (Edit((*path, "from"), value),), touched, path, sized=path, weighs=True)


def one_source(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    names = _sources(field, path)
    if len(names) > 1 and field.entry(path)["type"] in ("Add", "Multiply"):
        yield Mistake("one source", (Edit((*path, "from"), names[0]),), frozenset({path}), path)


def two_sources(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    names = _sources(field, path)
    layer = field.copies[path][0].layer
    if len(names) == 1 and layer is not None and layer.takes == (1, 1):
        value = [*names, *names]
        yield Mistake("two sources", (Edit((*path, "from"), value),), frozenset({path}), path)


def wrong_size(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    layer = field.copies[path][0].layer
    keys = [key for key in ("in_features", "in_channels", "num_features") if layer and key in type(layer).model_fields]
    if keys:
        right = {step.inputs[0].channels for step in field.copies[path]}
        wrong = next(n for n in range(random.randrange(3, 700), 1000) if n not in right)
        edit = Edit((*path, keys[0]), wrong)
        yield Mistake(f"{keys[0]} {wrong}", (edit,), frozenset({path}), path, weighs=True)


def wrong_groups(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    layer = field.copies[path][0].layer
    if layer is not None and "groups" in type(layer).model_fields and "out_channels" in field.entry(path):
        channels = {step.inputs[0].channels for step in field.copies[path]}
        wrong = next(g for g in range(random.choice([3, 5, 7]), 1000) if all(c % g for c in channels))
        edit = Edit((*path, "groups"), wrong)
        yield Mistake(f"groups {wrong}", (edit,), frozenset({path}), path, weighs=True)


def missing_shortcut(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    """The layer that brings the shortcut to size is left out."""
    names = _sources(field, path)
    siblings: Any = field.source.data
    for part in path[:-1]:
        siblings = siblings[part]
    if field.entry(path)["type"] != "Add" or len(names) < 2:
        return
    for i, each in enumerate(siblings):
        shortcut = (*path[:-1], i)
        if each.get("name") in names and "when" in each:
            edit = Edit((*shortcut, "when"), False)
            gone: Path = ("blocks", each.get("type", ""))  # where nothing else calls it, nothing looks into it
            if checked(rewritten(field.source, [edit])).ok:  # sizes are alike without it
                continue
            yield Mistake("no shortcut", (edit,), frozenset({path, shortcut, gone}), path, weighs=True)


def large_window(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    """One that does not fit; with `ceil_mode`, PyTorch lets it hang over."""
    entry = field.entry(path)
    fits = "Transpose" in entry.get("type", "") or isinstance(entry.get("padding"), str) or "ceil_mode" in entry
    if "kernel_size" in entry and not fits:
        edit = Edit((*path, "kernel_size"), 4999)
        yield Mistake("kernel 4999", (edit,), frozenset({path}), path, sized=path, weighs=True)


def bad_expression(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    entry, layer = field.entry(path), field.copies[path][0].layer
    keys = [key for key in entry if layer is not None and key in type(layer).model_fields]
    if keys:
        key = random.choice(keys)
        value = random.choice(["$2 +", "$3 // 0", "$zzyzx * 2"])
        edit = Edit((*path, key), value)
        yield Mistake(f"{key}: {value}", (edit,), frozenset({path}), path, sized=path)


def missing_key(field: Field, path: Path, random: Random) -> Iterator[Mistake]:
    entry, layer = field.entry(path), field.copies[path][0].layer
    needed = [
        key for key in entry if layer is not None and key in type(layer).model_fields
        and type(layer).model_fields[key].is_required()
    ]  # fmt: skip
    if needed:
        key = random.choice(needed)
        yield Mistake(f"no {key}", (Edit((*path, key), action="remove"),), frozenset({path}), path, sized=path)


KINDS: tuple[Planting, ...] = (
    misspelt_key,
    misspelt_type,
    misspelt_source,
    unknown_source,
    wrong_output,
    one_source,
    two_sources,
    wrong_size,
    wrong_groups,
    missing_shortcut,
    large_window,
    bad_expression,
    missing_key,
)


def planted(seed: int, count: int, files: Sequence[FilePath] = FILES) -> Iterator[Planted]:
    """So many files with two to five mistakes, the same for the same seed."""
    random = Random(seed)
    fields = [
        field for path in files if len((field := Field(path)).report.plan.steps) <= MOST_STEPS and field.report.ok
    ]
    found = 0
    while found < count:
        each = random.choice(fields).planted(random, random.randrange(2, 6))
        if each is not None:
            found += 1
            yield each
