"""What a module of PyTorch is given to read in each run."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from planner.faults.not_imported import NotImported
from planner.inputs._following import Longer, Varied, as_map

BATCH = 11
"""Samples that a module is run on: a number that no axis is likely to have, so that the batch is told from axes."""
FARTHER = (
    *((64, 96, 32), (37, 51, 23), (22, 13, 9), (5, 30, 14), (110, 81, 47), (81, 8, 3)),
    *((192, 32, 128), (32, 160, 96), (256, 128, 64), (96, 224, 160), (160, 64, 224)),
)
"""How many cells longer the axes of the inputs are in a second run, which tells what follows from their sizes; and in
others that bear it out: on odd sizes if the module takes them.
"""
STILL_FARTHER = (
    *((128, 224, 96), (288, 64, 160), (96, 352, 32)),
    *((5, 64, 7), (64, 2, 5), (7, 128, 64), (128, 4, 37), (38, 65, 5), (72, 33, 64), (36, 99, 69)),
)
"""The same for a module that does other things at other sizes. Of the last, each leaves a map with an odd axis however
often it is halved, whether the halves of the input that is meant are even or odd.
"""


GivenRun = dict[str, tuple[tuple[int, ...], Any]]
"""The sizes and the type of number of what a module reads, by the names of its parameters."""


class Inputs(NamedTuple):
    """What a module reads at the size that is meant.

    by_name  whether the inputs are given by the names of the parameters of `forward`
    rows     those that have their channels last, as tokens have
    varied   which of their dimensions can be made longer in other runs; None where it must be tried which can
    """

    meant: GivenRun
    by_name: bool
    rows: frozenset[str]
    varied: Mapping[str, Varied] | None


def longer_than(run: GivenRun, varied: Mapping[str, Varied], longer: Longer) -> GivenRun | None:
    """A run in which axes are so many cells longer than in another; None where there is no such size."""
    found: GivenRun = {}
    for name, ((samples, *sizes), type_) in run.items():
        pairs = zip(sizes, varied[name], strict=True)
        own = [n + (longer[at] if at is not None and at < len(longer) else 0) for n, at in pairs]
        found[name] = (samples, *own), type_
    return found if all(n > 0 for sizes, _ in found.values() for n in sizes) else None


def given_to(module: Any, input: Any, example: Any) -> Inputs:
    """The inputs of a module, made from the shapes or the examples that a caller gives."""
    parameters = inspect.signature(module.forward).parameters
    names = list(parameters)
    if example is None and input is None:
        help = "give it: `--input 224x224x3`, or input=(224, 224, 3)"
        raise NotImported("the shape of the input is needed", help=help)
    given = input if example is None else example
    by_name = isinstance(given, Mapping)
    if not by_name:
        listed = given if example is not None and isinstance(given, tuple | list) else [given]
        given = {names[i] if i < len(names) else f"x{i}": each for i, each in enumerate(listed)}
        keywords = {name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
        by_name = not keywords.isdisjoint(given)
    unknown = [name for name in given if name not in names and "args" not in names and "kwargs" not in names]
    if unknown:
        raise NotImported(f"`forward` has no parameter `{unknown[0]}`", help=f"it has: {', '.join(names) or 'none'}")
    single = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [name for name, each in parameters.items() if each.default is each.empty and each.kind not in single]
    missing = [name for name in needed if name not in given]
    if missing:
        example_of = " ".join(f"--input {name}=224x224x3" for name in needed)
        raise NotImported(f"`forward` reads `{missing[0]}` too", help=f"give all that it reads: `{example_of}`")
    if example is not None:
        run, rows = _like(given)
        return Inputs(run, by_name, rows, None)
    run = _of_shapes(given, _type_of(module))
    return Inputs(run, by_name, frozenset(), {name: as_map(len(sizes) - 1) for name, (sizes, _) in run.items()})


def _type_of(module: Any) -> Any:
    """The type of the numbers that a module works on: that of its parameters if they have one, as in half precision."""
    import torch

    types = {each.dtype for each in module.parameters() if each.is_floating_point()}
    return types.pop() if len(types) == 1 else torch.get_default_dtype()


def _like(examples: Mapping[str, Any]) -> tuple[GivenRun, frozenset[str]]:
    """The run on tensors like examples, of which those with three dimensions are taken for (N, L, C), and these."""
    for name, each in examples.items():
        if not hasattr(each, "dtype") or len(each.shape) < 2 or 0 in each.shape:
            message = f"the example for `{name}` is no tensor with the batch first and an axis besides"
            raise NotImported(message, help="give such a tensor, as torch.zeros(1, 128, dtype=torch.long)")
    run = {str(name): ((BATCH, *each.shape[1:]), each.dtype) for name, each in examples.items()}
    return run, frozenset(name for name, (sizes, _) in run.items() if len(sizes) == 3)


def _of_shapes(shapes: Mapping[str, Any], type_: Any) -> GivenRun:
    """The run on tensors of shapes that have the channels last."""
    run: GivenRun = {}
    for name, shape in shapes.items():
        if not isinstance(shape, tuple | list) or not shape or not all(type(n) is int and n > 0 for n in shape):
            raise NotImported(f"`{shape}` is no shape", help="write it channels last: input=(224, 224, 3)")
        *spatial, channels = shape
        run[name] = (BATCH, channels, *spatial), type_
    return run
