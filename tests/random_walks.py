"""Random model files in which any type of layer may follow any other, on any number of axes.

A walk adds layer by layer whatever fits the tensors that are there, with arguments drawn from the layer's own schema.
So layers that have their channels second, last, or anywhere meet in all orders, which networks that people would build
do not do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from layer_cases import CHANNELS, LONGEST, arguments
from layer_oracle import TYPES as RUN
from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.layers import all_layers
from planner.layers._layer import Layer
from planner.plan import Plan
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load

Entry = dict[str, Any]

LARGEST = 3_000
"""The most values that one tensor may have, so that a walk is quick."""
DRAWN_BY_CHANCE = ("FractionalMaxPool2d", "FractionalMaxPool3d")
"""Types that compute something else each time."""
OFTEN = ("Linear", "LayerNorm", "Concat", "Add", "Split", "Chunk", "Softmax", "Flatten", "Permute", "LSTM")
"""Types that are drawn more often: they want their channels in a certain place, or have axes to mix up."""
TYPES = [*(name for name in RUN if name not in DRAWN_BY_CHANCE), *OFTEN]


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: Shape


@st.composite
def walks(draw: st.DrawFn, most: int = 7) -> Entry:
    """A model file of up to `most` layers; mostly a chain, with branches that meet where shapes agree."""
    rank = draw(st.sampled_from((1, 1, 2, 2, 0, 3)))
    longest = min(LONGEST[rank], 6)
    names = ("x", "y")[: draw(st.sampled_from((1, 1, 2)))]
    tensors = [_Tensor(name, draw(_shapes(rank, longest))) for name in names]
    inputs = {each.name: list(each.shape) for each in tensors}
    entries: list[Entry] = []
    read: set[str] = set()
    wanted = draw(st.integers(1, most))
    for _ in range(4 * wanted):
        kind = all_layers()[draw(st.sampled_from(TYPES))]
        sources = draw(_sources(kind, tensors, read))
        entry, made = _added(draw, kind, sources, len(entries))
        if entry is not None:
            entries.append(entry)
            tensors += made
            read.update(each.name for each in sources)
        if len(entries) == wanted:
            break
    if not entries:
        entries.append({"name": "same", "type": "Identity", "from": "x"})
        tensors.append(_Tensor("same", tensors[0].shape))
    ends = [each.name for each in tensors[len(names) :] if each.name not in read]
    return {"name": "walk", "input": inputs, "layers": entries, "outputs": ends[-4:] or [tensors[-1].name]}


def _shapes(rank: int, longest: int) -> st.SearchStrategy[Shape]:
    return st.tuples(*(st.integers(1, longest),) * rank, CHANNELS).map(Shape)


@st.composite
def _sources(draw: st.DrawFn, kind: type[Layer], tensors: list[_Tensor], read: set[str]) -> list[_Tensor]:
    """Tensors to read, the last ones before all; further ones have the first one's shape if there is such a one."""
    least, most = kind.takes
    if most == 0:
        return []
    unread = [each for each in tensors if each.name not in read]
    first = draw(st.sampled_from([*tensors[-1:] * 3, *unread[-2:], *tensors]))
    count = max(least, draw(st.integers(1, min(most or 3, 3))))
    alike = [each for each in tensors if each.shape == first.shape]
    return [first, *(draw(st.sampled_from([*alike, *alike, *tensors])) for _ in range(count - 1))]


def _added(
    draw: st.DrawFn, kind: type[Layer], sources: list[_Tensor], number: int
) -> tuple[Entry | None, list[_Tensor]]:
    """The entry of a layer and its outputs, or nothing where it does not fit."""
    args = draw(arguments(kind, len(sources[0].shape.spatial) if sources else 1))
    args.pop("inplace", None)
    if kind.indices:
        return None, []  # an input of it is not like those of others
    if args.get("fill") in ("arange", "causal_mask"):
        return None, []  # whole numbers, and none at all, that few layers compute with
    if kind.type_name() in ("Constant", "Parameter") and draw(st.booleans()):
        args["shape"] = args["shape"][:2]
    entry = {"name": f"n{number}", "type": kind.type_name(), **args}
    if sources:
        names = [each.name for each in sources]
        entry["from"] = names if len(names) > 1 else names[0]
    plan = _planned(entry, sources)
    if plan is None:
        return None, []
    outputs = plan.steps[-1].outputs
    if max(shape.elements for shape in outputs) > LARGEST or len(outputs) > 6:
        return None, []
    names = [f"n{number}.{i}" for i in range(len(outputs))] if len(outputs) > 1 else [f"n{number}"]
    return entry, [_Tensor(*each) for i, each in enumerate(zip(names, outputs, strict=True)) if i not in kind.places]


def _planned(entry: Entry, sources: list[_Tensor]) -> Plan | None:
    """The plan of a layer alone, if it fits."""
    inputs = {each.name.replace(".", "_"): list(each.shape) for each in sources} or {"none": [1]}
    names = [each.name.replace(".", "_") for each in sources]
    alone = {**entry, "name": "alone", **({"from": names} if names else {})}
    try:
        model = load(of_mapping({"input": inputs, "layers": [alone], "outputs": ["alone.0"]}))
        plan = propagate(model)
    except Fault:
        return None
    return plan if plan.complete and not model.diagnostics else None
