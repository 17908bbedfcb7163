"""The calls of one step run on tensors without values, as the code makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from planner.autograd import views
from planner.autograd.calls import HANDLERS, Running
from planner.autograd.tape import Tape, UnknownCallError
from planner.autograd.tensors import Strided
from planner.geometry import SameWindow, Shape
from planner.layers._call import Call
from planner.plan import Step, Tensor
from planner.training.layouts import StepLayouts

Weights = Mapping[str, Strided]


@dataclass(slots=True)
class CodeTensor:
    """A tensor of the plan as the code has it.

    last   whether it has its channels last
    lacks  what it lacks of a batch, as a parameter does: the `size`, where it has an axis of one cell, or the `axis`
    """

    tensor: Strided
    last: bool = False
    lacks: str = ""


def moved(t: Tape, value: CodeTensor, last: bool, shape: Shape) -> CodeTensor:
    """The value with its channels on a side."""
    if value.last == last or not shape.spatial:
        return value
    first = 0 if value.lacks == "axis" else 1
    x = value.tensor
    tensor = views.movedim(t, x, first, -1) if last else views.movedim(t, x, -1, first)
    return CodeTensor(tensor, last, value.lacks)


@dataclass(eq=False, slots=True)
class StepCalls:
    """The calls of steps.

    weights  gives the parameters and buffers of a step by its layer's names
    """

    t: Tape
    layouts: StepLayouts
    weights: Callable[[Step], Weights]

    def run(
        self, i: int, step: Step, calls: tuple[Call, ...], values: dict[int, CodeTensor], batch: int
    ) -> list[CodeTensor]:
        """What a step makes of the values that it reads, by their places among its sources."""
        call = calls[-1]
        xs = [values[k].tensor for k in values]
        last = self.layouts.input(i, 0) if step.sources else False
        size = xs[0].sizes[0] if xs else batch
        outputs = [(size, *shape.torch) for shape in step.outputs]
        if call.is_permutation:
            dims: Any = call.args["dims"]
            value = moved(self.t, values[0], False, step.inputs[0])
            return [CodeTensor(views.permute(self.t, value.tensor, [d % len(dims) for d in dims]))]
        if call.is_rearrangement:
            out_last = self.layouts.tensor(step.group, Tensor(i))
            return [CodeTensor(self._rearranged(step, values[0], out_last), out_last)]
        weights = self.weights(step)
        for early in calls[:-1]:
            first = Running(self.t, early.args, xs[:1], {}, outputs, last, name=early.target)
            xs[0] = _tensors(_handler(early)(first))[0]
        order = list(values)
        numbers = call.reads if call.reads is not None else tuple(range(len(step.sources)))
        xs = [xs[order.index(k)] for k in numbers if k in values]
        return self._run_call(i, step, call, xs, weights, outputs, last)

    def _run_call(
        self,
        i: int,
        step: Step,
        call: Call,
        xs: list[Strided],
        weights: Weights,
        outputs: list[tuple[int, ...]],
        last: bool,
    ) -> list[CodeTensor]:
        t = self.t
        xs = [views.transpose(t, x, x.dim - 2, x.dim - 1) if k in call.turned else x for k, x in enumerate(xs)]
        if call.widened:
            xs = [
                self._widened(x, more, len(step.inputs[k]))
                for k, (x, more) in enumerate(zip(xs, call.widened, strict=True))
            ]
        if call.batched_at:
            xs = [
                views.contiguous(t, views.movedim(t, x, 0, at)) if at else x
                for x, at in zip(xs, call.batched_at, strict=True)
            ]
        mask = xs.pop() if "attn_mask" in call.named else None
        causal = bool(call.causal) and any(call.forward.get(flag) for flag in ("is_causal", "tgt_is_causal"))
        if call.causal and not causal:
            mask = t.new((xs[0].sizes[-2],) * 2, xs[0].dtype)
        running = Running(t, call.args, xs, weights, outputs, last, causal=causal, mask=mask, name=call.target)
        if call.in_rows:
            made = self._in_rows(running, call)
        elif call.batch_axes:
            made = self._folded(running, call)
        else:
            handler = _handler(call)
            made = handler(running, turned=True) if call.reversed else handler(running)
        found = _tensors(made)[: len(step.outputs)]
        if call.batches:
            found = [views.movedim(t, x, at, 0) if at else x for x, at in zip(found, call.batches, strict=True)]
        return [CodeTensor(x, self.layouts.tensor(step.group, Tensor(i, o))) for o, x in enumerate(found)]

    def _widened(self, x: Strided, more: int, axes: int) -> Strided:
        if x.dim == axes:  # without a batch PyTorch adds such axes by itself
            return x
        for _ in range(more):
            x = views.unsqueeze(self.t, x, 1)
        return x

    def _in_rows(self, c: Running, call: Call) -> Any:
        """Axes before a sequence go into the batch and back."""
        batch = c.x.sizes[:-2]
        wide = c.x.dim > 3
        rows = [views.flatten(self.t, x, 0, x.dim - 3) if wide else x for x in c.xs]
        if c.mask is not None:
            sizes = (*batch, c.args["num_heads"], c.x.sizes[-2], c.xs[1].sizes[-2])
            whole = views.expand(self.t, c.mask, sizes)
            c.mask = views.flatten(self.t, whole, 0, whole.dim - 3)
        c.xs = rows
        made = _tensors(_handler(call)(c))
        out = made[0]
        return [views.unflatten(self.t, out, 0, batch) if len(batch) > 1 else out, *made[1:]]

    def _folded(self, c: Running, call: Call) -> Any:
        """Axes before the module's own go into the batch and back."""
        x = c.x
        rank = x.dim - 2 - call.batch_axes
        samples = views.movedim(self.t, x, 1, -rank - 1)
        lead = samples.sizes[: 1 + call.batch_axes]
        c.xs = [views.flatten(self.t, samples, 0, call.batch_axes)]
        _, channels, *spatial = c.outputs[0]
        c.outputs = [(prod(lead), channels, *spatial[call.batch_axes :])]
        out = _tensors(_handler(call)(c))[0]
        return views.movedim(self.t, views.unflatten(self.t, out, 0, lead), -rank - 1, 1)

    def _rearranged(self, step: Step, value: CodeTensor, last: bool) -> Strided:
        """Axes parted into pieces, put in another order and joined, as the code does it."""
        pieces = step.links[0][0].pieces
        assert pieces is not None
        ins, outs = [list(axis) for axis in pieces.ins], [list(axis) for axis in pieces.outs]
        # A vector has its channels at one place alone
        ins = ins if value.last else [ins[-1], *ins[:-1]]
        outs = outs if last else [outs[-1], *outs[:-1]]
        x = value.tensor
        for dim, axis in reversed([*enumerate(ins, 1)]):
            if len(axis) > 1:
                x = views.unflatten(self.t, x, dim, [pieces.sizes[p] for p in axis])
            elif not axis:
                x = views.squeeze(self.t, x, dim)
        here = [p for axis in ins for p in axis]
        wanted = [p for axis in outs for p in axis]
        x = views.permute(self.t, x, (0, *(here.index(p) + 1 for p in wanted)))
        begin = 1 + len(wanted)
        for axis in reversed(outs):
            begin -= len(axis)
            if len(axis) > 1:
                x = views.flatten(self.t, x, begin, begin + len(axis) - 1)
        for dim, axis in enumerate(outs, 1):
            if not axis:
                x = views.unsqueeze(self.t, x, dim)
        return x


def calls_of(step: Step) -> tuple[Call, ...]:
    """The calls of a step; the code pads as TensorFlow does also where no padding is needed."""
    if step.layer is None:
        return ()
    calls = step.layer.calls(*step.inputs)
    maps = [axis for links in step.links for link in links for axis in link.axes]
    if len(calls) > 1 or "uncounted" in calls[0].args or not any(isinstance(axis, SameWindow) for axis in maps):
        return calls
    windows = [axis.at(n) for axis, n in zip(maps, step.inputs[0].spatial, strict=True) if isinstance(axis, SameWindow)]
    sides = [side for window in reversed(windows) for side in (window.before, window.after)]
    own = {name: each for name, each in calls[0].args.items() if name not in ("padding", "padding_mode")}
    return (Call("F.pad", {"pad": tuple(sides), "mode": windows[0].mode}), replace(calls[0], args=own))


def _handler(call: Call) -> Any:
    if call.target not in HANDLERS:
        raise UnknownCallError(call.target)
    return HANDLERS[call.target]


def _tensors(made: Any) -> list[Strided]:
    return [made] if isinstance(made, Strided) else list(made)
