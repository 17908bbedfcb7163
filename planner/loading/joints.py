"""Sentences about entries that stand one above another in one of the other side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from planner.loading.entries import StateMatch
from planner.loading.fusing import Joint, block_of, rows_text
from planner.loading.names import module_of, own_of, pattern, said
from planner.loading.sentences import Difference, place_of_step, sizes_text
from planner.report import Report
from planner.words import joined, named

MOST_SIZES = 3
"""Sizes that a sentence has one by one."""


def joinings(report: Report, found: StateMatch) -> Iterator[Difference]:
    """Sentences on the entries of one side that are several on the other; layers that are alike share a sentence."""
    groups: defaultdict[object, list[_NamedJoint]] = defaultdict(list)
    for joint in found.joints:
        each = _NamedJoint(joint, found)
        groups[each.alike].append(each)
    for some in groups.values():
        first = some[0].joint
        yield Difference(
            "sizes" if not first.fits else "split" if first.splits else "joined",
            _text(some),
            tuple(entry.name for each in some for entry in each.joint.file),
            tuple(tensor.name for each in some for tensor in each.joint.checkpoint),
            place_of_step(report, first.file[0].step),
        )


class _NamedJoint:
    """A joint with the names of both sides, those of the checkpoint as the file would have them.

    where, own  the layer that has the whole, and what it calls it
    beside      the block around it
    around      the block around the parts
    parts       the layers in that block that have the parts
    """

    def __init__(self, joint: Joint, found: StateMatch) -> None:
        self.joint = joint
        ours = [each.name for each in joint.file]
        theirs = [found.affix.applied(each.name) or each.name for each in joint.checkpoint]
        (whole,), parts = (theirs, ours) if joint.splits else (ours, theirs)
        self.where, self.own = module_of(whole), own_of(whole)
        self.beside = block_of(whole)
        self.around = block_of(parts[0])
        own = f".{own_of(parts[0])}"
        self.parts = [each.removeprefix(f"{self.around}.").removesuffix(own) for each in parts]

    @property
    def alike(self) -> object:
        """What is the same of joints that one sentence is about."""
        return pattern(self.where), pattern(self.around), *self.parts, self.joint.fits, self.joint.splits

    @property
    def sizes(self) -> str:
        """`3·192×192`, and the whole where it has other sizes than its parts."""
        ours, theirs = ([each.sizes for each in side] for side in (self.joint.file, self.joint.checkpoint))
        whole, parts = (theirs[0], ours) if self.joint.splits else (ours[0], theirs)
        return rows_text(parts) if self.joint.fits else f"{sizes_text(whole)}, in parts {rows_text(parts)}"


def _text(some: Sequence[_NamedJoint]) -> str:
    """The sentence about layers that are alike, with their weights and their biases."""
    first, splits = some[0], some[0].joint.splits
    wheres = list(dict.fromkeys(each.where for each in some))
    parts = named(first.parts)
    if first.around and (splits or first.around != first.beside):
        parts = f"{parts} of {said([each.around for each in some])}"
    owns = dict.fromkeys(each.own for each in some)
    whole = joined([f"`{own}` ({_sizes([each for each in some if each.own == own])})" for own in owns])
    whole = f"{whole} of {said(wheres)}" if first.where else whole
    times = f" ({len(wheres):,} times)" if len(wheres) > 1 else ""
    if splits:
        return f"{parts} stand one above another in the checkpoint: {whole}{times}"
    return f"{whole} {'is' if len(owns) == 1 else 'are'} {parts} of the checkpoint one above another{times}"


def _sizes(some: Sequence[_NamedJoint]) -> str:
    """The sizes of layers, each once."""
    texts = list(dict.fromkeys(each.sizes for each in some))
    return ", ".join(texts[:MOST_SIZES] + ["…"] * (len(texts) > MOST_SIZES))
