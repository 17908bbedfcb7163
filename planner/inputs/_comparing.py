"""Whether a model file computes what a module computes: both are run on the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from planner.inputs._general import shapes_of
from planner.inputs._naming import aside
from planner.inputs._recording import Recording, TensorValue, each_of
from planner.inputs.torch_module import as_before
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.workbench import checked_text

CLOSE = 1e-3
"""How far outputs may be apart, as a part of how far those of two samples are: they are computed in float32."""


def computes_the_same(module: nn.Module, text: str, run: Recording, *, by_name: bool) -> bool:
    """Whether the code of a model file gives what a module gives, for inputs of a run's size and weights at random."""
    shapes = shapes_of(run)
    report = checked_text(text, input=shapes if len(shapes) > 1 else next(iter(shapes.values())))
    if not report.builds or any(each.is_meta for each in module.parameters()):
        return False
    draw = torch.Generator().manual_seed(0)
    given = {name: _numbers(each, draw) for name, each in run.inputs.items()}
    with torch.no_grad(), aside(), as_before(module), _at_random(module, draw):
        code = emitted(report)
        again = getattr(module_of(code.text), code.name)().eval()
        own = {**dict(module.named_buffers()), **module.state_dict()}
        for name, each in (*again.named_parameters(), *again.named_buffers()):
            if name in own:  # the others are constants, which the code fills
                each.copy_(own[name])
        wanted = module(**given) if by_name else module(*given.values())
        got = again(*given.values())
    return _alike([*each_of(Tensor, wanted)], [*each_of(Tensor, got)])


def _numbers(value: TensorValue, draw: torch.Generator) -> Tensor:
    """Numbers at random for an input; whole ones are 0 and 1, which a table of any size has."""
    sizes = (2, *value.sizes[1:])
    if value.type == "float":
        return torch.randn(sizes, generator=draw)
    return torch.randint(2, sizes, generator=draw, dtype=torch.bool if value.type == "truth" else torch.long)


def _alike(wanted: list[Tensor], got: list[Tensor]) -> bool:
    return len(wanted) == len(got) and all(
        a.shape == b.shape and bool((a - b).abs().max() < CLOSE * (a[0] - a[1]).abs().max())
        for a, b in zip(wanted, got, strict=True)
    )


@contextmanager
def _at_random(module: nn.Module, draw: torch.Generator) -> Iterator[None]:
    """The module with other weights, none of which is without effect, and afterwards as it was."""
    changed = {
        name: each
        for name, each in (*module.named_parameters(), *module.named_buffers())
        if each.is_floating_point() and (isinstance(each, nn.Parameter) or name.endswith(STATISTICS))
    }
    before = {name: each.clone() for name, each in changed.items()}
    try:
        for name, each in changed.items():
            more = torch.randn(each.shape, generator=draw) * (GAIN / each[0].numel() ** 0.5 if each.dim() > 1 else 0.1)
            scale = each.dim() == 1 and name.endswith("weight") and bool(each.abs().max() < 0.5)
            each.add_(more.to(each) + scale)
            if name.endswith("var"):
                each.abs_()
        yield
    finally:
        for name, each in changed.items():
            each.copy_(before[name])


GAIN = 1.4
"""By which a layer enlarges what it reads, so that it neither fades nor grows on the way."""
STATISTICS = ("running_mean", "running_var")
