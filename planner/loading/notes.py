"""What is to be known of a checkpoint that is no difference in names and sizes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import prod
from pathlib import Path

from planner.checkpoints import Checkpoint
from planner.loading.choosing import TakenSection
from planner.loading.entries import StateMatch
from planner.loading.fusing import HEAD_BY_HEAD, IN_PROJ
from planner.loading.names import entries, module_of, own_of
from planner.plan import Plan, Step
from planner.report import Report
from planner.words import counted, joined, named


def notes(report: Report, checkpoint: Checkpoint, taken: TakenSection, found: StateMatch) -> Iterator[str]:
    """Which part was taken, what else is there, and types of numbers."""
    section = taken.section
    if any(section.key):
        yield f"the entries under the key `{section.title}` are taken"
    if others := [f"`{each.title}` ({entries(len(each.tensors))})" for each in taken.others if "" not in each.key]:
        one = len(others) == 1
        yield f"there {'is' if one else 'are'} also {joined(others)}: `--key` takes {'it' if one else 'one of them'}"
    if section.others and section.key != ():
        yield f"{named(section.others)} {'is' if len(section.others) == 1 else 'are'} no tensor, and not compared"
    yield from _dtypes(found)
    yield from _wholes(found)
    yield from _head_by_head(found)
    yield from _flattened(report.plan, found)
    if shard := re.search(r"-0*(\d+)-of-0*(\d+)\.\w+$", Path(checkpoint.file).name):
        index = re.sub(r"-\d+-of-\d+(\.\w+)$", r"\1.index.json", Path(checkpoint.file).name)
        if int(shard[2]) > 1:
            yield f"this is file {shard[1]} of {shard[2]}; name `{index}` for all of them"


def _wholes(found: StateMatch) -> Iterator[str]:
    """Names of wholes that some networks have for something else of the same sizes; PyTorch's are not doubted."""
    names = [each.name for each in found.joints if each.fits]
    names += [was.name for now, was in found.renamed if own_of(now.name).startswith(IN_PROJ)]
    wholes = [own_of(module_of(name)) for name in names if not own_of(name).startswith(IN_PROJ)]
    if wholes := [each for each in dict.fromkeys(wholes) if "kv" in each]:
        how = "one above another, as in timm, or head by head, as in GPT-NeoX"
        yield f"names and sizes do not tell whether {named(wholes)} holds its parts {how}: compare what comes out"


def _head_by_head(found: StateMatch) -> Iterator[str]:
    """What is one above another on one side alone: `query_key_value` holds the three head by head."""
    pairs = [(own_of(module_of(now.name)) or now.name, was.name) for now, was in found.renamed]
    names = [was for ours, was in pairs if own_of(module_of(was)) == HEAD_BY_HEAD != ours]
    if names:
        line = "state[name] = state[name].unflatten(0, (heads, 3, -1)).transpose(0, 1).flatten(0, 2)"
        yield (
            f"`{HEAD_BY_HEAD}` ({entries(len(names))}) holds query, key and value head by head in GPT-NeoX and BLOOM, "
            f"not one above another: for each `name` of these, `{line}` with the number of `heads` puts them so"
        )


def _flattened(plan: Plan, found: StateMatch) -> Iterator[str]:
    """Layers that read what was flattened, of a library that has channels last: its rows are in another order."""
    turned = [each.entry for each in found.turns if each.named]
    if any(len(each.sizes) > 2 for each in turned):
        names = [each.step.name for each in turned if len(each.sizes) == 2 and _reads_flattened(plan, each.step)]
        if names:
            verb = "reads" if len(names) == 1 else "read"
            yield (
                f"{named(names)} {verb} what was flattened, in an order of its own where channels come last: the "
                f"columns of the weight have to be put in order too"
            )


def _reads_flattened(plan: Plan, step: Step) -> bool:
    """Whether what a step reads is a vector that was made of more than one cell, and mixed by no layer since."""
    while step.sources and len(step.inputs[0]) == 1:
        step = plan.steps[step.sources[0].step]
        if step.inputs and step.outputs and len(step.inputs[0]) > 1:
            cells = prod(step.inputs[0][:-1])
            return cells > 1 and prod(step.inputs[0]) == prod(step.outputs[0])
        if any(len(sizes) > 1 for sizes in step.weights.values()):
            return False
    return False


def _dtypes(found: StateMatch) -> Iterator[str]:
    """Types of the trained entries, where these are not float32."""
    trained = [
        (entry, tensor)
        for entry, tensor in (*found.agreeing, *found.resized, *found.renamed)
        if tensor.dtype and entry.name[len(entry.step.name) + 1 :] in entry.step.weights
    ]
    counts = Counter(tensor.dtype for _, tensor in trained)
    if len(counts) == 1 and "float32" not in counts:
        (dtype,) = counts
        yield f"weights are stored as {dtype}; `load_state_dict` gives them the type that the network has"
    elif len(counts) > 1:
        shown = joined([f"{count:,} as {dtype}" for dtype, count in counts.most_common()])
        yield f"weights are stored in several types: {shown}"
    whole = [entry.name for entry, tensor in trained if not tensor.dtype.startswith(("float", "bfloat", "complex"))]
    if whole:
        verb = "is" if len(whole) == 1 else "are"
        yield f"{counted(len(whole), 'weight')} ({named(whole, 2)}) {verb} stored as whole numbers, as by quantization"
