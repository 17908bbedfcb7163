"""Model files with one mistake, as people make them: words misspelt, numbers changed, keys and sources mixed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

Entry = dict[str, Any]
SIZES = ("kernel_size", "stride", "padding", "dilation", "groups", "out_channels", "out_features", "output_padding",
         "output_size", "scale_factor", "num_groups", "num_heads", "hidden_size")  # fmt: skip
STATED = {"Conv1d": "in_channels", "Conv2d": "in_channels", "Conv3d": "in_channels", "Linear": "in_features",
          "BatchNorm1d": "num_features", "BatchNorm2d": "num_features", "LSTM": "input_size"}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A model with one mistake: what it is, and the mistaken entry's key and type where it is a misspelt word."""

    what: str
    data: dict[str, Any]


def mutant(random: Random, data: dict[str, Any]) -> Mutant | None:
    """The model with a mistake; None where that kind of mistake cannot be made in it."""
    changed = deepcopy(data)
    entries = [each for each in _entries(changed) if each]
    kind = random.choice(MISTAKES)
    return Mutant(kind.__name__, changed) if entries and kind(random, changed, random.choice(entries)) else None


def _entries(data: dict[str, Any]) -> Iterator[Entry]:
    """The entries of the list of layers, and of those of blocks."""
    blocks = data.get("blocks")
    for home in (data, *(blocks.values() if isinstance(blocks, dict) else ())):
        layers = home.get("layers") if isinstance(home, dict) else None
        yield from (each for each in layers or () if isinstance(each, dict))


def _misspelt(random: Random, word: str) -> str:
    """A word with two letters transposed, or one left out, doubled or taken for another."""
    if len(word) < 2:
        return f"{word}{word}"
    i = random.randrange(len(word) - 1)
    return random.choice(
        [
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + word[i + 1 :],
            word[: i + 1] + word[i:],
            word[:i] + random.choice("aeioustrn") + word[i + 1 :],
            word.swapcase(),
        ]
    )


def key(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    old = random.choice([*entry])
    new = _misspelt(random, old)
    if new in entry:
        return False
    pairs = [(new if each == old else each, value) for each, value in entry.items()]
    entry.clear()
    entry.update(pairs)
    return True


def word(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """A type, a name or another word."""
    old = random.choice([each for each, value in entry.items() if isinstance(value, str) and value] or [""])
    if old:
        entry[old] = _misspelt(random, entry[old])
    return bool(old)


def source(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """A name in `from`."""
    given = entry.get("from")
    if isinstance(given, list) and given:
        i = random.randrange(len(given))
        given[i] = _misspelt(random, str(given[i]))
        return True
    return False


def left_out(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    del entry[random.choice([*entry])]
    return True


def size(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """A number of a layer one or two more or less, twice as large or half."""
    at = random.choice([each for each in SIZES if each in entry] or [""])
    if at:
        entry[at] = _other(random, entry[at])
    return bool(at)


def _other(random: Random, value: Any) -> Any:
    if isinstance(value, list) and value:
        i = random.randrange(len(value))
        return [*value[:i], _other(random, value[i]), *value[i + 1 :]]
    if isinstance(value, int) and not isinstance(value, bool):
        return max(random.choice([value + 1, value - 1, value + 2, value * 2, value // 2]), 0)
    return value


def added(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """A stride, a dilation or another kernel where there was none."""
    if "kernel_size" in entry:
        name = random.choice(["stride", "dilation", "padding", "groups"])
        entry[name] = random.choice([0, 1, 2, 3, 4])
    return "kernel_size" in entry


def stated(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """A size that is worked out, stated wrongly."""
    name = STATED.get(str(entry.get("type")))
    if name:
        entry[name] = random.choice([1, 3, 7, 64])
    return bool(name)


def quoted(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """A number in quotes."""
    at = random.choice([each for each in SIZES if isinstance(entry.get(each), int)] or [""])
    if at:
        entry[at] = str(entry[at])
    return bool(at)


def input_size(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    given = data.get("input")
    shapes = [*given.values()] if isinstance(given, dict) else [given]
    shape = random.choice([each for each in shapes if isinstance(each, list) and len(each) > 1] or [None])
    if shape is None or not all(isinstance(n, int) for n in shape):
        return False
    by = random.choice([-3, -2, -1, 1, 2, 3])
    shape[:-1] = [max(n + by, 1) for n in shape[:-1]]
    return True


def sources(random: Random, data: dict[str, Any], entry: Entry) -> bool:
    """Sources the other way round, or one of them another layer."""
    given = entry.get("from")
    if not isinstance(given, list) or not given:
        return False
    names = [str(each["name"]) for each in _entries(data) if each.get("name")]
    if random.random() < 0.5 or not names:
        given.reverse()
    else:
        given[random.randrange(len(given))] = random.choice(names)
    return True


MISTAKES: tuple[Callable[[Random, dict[str, Any], Entry], bool], ...] = (
    key, word, source, left_out, size, size, size, added, added, stated, quoted, input_size, input_size, sources,
)  # fmt: skip


def written(data: dict[str, Any]) -> str:
    """The model as a file that looks like one that somebody wrote."""
    from planner.editing import written as value

    lines = [f"{key}: {value(each)}" for key, each in data.items() if key not in ("layers", "blocks")]
    lines += ["layers:", *(f"  - {value(each)}" for each in data.get("layers") or ())]
    blocks = data.get("blocks") or {}
    lines += ["blocks:"] * bool(blocks)
    for name, block in blocks.items():
        lines.append(f"  {name}:")
        lines += [f"    {key}: {value(each)}" for key, each in block.items() if key != "layers"]
        lines += ["    layers:", *(f"      - {value(each)}" for each in block.get("layers") or ())]
    return "\n".join(lines) + "\n"
