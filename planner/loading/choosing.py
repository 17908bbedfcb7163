"""Which mapping of a checkpoint is the one to compare: the one of which most entries agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from planner.checkpoints import Checkpoint, Section
from planner.faults.unreadable_checkpoint import UnreadableCheckpoint
from planner.layers._layer import Sizes
from planner.loading.affixes import Affix, affix_of
from planner.words import named

USUAL = ("state_dict", "model_state_dict", "model", "module", "net", "network", "params", "weights", "generator")
"""The keys under which weights stand, of several that agree alike the first."""
MOST_TRIED = 100
PLAIN = {"a quantized tensor": "dequantize()", "a nested tensor": "to_padded_tensor(0)"}
"""What makes plain tensors of odd ones."""


class TakenSection(NamedTuple):
    """A mapping of a checkpoint, the change to its names, and the others that agree better than by chance."""

    section: Section
    affix: Affix
    others: tuple[Section, ...]


def chosen(checkpoint: Checkpoint, expected: Mapping[str, Sizes], key: str | None) -> TakenSection:
    """What to compare. Raises UnreadableCheckpoint for a key that is not there, or for tensors of odd kinds."""
    sections: Sequence[Section] = checkpoint.sections[:MOST_TRIED]
    if key is not None:
        sections = [each for each in checkpoint.sections if each.title == key]
        if not sections:
            keys = [each.title for each in checkpoint.sections if each.title]
            help = f"there are {named(keys, 8)}" if keys else "leave `--key` out: its entries stand in the file itself"
            raise UnreadableCheckpoint(checkpoint.file, f"has no tensors under the key `{key}`", help)
    scored = [(each, *affix_of(each.tensors, expected)) for each in sections]
    section, affix, score = max(
        scored, key=lambda each: (each[2], 0 if any(each[2]) else len(each[0].tensors), _usual(each[0]))
    )
    if section.odd:
        what = next(iter(section.odd.values()))
        plain = PLAIN.get(what, "to_dense()")
        help = f"save them as plain tensors, as `{plain}` gives, or name the checkpoint from before"
        raise UnreadableCheckpoint(checkpoint.file, f"holds {what}: {named(list(section.odd))}", help)
    others = [each for each, _, one in scored if each is not section and 2 * one[1] > max(score[1], 1)]
    return TakenSection(section, affix, tuple(others))


def _usual(section: Section) -> tuple[bool, bool, int, int]:
    """What is preferred of mappings that agree alike: the file itself, then what stands by a usual key."""
    last = section.key[-1] if section.key else ""
    rank = USUAL.index(last) if last in USUAL else len(USUAL)
    return last != "" or not section.key, not section.key, -rank, -len(section.key)
