"""What a network reads: the sizes that the file states, and those that it leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._axes import Sizes
from planner.inputs._following import Longer, Varied, as_map
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.values import LARGEST

if TYPE_CHECKING:
    import onnx

BATCH = 101
"""Samples that a network is followed for whose file leaves their number open: a number that no axis is likely to have,
so that the batch is told from axes.
"""
FIRST = {
    "Conv", "ConvTranspose", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "MaxPool",
    "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "PRelu", "LRN", "Resize", "Upsample",
}  # fmt: skip
"""Operators that have the channels second."""
LAST = {"MatMul", "LayerNormalization", "Gemm", "LSTM", "GRU", "RNN", "SkipLayerNormalization"}
"""Operators that have them last."""
FARTHEST = 20


@dataclass(frozen=True)
class FileInput:
    """An input as the file has it. `sizes` has numbers, names, and None for sizes without a name."""

    name: str
    sizes: tuple[int | str | None, ...]
    kind: str


@dataclass(frozen=True)
class InputRuns:
    """What the inputs are in each run.

    sizes   those of each input in all runs
    batch   the number of samples in all runs
    last    whether an input has its channels last
    varied  which dimensions of an input are made longer in other runs; those of one name in the file are together
    """

    sizes: list[list[Sizes]]
    batch: Sizes
    last: dict[str, bool]
    varied: dict[str, Varied]

    def longer(self, longer: Longer) -> InputRuns:
        """One run, in which axes are so many cells longer than in the first."""
        found = self.with_longer([longer])
        return replace(found, sizes=[own[1:] for own in found.sizes], batch=found.batch[1:])

    def with_longer(self, longer: Sequence[Longer]) -> InputRuns:
        """The first run, and others in which axes are so many cells longer."""
        sizes = [
            [first, *(made_longer(first, varied, each) for each in longer)]
            for (first, *_), varied in zip(self.sizes, self.varied.values(), strict=True)
        ]
        return replace(self, sizes=sizes, batch=self.batch[:1] * (1 + len(longer)))


def given(info: onnx.ValueInfoProto) -> FileInput:
    """An input of the file; raises NotImported where it is nothing that a layer reads."""
    from onnx import TensorProto

    name = shown(info.name, 80)
    if not info.type.HasField("tensor_type"):
        raise NotImported(f"the input `{name}` is no tensor", help="a network reads tensors")
    own = info.type.tensor_type
    if not own.HasField("shape"):
        raise NotImported(f"the input `{name}` has no shape", help="export it with the number of its axes")
    sizes = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else dim.dim_param or None
        for dim in own.shape.dim
    )
    if len(sizes) < 2 or len(sizes) > 5:
        label = f"it has {len(sizes)} dimension{'s' * (len(sizes) != 1)}"
        help = "a network reads tensors with the batch first, channels, and at most three axes besides"
        raise NotImported(f"the input `{name}` cannot be said in a model file", label, help)
    if any(isinstance(each, int) and each >= LARGEST for each in sizes):
        raise NotImported(f"the input `{name}` has a size that is too large", help="no network needs that")
    floats = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.UNDEFINED}
    kind = "float" if own.elem_type in floats else "truth" if own.elem_type == TensorProto.BOOL else "whole"
    return FileInput(info.name, sizes, kind)


def made_longer(sizes: Sizes, varied: Varied, longer: Longer) -> Sizes:
    """The sizes of a tensor with axes that are so many cells longer."""
    more = (longer[at] if at is not None and at < len(longer) else 0 for at in varied)
    return (sizes[0], *(n + add for n, add in zip(sizes[1:], more, strict=True)))


def inputs_of(found: Sequence[FileInput], nodes: Sequence[FileNode], input: Any) -> InputRuns:
    """What the network reads: shapes that are asked for in place of those of the file. The shape of an input has the
    channels last, and no batch.
    """
    if not found:
        raise NotImported("the network reads nothing", help="a network has an input")
    asked = _by_name(found, input)
    last = {each.name: _channels_last(each, nodes) for each in found}
    first = {each.sizes[0] for each in found}
    fixed = next(iter(first)) if len(first) == 1 else None
    batch = fixed if isinstance(fixed, int) else BATCH
    if fixed is None and any(isinstance(each, int) and each != 1 for each in first):
        label = ", ".join(f"`{shown(each.name, 40)}`: {each.sizes[0]}" for each in found)
        raise NotImported("the inputs have other numbers of samples", label, "give them the batch first")
    own = [_sizes(each, asked.get(each.name), last[each.name]) for each in found]
    return InputRuns([[(batch, *sizes)] for sizes in own], (batch,), last, _varied(found, last))


def _by_name(found: Sequence[FileInput], input: Any) -> Mapping[str, Any]:
    if input is None:
        return {}
    if not isinstance(input, Mapping):
        if len(found) > 1:
            names = ", ".join(shown(each.name, 40) for each in found)
            raise NotImported("the network reads several inputs", f"they are: {names}", "name each: `name=224x224x3`")
        return {found[0].name: input}
    unknown = [name for name in input if name not in {each.name for each in found}]
    if unknown:
        names = ", ".join(shown(each.name, 40) for each in found)
        raise NotImported(f"the network has no input `{shown(str(unknown[0]), 80)}`", help=f"it has: {names}")
    return input


def _sizes(own: FileInput, asked: Any, last: bool) -> Sizes:
    """The sizes of an input in the order of the file, without the batch."""
    stated = own.sizes[1:]
    if asked is not None:
        if not isinstance(asked, list | tuple) or not all(type(n) is int and 0 < n < LARGEST for n in asked):
            raise NotImported(f"`{shown(str(asked), 80)}` is no shape", help="write it channels last: (224, 224, 3)")
        if len(asked) != len(stated):
            name = shown(own.name, 80)
            label = f"the file has {_shown(stated, last)}, asked is {'×'.join(map(str, asked))}"
            raise NotImported(f"the input `{name}` has {len(stated)} axes", label, "write them all, the channels last")
        return tuple(asked) if last else (asked[-1], *asked[:-1])
    if any(not isinstance(each, int) for each in stated):
        example = "x".join(str(each) if isinstance(each, int) else "224" for each in _turned(stated, last))
        message = f"the file leaves the size of the input `{shown(own.name, 80)}` open"
        raise NotImported(message, f"it is {_shown(stated, last)}", f"give it, the channels last: `--input {example}`")
    return tuple(each for each in stated if isinstance(each, int))


def _turned(sizes: Sequence[Any], last: bool) -> tuple[Any, ...]:
    """Sizes with the channels last."""
    return tuple(sizes) if last else (*sizes[1:], sizes[0])


def _shown(sizes: Sequence[Any], last: bool) -> str:
    return "×".join(shown(str(each), 20) if each is not None else "?" for each in _turned(sizes, last))


def _varied(found: Sequence[FileInput], last: Mapping[str, bool]) -> dict[str, Varied]:
    """Which dimensions of each input are made longer in other runs: all but the channels; tokens have none."""
    first: dict[str, int] = {}
    own: dict[str, Varied] = {}
    for each in found:
        rank = len(each.sizes) - 1
        tokens = rank == 1 and each.kind != "float"
        own[each.name] = (0,) if tokens else (*range(rank - 1), None) if last[each.name] else as_map(rank)
        for size, at in zip(each.sizes[1:], own[each.name], strict=True):
            if isinstance(size, str) and at is not None:
                first.setdefault(size, at)
    return {
        each.name: tuple(
            first.get(size, at) if isinstance(size, str) else at
            for size, at in zip(each.sizes[1:], own[each.name], strict=True)
        )
        for each in found
    }


def _channels_last(own: FileInput, nodes: Sequence[FileNode]) -> bool:
    """Whether the last dimension of an input is its channels, as the first operator has it that works on these."""
    rank = len(own.sizes)
    if rank < 3:
        return True
    order, name = list(range(rank)), own.name
    for _ in range(FARTHEST):
        readers = [node for node in nodes if name in node.inputs[:1]]
        if any(node.op in FIRST for node in readers):
            return order[1] == rank - 1
        if any(node.op in LAST for node in readers):
            return order[-1] == rank - 1
        node = next((each for each in readers if each.outputs), None)
        if node is None or node.op in ("Reshape", "Flatten", "Gather"):
            break
        perm = node.get("perm")
        if node.op == "Transpose" and isinstance(perm, list) and sorted(perm) == list(range(rank)):
            order = [order[each] for each in perm]
        name = node.outputs[0]
    return False
