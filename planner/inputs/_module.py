"""A module of PyTorch as the text of a model file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from planner.faults.not_imported import NotImported
from planner.inputs._given import given_to
from planner.inputs._graph import Graph
from planner.inputs._naming import FROM_FILE
from planner.inputs._stored import Held

if TYPE_CHECKING:
    from torch import Tensor

    from planner.inputs._recording import Recording


def text_of_module(module: Any, name: str, input: Any, example: Any) -> str:
    """The model file of a module, run on tensors of a shape or like examples."""
    try:
        import torch
    except ImportError as error:
        raise NotImported("a module of PyTorch needs PyTorch", help="pip install shape-planner[torch]") from error
    from planner.inputs._choosing import best_text
    from planner.inputs._fixed import with_fixed_weights
    from planner.inputs._lowering import lowered
    from planner.inputs._running import Runner
    from planner.inputs._text import heading

    if not isinstance(module, torch.nn.Module):
        raise NotImported(f"`{name}` is no module of PyTorch, but {_kind(module)}", help="name a class of nn.Module")
    module = _unwrapped(module)
    _must_be_open(module, name)
    with _evaluated(module):
        given = given_to(module, input, example)
        runner = Runner(module, given)
        runs = runner.recordings()
        stored = _stored(module)

        def lower(recordings: Sequence[Recording]) -> Graph:
            return lowered(type(module).__name__, recordings, stored, given.rows)

        graph, text = best_text(name, runs, lower)
    home = f"{type(module).__name__} of {type(module).__module__.removeprefix(FROM_FILE)}"
    notes = [*runner.notes(), *(["For a single sample it does something else."] if runs.apart_for_one() else [])]
    return heading(home, graph, runs.traces[0].decisions, stored, notes) + with_fixed_weights(text, graph)


def _unwrapped(module: Any) -> Any:
    """What was given to torch.compile, or to what spreads a module over devices."""
    import torch

    while True:
        if isinstance(module, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
            module = module.module
        elif hasattr(module, "_orig_mod"):
            module = module._orig_mod
        else:
            return module


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
    numbers = torch.arange(len(row), device=row.device).to(row.dtype)
    return "arange" if max(tensor.shape) == len(row) and torch.equal(row, numbers) else None


def _must_be_open(module: Any, name: str) -> None:
    """Raise NotImported for a module whose calls cannot be seen, or whose sizes are not known yet."""
    import torch
    from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

    if isinstance(module, torch.jit.ScriptModule):
        help = "name the class of which it was made, or save it by `torch.export.save`"
        raise NotImported(f"`{name}` is a scripted module, of which no calls can be seen", help=help)
    if circle := _circle(module, [], set()):
        message = f"`{name}` is a part of itself, as `{'.'.join(circle)}`"
        raise NotImported(message, help="keep what is above a module out of its parts: in a list, or by a function")
    both = (*module.named_parameters(), *module.named_buffers())
    lazy = [each for each, own in both if isinstance(own, UninitializedParameter | UninitializedBuffer)]
    if lazy:
        help = "run the module once before, or write the layer with its channels: nn.Conv2d for nn.LazyConv2d"
        raise NotImported(f"`{name}` is lazy: `{lazy[0]}` has no size yet", help=help)


def _circle(module: Any, above: list[Any], done: set[Any]) -> list[str]:
    """The names from a module to a part of it that it is itself, or that is within itself; none where there is none."""
    for name, part in module.named_children():
        if part is module or part in above:
            return [name]
        if part not in done and (found := _circle(part, [*above, module], done)):
            return [name, *found]
    done.add(module)
    return []


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
