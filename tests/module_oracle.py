"""An imported network beside the original: the same weights, multiply-adds and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import planner
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.report import Report
from planner.workbench import checked_text


def exact(
    module: nn.Module, shape: tuple[int, ...] = (32, 32, 3), *, text: str | None = None, **given: Any
) -> tuple[str, Report]:
    """Import a module and hold it to the original: weights, multiply-adds, outputs. `text` is its model file, where it
    came another way.
    """
    module.eval()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            assert each.running_mean is not None
            assert each.running_var is not None
            each.running_mean.uniform_(-0.1, 0.1)
            each.running_var.uniform_(0.5, 2)
    text = text or planner.import_model(module, input=shape, **given)
    report = checked_text(text, "imported.yaml")
    assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
    state = {
        f"{step.name}.{key}" if key else step.name: sizes
        for step in report.plan.steps
        for key, sizes in step.state.items()
    }
    assert state == {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}, text
    assert report.cost.params == sum(each.numel() for each in module.parameters())
    found = emitted(report)
    again = getattr(module_of(found.text), found.name)().eval()
    again.load_state_dict(module.state_dict())
    own = dict(module.named_buffers())
    for name, each in again.named_buffers():
        each.copy_(own[name]) if name in own else None  # what is in no state_dict
    module.double()
    again.double()
    torch.manual_seed(1)
    x = torch.randn(2, shape[-1], *shape[:-1], dtype=torch.float64)
    with torch.no_grad():
        wanted, got = (flat(each(x)) for each in (module, again))
    if len(wanted) == len(got):  # one may have its channels last where the other has them second
        got = [b if a.shape == b.shape or b.dim() < 3 else b.movedim(1, -1) for a, b in zip(wanted, got, strict=True)]
    assert [each.shape for each in wanted] == [each.shape for each in got], text
    for a, b in zip(wanted, got, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-9), text
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.to("meta")(x.to("meta")[:1])
    assert report.cost.macs == counter.get_total_flops() // 2 or not _counts_all(module)
    return text, report


def _counts_all(module: nn.Module) -> bool:
    """Whether the counter sees what a module computes: it misses fused attention and recurrent layers."""
    unseen = nn.MultiheadAttention | nn.TransformerEncoderLayer | nn.RNNBase
    return not any(isinstance(each, unseen) for each in module.modules())


def flat(data: Any) -> list[Tensor]:
    """The tensors that a network gives, however they are nested."""
    return [data] if isinstance(data, Tensor) else [one for each in data for one in flat(each)]


def of(forward: Callable[..., Any], **parts: nn.Module) -> nn.Module:
    """A module with parts, whose forward pass is a function."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                self.add_module(name, part)

        def forward(self, x: Tensor) -> Any:
            return forward(self, x)

    return Net()
