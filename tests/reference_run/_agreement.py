"""Whether emitted code computes what the plan says, value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from planner.outputs.code.torch import Emitted
from planner.outputs.code.torch.building import module_of
from planner.report import Report
from reference_run._plans import run
from reference_run._values import inputs_of, weights_of

CLOSE = 1e-9
"""How far apart numbers may be, as a part of the largest in their tensor."""
ROUNDING = 1e-14
"""The same, as a part of the largest in the whole run."""


NONE: Mapping[str, Any] = {}


def differences(
    report: Report, found: Emitted, *, arguments: Mapping[str, Any] = NONE, within: str = "", seed: int = 0
) -> list[str]:
    """In what the emitted model differs from the reference run of a plan, with the same weights and inputs.

    arguments  what the emitted class is called with
    within     the call in the plan, of a single one, whose module the emitted class is
    """
    plan = report.plan
    weights, inputs = weights_of(plan, seed), inputs_of(plan, seed)
    outcome = run(plan, weights, inputs, seed=seed)
    wanted = outcome.outputs
    rounding = ROUNDING * max(scale(value) for values in outcome.values.values() for value in values)
    prefix = f"{within}." if within else ""
    module = _made(found, {name.removeprefix(prefix): each for name, each in weights.items()}, arguments)
    given = [x.movedim(1, -1) if side == "last" else x for x, side in zip(inputs, found.inputs, strict=True)]
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)
        result = module(*(x.clone() for x in given))
    got = [result] if isinstance(result, Tensor) else list(result)
    if len(got) != len(wanted):
        return [f"{len(got)} outputs instead of {len(wanted)}"]
    back = [y.movedim(-1, 1) if side == "last" else y for y, side in zip(got, found.outputs, strict=True)]
    return [
        f"output {k} {each}"
        for k, pair in enumerate(zip(back, wanted, strict=True))
        for each in _apart(*pair, rounding)
    ]


def _made(found: Emitted, weights: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> nn.Module:
    """The emitted model with the weights; others are drawn first only where it has more than its state_dict says."""
    make: Callable[[], nn.Module] = partial(getattr(module_of(found.text), found.name), **arguments)
    with torch.device("meta"):
        module = make()
    module.load_state_dict(weights, strict=True, assign=True)
    if any(each.is_meta for each in module.buffers()):
        module = make().double()
        module.load_state_dict(weights, strict=True)
    return module.eval()


def _apart(got: Tensor, wanted: Tensor, rounding: float) -> Iterator[str]:
    if got.shape != wanted.shape:
        yield f"is {_sizes(got.shape)} instead of {_sizes(wanted.shape)}"
    elif not torch.equal(got.isnan(), wanted.isnan()):
        yield "is not a number elsewhere"
    elif not torch.allclose(got, wanted, rtol=0, atol=max(CLOSE * scale(wanted), rounding), equal_nan=True):
        yield f"differs by {(got - wanted).abs().nan_to_num().max():.3g}, where the largest is {scale(wanted):.3g}"


def scale(x: Tensor) -> float:
    """The largest of the numbers that are finite."""
    finite = x[x.isfinite()].abs()
    return float(finite.max()) if finite.numel() else 0.0


def _sizes(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
