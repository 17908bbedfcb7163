"""Low-rank changes of weights, as PEFT stores them beside a network or alone.

Source: https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from planner.checkpoints import SavedTensor
from planner.loading.entries import StateMatch
from planner.loading.names import entries, said
from planner.loading.sentences import Difference, place_of_name
from planner.report import Report
from planner.words import counted, joined

PART = re.compile(r"(.+)\.lora_(A|B)(?:\.\w+)?\.weight")
"""The name of one of the two factors of a change: of the layer, and which one it is."""


def low_rank(report: Report, found: StateMatch) -> Iterator[Difference]:
    """Factors in the checkpoint alone, of layers that the file has, whose product has the sizes of the weight."""
    layers: defaultdict[str, dict[str, SavedTensor]] = defaultdict(dict)
    for tensor in found.unexpected.values():
        if part := PART.fullmatch(tensor.name):
            layers[_layer(part[1], found)][part[2]] = tensor
    pairs = {name: each for name, each in layers.items() if name and _fits(name, each, found)}
    if not pairs:
        return
    ranks = sorted({each["A"].sizes[0] for each in pairs.values()})
    names = [tensor.name for each in pairs.values() for tensor in each.values()]
    alone = len(names) == len(found.saved)
    rank, count = joined([f"{rank:,}" for rank in ranks]), entries(len(names))
    what = f"LoRA of rank {rank} for {counted(len(pairs), 'layer')} ({said(list(pairs))})"
    where = f"the checkpoint is {what}, without the network" if alone else f"{what} is in the checkpoint alone"
    text = f"{where} ({count}): `merge_and_unload()` of PEFT makes one network of both"
    yield Difference("lora", text, checkpoint=tuple(names), at=place_of_name(report, next(iter(pairs))))


def _layer(name: str, found: StateMatch) -> str:
    """The layer of the file that a layer of the checkpoint is, whatever stands before its name; "" for none."""
    parts = [part for part in name.split(".") if part != "base_layer"]
    names = (".".join(parts[i:]) for i in range(len(parts)))
    return next((each for each in names if f"{each}.weight" in found.expected), "")


def _fits(name: str, factors: dict[str, SavedTensor], found: StateMatch) -> bool:
    """Whether there are both factors, and their product has the sizes of the layer's weight."""
    weight = found.expected[f"{name}.weight"].sizes
    if set(factors) != {"A", "B"}:
        return False
    a, b = factors["A"].sizes, factors["B"].sizes
    return len(a) == len(b) == len(weight) == 2 and (b[0], a[1]) == weight and a[0] == b[1]
