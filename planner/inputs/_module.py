"""A module of PyTorch as the text of a model file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.faults.not_imported import NotImported
from planner.inputs._graph import Graph
from planner.inputs._naming import FROM_FILE, aside, said
from planner.inputs._stored import Held

if TYPE_CHECKING:
    from torch import Tensor

    from planner.inputs._agreement import Recordings
    from planner.inputs._recording import Recording

BATCH = 11
"""Samples that a module is run on: a number that no axis is likely to have, so that the batch is told from axes."""
OTHERWISE = 5
"""Samples in further runs, which tell the numbers that follow from how many there are."""
FARTHER = (
    *((64, 96, 32), (37, 51, 23), (22, 13, 9), (5, 30, 14), (110, 81, 47), (81, 8, 3)),
    *((192, 32, 128), (32, 160, 96), (256, 128, 64), (96, 224, 160), (160, 64, 224)),
)
"""How many cells longer the axes of the inputs are in a second run, which tells what follows from their sizes; and in
others that bear it out: on odd sizes if the module takes them.
"""


def text_of_module(module: Any, name: str, input: Any, example: Any) -> str:
    """The model file of a module, run on tensors of a shape or like examples."""
    try:
        import torch
    except ImportError as error:
        raise NotImported("a module of PyTorch needs PyTorch", help="pip install shape-planner[torch]") from error
    from planner.inputs._agreement import best_text
    from planner.inputs._lowering import lowered
    from planner.inputs._text import heading

    if not isinstance(module, torch.nn.Module):
        raise NotImported(f"`{name}` is no module of PyTorch, but {_kind(module)}", help="name a class of nn.Module")
    module = getattr(module, "_orig_mod", module)  # what torch.compile was given
    _must_be_open(module, name)
    with _evaluated(module):
        inputs = _inputs(module, input, example)
        runs = _runs(module, inputs)
        stored = _stored(module)

        def lower(recordings: Sequence[Recording]) -> Graph:
            return lowered(type(module).__name__, recordings, stored, inputs.rows)

        graph, text = best_text(name, runs, lower)
    home = f"{type(module).__name__} of {type(module).__module__.removeprefix(FROM_FILE)}"
    return heading(home, graph, runs.traces[0].decisions, [each for each, _ in module.named_parameters()]) + text


def _stored(module: Any) -> dict[str, Held]:
    """What a module stores, by the names of its `state_dict`, and beside these what is not kept there."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    kept = set(module.state_dict(keep_vars=True))
    names: dict[int, str] = {}
    found = {}
    for name, each in (*parameters.items(), *module.named_buffers(remove_duplicate=False)):
        first = names.setdefault(id(each), name)
        own = "" if first == name else first
        about = {"trained": name in parameters, "whole": not each.is_floating_point(), "kept": name in kept}
        fill = None if name in kept else _fill(each)
        found[name] = Held(name, tuple(each.shape), **about, first=own, fill=fill)
    return found


def _fill(tensor: Tensor) -> str | float | None:
    """What a tensor is filled with: one number, or those from 0 on in a row."""
    import torch

    if tensor.is_meta or not tensor.numel() or tensor.is_complex() or not tensor.isfinite().all():
        return None
    row = tensor.flatten()
    if torch.equal(row, row[:1].expand_as(row)):
        return +row[0].item() or "zeros"
    numbers = torch.arange(len(row), dtype=row.dtype, device=row.device)
    return "arange" if max(tensor.shape) == len(row) and torch.equal(row, numbers) else None


def _must_be_open(module: Any, name: str) -> None:
    """Raise NotImported for a module whose calls cannot be seen, or whose sizes are not known yet."""
    import torch
    from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

    if isinstance(module, torch.jit.ScriptModule):
        help = "name the class of which it was made, or save it by `torch.export.save`"
        raise NotImported(f"`{name}` is a scripted module, of which no calls can be seen", help=help)
    both = (*module.named_parameters(), *module.named_buffers())
    lazy = [each for each, own in both if isinstance(own, UninitializedParameter | UninitializedBuffer)]
    if lazy:
        help = "run the module once before, or write the layer with its channels: nn.Conv2d for nn.LazyConv2d"
        raise NotImported(f"`{name}` is lazy: `{lazy[0]}` has no size yet", help=help)


def _kind(thing: object) -> str:
    article = "an" if type(thing).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(thing).__name__}"


@contextmanager
def _evaluated(module: Any) -> Iterator[None]:
    """The module in evaluation, and afterwards as it was."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True


Run = dict[str, tuple[tuple[int, ...], Any]]
"""The sizes and the type of number of what a module reads, by the names of its parameters."""


class Inputs(NamedTuple):
    """What a module reads in each run; the first is the one that is meant.

    by_name  whether the inputs are given by the names of the parameters of `forward`
    rows     those that have their channels last, as tokens have
    """

    runs: list[Run]
    by_name: bool
    rows: frozenset[str] = frozenset()


def _inputs(module: Any, input: Any, example: Any) -> Inputs:
    """What is given to a module, for the shapes or the examples that its caller gives."""
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
        return _like(given, by_name)
    type_ = _type_of(module)
    return Inputs([_of_shapes(given, more, type_) for more in ((0, 0, 0), *FARTHER)], by_name)


def _type_of(module: Any) -> Any:
    """The type of the numbers that a module works on: that of its parameters if they have one, as in half precision."""
    import torch

    types = {each.dtype for each in module.parameters() if each.is_floating_point()}
    return types.pop() if len(types) == 1 else torch.get_default_dtype()


def _like(examples: Mapping[str, Any], by_name: bool) -> Inputs:
    """The one run on tensors like examples, of which those with three dimensions are taken for (N, L, C)."""
    for name, each in examples.items():
        if not hasattr(each, "dtype") or len(each.shape) < 2 or 0 in each.shape:
            message = f"the example for `{name}` is no tensor with the batch first and an axis besides"
            raise NotImported(message, help="give such a tensor, as torch.zeros(1, 128, dtype=torch.long)")
    run = {str(name): ((BATCH, *each.shape[1:]), each.dtype) for name, each in examples.items()}
    return Inputs([run], by_name, frozenset(name for name, (sizes, _) in run.items() if len(sizes) == 3))


def _of_shapes(shapes: Mapping[str, Any], longer: Sequence[int], type_: Any) -> Run:
    """The run on tensors of shapes that have the channels last, with axes that are so many cells longer."""
    run: Run = {}
    for name, shape in shapes.items():
        if not isinstance(shape, tuple | list) or not shape or not all(type(n) is int and n > 0 for n in shape):
            raise NotImported(f"`{shape}` is no shape", help="write it channels last: input=(224, 224, 3)")
        *spatial, channels = shape
        more = (*longer, *[0] * len(spatial))
        sizes = (BATCH, channels, *(n + add for n, add in zip(spatial, more, strict=False)))
        run[name] = sizes, type_
    return run


def _runs(module: Any, inputs: Inputs) -> Recordings:
    """What the module did in each run. The first must succeed, without values or else with them; others may fail.

    The user's own code runs here, and may raise anything.
    """
    import torch

    from planner.inputs._agreement import Recordings
    from planner.inputs.torch_module import traced, without_values

    state = without_values(module)

    def run(sizes: Run, device: str, samples: int = OTHERWISE) -> Recording:
        tensors = {
            name: torch.zeros(samples, *each[1:], dtype=dtype, device=device) for name, (each, dtype) in sizes.items()
        }
        own = state if device == "meta" else {**dict(module.named_parameters()), **dict(module.named_buffers())}
        with aside():
            return traced(module, tensors, own, by_name=inputs.by_name)

    device = "meta"
    try:
        first = run(inputs.runs[0], device, BATCH)
    except (Exception, SystemExit):  # noqa: BLE001
        device = "cpu"
        try:
            first = run(inputs.runs[0], device, BATCH)
        except (Exception, SystemExit) as error:
            shown = ", ".join(f"({', '.join(map(str, each))})" for each, _ in inputs.runs[0].values())
            message = f"`{type(module).__name__}` fails on {shown}"
            missing = isinstance(error, NotImplementedError)
            help = "mend the code: it must run in Python" if missing else "give a shape that it reads, by `--input`"
            raise NotImported(message, said(error), help) from error

    def like_the_first(runs: Sequence[Run]) -> Iterator[Recording]:
        for each in runs:
            with suppress(Exception, SystemExit):
                found = run(each, device)
                if found.outline == first.outline:
                    yield found
                else:
                    first.elsewhere = True

    def alone() -> list[Recording]:
        return [first, _twin(module, first, lambda: run(inputs.runs[0], device))]

    traces = [first, *like_the_first(inputs.runs[1:2])]
    return Recordings(traces, lambda: like_the_first(inputs.runs[2:]), cache(alone))


def _twin(module: Any, first: Recording, again: Callable[[], Recording]) -> Recording:
    """What the module does for another number of samples. Raises NotImported where this is something else."""
    label, found = "", None
    try:
        found = again()
    except (Exception, SystemExit) as error:  # noqa: BLE001
        label = said(error)
    if found is None or found.outline != first.outline:
        message = f"`{type(module).__name__}` does something else for {OTHERWISE} samples than for {BATCH}"
        help = "it must do the same for each: without a loop over samples, or a condition on their number"
        raise NotImported(message, label or _apart(first, found), help)
    return found


def _apart(first: Recording, other: Recording | None) -> str:
    """Where two recordings part, in words."""
    outlines = [[] if each is None else each.outline for each in (first, other)]
    at = next((i for i, (a, b) in enumerate(zip(*outlines, strict=False)) if a != b), min(map(len, outlines)))
    names = [each[at][1] or f"torch's {each[at][0].strip('_')}" if at < len(each) else "nothing" for each in outlines]
    return f"its call {at + 1:,} is `{names[0]}`, and `{names[1]}` for {OTHERWISE}"
