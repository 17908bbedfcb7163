"""The largest batch that fits into memory, and what it would save to work blocks out twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace

from planner.autograd.tape import Operation
from planner.autograd.tensors import Storage
from planner.model import Group
from planner.plan import Tensor, first_of
from planner.training.memory import Training
from planner.training.peak import backward_order

LARGEST = 1 << 20
"""The largest batch that is looked for."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What checkpointing a block does (`torch.utils.checkpoint`, not reentrant): what its steps keep is let go of, and
    they are run again when backward asks for it.

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
    reached = set(backward_order(training.run.tape, training.run.outputs))
    for group in training.plan.model.groups:
        if group.first < group.last:
            yield Saving(group, _saved(training, group, reached), _again(training, group, reached))


def _saved(training: Training, group: Group, reached: Set[Operation]) -> int:
    """What is kept less than without a checkpoint. While it keeps anything, what the block is given is held, with all
    that made it.
    """
    run = training.run
    if not any(node.saved for node in reached if _is_in(node, group)):
        return 0
    given = [run.tensors[source] for source in map(first_of, group.sources) if source in run.tensors]
    then = backward_order(run.tape, [*run.outputs, *given])
    held = {storage for node in then if not _is_in(node, group) for storage in node.saved}
    return _bytes({storage for node in reached for storage in node.saved}) - _bytes(held | {x.storage for x in given})


def _is_in(node: Operation, group: Group) -> bool:
    return group.first <= node.step < group.last


def _bytes(storages: Iterable[Storage]) -> int:
    """What is counted of stretches of memory as kept."""
    return sum(each.bytes for each in storages if each.role not in ("weight", "buffer"))


def _again(training: Training, group: Group, reached: Set[Operation]) -> int | None:
    """The multiply-adds until all is there again that the block keeps: PyTorch stops then, and it does not begin where
    backward asks for nothing of it.
    """
    run, steps = training.run, training.plan.steps
    nodes = [node for node in run.tape.nodes if _is_in(node, group)]
    keeping = [k for k, node in enumerate(nodes) if node.saved]
    if not any(nodes[k] in reached for k in keeping):
        return 0
    last = nodes[keeping[-1]]
    whole = not {x.storage for x in last.inputs}.issuperset(last.saved)
    counts: dict[int, int] = {}
    for node in nodes[: keeping[-1] + whole]:
        counts[node.step] = counts.get(node.step, 0) + node.macs
    total = 0
    for i in range(group.first, last.step + 1):
        macs = steps[i].macs if Tensor(i) in run.tensors else 0
        if macs is None:
            return None
        total += counts.get(i) or (training.batch * macs if i < last.step else 0)
    return total
