"""What is measured of one network: whether its import is exact, what it loses, and how it plans at another size."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import planner
from planner.analyses.reach import reach
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.plan import Plan
from planner.rules._near import near_sizes
from planner.rules._waste import leaving_out, wastes
from planner.workbench import Checked, checked_text
from zoo.networks import Network, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

CLOSE = 1e-9
"""How far outputs may be apart, as a part of the largest one, in float64."""
MUCH = 5 * 10**9
"""Multiply-adds of a sample from which on outputs are compared of one sample in place of two."""
LARGER = (64, 96, 32)
"""How many cells the axes are longer at the other size."""

DROPPING = {"NSP321", "NSP322"}
"""Findings of layers that leave out cells which nothing else reads."""


class NotExact(Exception):
    """What keeps an import from being the network, in a sentence."""


def measured(network: Network) -> dict[str, Any]:
    """Everything that the page says of a network."""
    import torch

    torch.manual_seed(0)
    module = network.made().eval().requires_grad_(False)  # torch counts no parameter that is handed on as it is
    spread(module)
    text = planner.import_model(module, input=network.input)
    report = checked_text(text, f"{network.name}.yaml")
    return {
        "params": sum(each.numel() for each in module.parameters()),
        **losses(report),
        "larger": at_larger(network, module, text),
        "why_not": why_not_exact(network, module, text, report),
    }


def spread(module: nn.Module) -> None:
    """Give moving statistics values, so that it shows where they are mixed up."""
    for each in module.modules():
        statistics: Any = each
        if getattr(each, "running_mean", None) is not None:
            statistics.running_mean.uniform_(-0.1, 0.1)
            statistics.running_var.uniform_(0.5, 2)


# What it loses


def losses(report: Checked) -> dict[str, Any]:
    """What is never read and what is computed for nothing, with the layers that leave it out."""
    plan = report.plan
    if report.reach is None:
        return {"macs": report.cost.known_macs}
    unread = sum(each.cells for each in report.unread_inputs.values())
    leaving = leaving_out(report, plan.numbers[plan.inputs[0].name]) if unread else []
    spent = sorted(wastes(report), key=lambda each: -each.macs)
    return {
        "macs": report.cost.known_macs,
        "unread": unread,
        "unread_by": [plan.steps[i].name for i in leaving],
        "read_at": near_sizes(report, _unread) if unread else [],
        "dropping": sum(each.code in DROPPING for each in report.diagnostics),
        "wasted": report.reach.known_waste,
        "wasted_by": [[plan.steps[each.step].name, each.macs] for each in spent[:3]],
    }


def _unread(plan: Plan) -> int:
    """The number of cells of the input that are never read."""
    found = reach(plan)
    own = found.unread[plan.numbers[plan.inputs[0].name]] if found else None
    return own[0].cells if own else 0


# Whether it is the network


def why_not_exact(network: Network, module: nn.Module, text: str, report: Checked) -> str:
    """Why an import is not exact; nothing where it is."""
    try:
        must_be_exact(network, module, text, report)
    except NotExact as reason:
        return str(reason)
    except Exception as error:  # noqa: BLE001 - whatever code comes of an import is run
        return f"{type(error).__name__}: {error}"
    return ""


def must_be_exact(network: Network, module: nn.Module, text: str, report: Checked) -> None:
    """Raise NotExact where an import differs from the network: weights, shapes, multiply-adds, outputs."""
    import torch

    if faults := [each.message for each in report.diagnostics if each.severity == "error"]:
        raise NotExact(faults[0])
    if opaque := re.search(r"^# (\d+ of \d+ steps? (?:is|are) opaque):\n((?:#   .*\n)+)", text, re.MULTILINE):
        raise NotExact(f"{opaque[1]}: {'; '.join(re.findall(r'^#   (.*)$', opaque[2], re.MULTILINE)[:3])}")
    ours = {
        f"{step.name}.{key}" if key else step.name: size
        for step in report.plan.steps
        for key, size in step.state.items()
    }
    theirs = {name: tuple(each.shape) for name, each in module.state_dict().items() if not is_left_out(name, text)}
    if wrong := sorted(ours.items() ^ theirs.items()):
        raise NotExact(f"other weights: {wrong[0][0]}")
    original = run(module, network.input)
    must_have_its_shapes(report, original.values)
    if report.cost.macs != original.macs and not uncounted(module):
        raise NotExact(f"{report.cost.known_macs:,} multiply-adds in place of {original.macs:,}")
    code = emitted(report)
    again = getattr(module_of(code.text), code.name)().eval()
    again.load_state_dict({name: each for name, each in module.state_dict().items() if name in theirs})
    kept = dict(module.named_buffers())
    for name, buffer in again.named_buffers():
        if name in kept:
            buffer.copy_(kept[name])
    samples = 1 if original.macs > MUCH else 2
    x = torch.randn(samples, network.input[-1], *network.input[:-1], dtype=torch.float64)
    with torch.no_grad():
        must_agree([*tensors(module.double()(x))], [*tensors(again.double()(x))])


def is_left_out(name: str, text: str) -> bool:
    """Whether the head of a file says of a weight that the network does not use it in evaluation, or that it is stored
    under another name too.
    """
    listed = re.findall(r"^# (?:Not used in .*?|Stored under .*?): (.*)$", text, re.MULTILINE)
    names = [each.partition(" is ")[0] for line in listed for each in line.split(", ")]
    return any(f"{name}.".startswith(f"{each}.") for each in names)


def must_have_its_shapes(report: Checked, counts: dict[str, list[int]]) -> None:
    """Raise NotExact where the output of a module with weights has another number of values than that of its step."""
    steps: defaultdict[str, list[int]] = defaultdict(list)
    for step in report.plan.steps:
        if step.state and counts.get(step.name) and step.outputs:
            steps[step.name].append(step.outputs[0].elements)
    for name, own in steps.items():
        if own != counts[name][: len(own)]:
            raise NotExact(f"`{name}` gives {own[0]:,} values in place of {counts[name][0]:,}")


def must_agree(wanted: list[Tensor], got: list[Tensor]) -> None:
    """Raise NotExact where outputs differ. One may have its channels last where the network has them second."""
    if len(wanted) != len(got):
        raise NotExact(f"{len(got)} outputs in place of {len(wanted)}")
    for theirs, ours in zip(wanted, got, strict=True):
        if ours.shape != theirs.shape and ours.dim() == theirs.dim() > 2:
            ours = ours.movedim(1, -1)
        if ours.shape != theirs.shape:
            raise NotExact(f"an output of {tuple(ours.shape)} in place of {tuple(theirs.shape)}")
        apart = float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))
        if not apart < CLOSE:
            raise NotExact(f"outputs differ by {apart:.1e}")


class Run(NamedTuple):
    """What a network gave for one sample.

    values  how many values each of its layers gave, call by call, by its name
    macs    PyTorch's count of multiply-adds
    """

    outputs: list[Tensor]
    values: dict[str, list[int]]
    macs: int


def run(module: nn.Module, shape: Shape) -> Run:
    """Run a network on one sample, without values where it can be run so."""
    try:
        return _run(deepcopy(module).to("meta"), shape, "meta")
    except Exception:  # noqa: BLE001 - of somebody else's code
        return _run(module, shape, "cpu")


def _run(module: nn.Module, shape: Shape, device: str) -> Run:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    values: dict[str, list[int]] = {}
    layers = [(name, each) for name, each in module.named_modules() if name and not [*each.children()]]
    hooks = [each.register_forward_hook(_counting(values.setdefault(name, []))) for name, each in layers]
    x = torch.zeros(1, shape[-1], *shape[:-1], device=device)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            outputs = [*tensors(module(x))]
    finally:
        for hook in hooks:
            hook.remove()
    return Run(outputs, values, counter.get_total_flops() // 2)


def _counting(found: list[int]) -> Any:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        found.extend(each.numel() for each in [*tensors(output)][:1])

    return hook


def uncounted(module: nn.Module) -> bool:
    """Whether a network has layers that PyTorch's counter does not see."""
    from torch import nn

    return any(isinstance(each, nn.LSTM | nn.GRU | nn.RNN) for each in module.modules())


def tensors(data: Any) -> Iterator[Tensor]:
    """All tensors in what a network returns."""
    import torch

    if isinstance(data, torch.Tensor):
        yield data
    elif isinstance(data, dict):
        yield from tensors(list(data.values()))
    elif isinstance(data, tuple | list):
        for each in data:
            yield from tensors(each)


# At another size


def at_larger(network: Network, module: nn.Module, text: str) -> str:
    """How the file plans at a larger size against the network run there: `same`, `both refuse`, `the file refuses`,
    `the network refuses`, `different`.
    """
    *spatial, channels = network.input
    shape = (*(n + more for n, more in zip(spatial, LARGER, strict=False)), channels)
    report = checked_text(text, "larger.yaml", input=shape)
    planned = report.plan.complete and not any(each.severity == "error" for each in report.diagnostics)
    try:
        wanted = Counter(_plain(each.shape[1:]) for each in run(module, shape).outputs)
    except Exception:  # noqa: BLE001 - of somebody else's code
        return "the network refuses" if planned else "both refuse"
    if not planned:
        return "the file refuses"
    got = Counter(_plain(found) for each in report.plan.outputs if (found := report.plan.shape(each)))
    return "same" if got == wanted else "different"


def _plain(shape: Any) -> tuple[int, ...]:
    """A shape in whatever order its axes have."""
    return tuple(sorted(shape))
