"""The largest batch that fits into memory, and what it would save to work blocks out twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.autograd.tensors import Storage
from planner.model import Group
from planner.training.memory import Training

LARGEST = 1 << 20
"""The largest batch that is looked for."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What checkpointing a block does: its steps are run again going back, and what they keep is let go of till then.

    saved  bytes that are kept no longer, less those of its inputs that are kept for it alone
    macs   multiply-adds that are done again for the batch; None where they are not known
    """

    group: Group
    saved: int
    macs: int | None


def largest_batch(training: Training, memory: int) -> int:
    """The largest batch whose peak fits into so many bytes; 0 where not even one sample does."""

    def fits(batch: int) -> bool:
        peak = replace(training, batch=batch).peak_bytes
        return peak is not None and peak <= memory

    if not fits(1):
        return 0
    low, high = 1, 2
    while high <= LARGEST and fits(high):
        low, high = high, 2 * high
    while high - low > 1 and low < LARGEST:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def savings(training: Training) -> Iterator[Saving]:
    """What checkpointing each block of the model would save, in order of execution."""
    plan, run = training.plan, training.run
    for group in plan.model.groups:
        if group.first >= group.last:
            continue
        steps = range(group.first, group.last)
        inside: set[Storage] = set()
        outside: set[Storage] = set()
        for node in run.tape.nodes:
            kept = {each for each in node.saved if each.role not in ("weight", "buffer")}
            (inside if node.step in steps else outside).update(kept)
        arriving = {run.storages[tensor] for tensor in plan.arriving(group) if tensor in run.storages}
        arriving = {each for each in arriving if each.role not in ("weight", "buffer")}
        freed = sum(each.bytes for each in inside - outside - arriving)
        held = sum(each.bytes for each in arriving - inside - outside if each.role != "input")
        macs = [plan.steps[i].macs for i in steps]
        again = None if None in macs else training.batch * sum([each or 0 for each in macs])
        yield Saving(group, freed - held, again)
