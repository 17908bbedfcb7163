"""A plan run on tensors without values, as the code that is written for it runs with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from planner.autograd import views
from planner.autograd.calls import HANDLERS, Running
from planner.autograd.tape import Tape, UnknownCallError
from planner.autograd.tensors import Storage, Strided
from planner.geometry import SameWindow, Shape
from planner.layers._call import Call
from planner.plan import Plan, Step, Tensor
from planner.training.layouts import StepLayouts


@dataclass(slots=True)
class CodeTensor:
    """A tensor of the plan as the code has it.

    last   whether it has its channels last
    lacks  what it lacks of a batch, as a parameter does: the `size`, where it has an axis of one cell, or the `axis`
    """

    tensor: Strided
    last: bool = False
    lacks: str = ""


@dataclass(eq=False)
class Run:
    """What came of running a plan.

    inputs   the memory of the model's inputs
    outputs  what the model returns
    storages the memory of each tensor of the plan that the code makes
    weights  parameters and buffers by their names in the `state_dict`, and in `owners` the step of each
    unknown  the steps of which it is not known what they keep
    """

    plan: Plan
    tape: Tape
    inputs: list[Storage] = field(default_factory=list)
    weights: dict[str, Strided] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    outputs: list[Strided] = field(default_factory=list)
    storages: dict[Tensor, Storage] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)


def run(plan: Plan, *, batch: int = 1, dtype: str = "float32", autocast: str | None = None) -> Run:
    """Run a complete plan for a batch of so many samples."""
    return _PlanRun(plan, batch, Tape(dtype, autocast)).run()


class _PlanRun:
    def __init__(self, plan: Plan, batch: int, tape: Tape) -> None:
        self.plan, self.batch, self.t = plan, batch, tape
        self.calls = [_calls(step) for step in plan.steps]
        self.layouts = StepLayouts(plan, self.calls)
        self.values: dict[Tensor, CodeTensor] = {}
        self.done = Run(plan, tape)
        self.picked = _picking(plan)

    def run(self) -> Run:
        read = _read(self.plan)
        for i, step in enumerate(self.plan.steps):
            self.t.step = i
            if step.is_input:
                self.values[Tensor(i)] = self._input(i, step)
                continue
            if i not in read:
                self._weights(step)
                continue
            outputs = self._outputs(i, step)
            for o, made in enumerate(outputs):
                self.values[Tensor(i, o)] = made
        self.done.storages = {at: value.tensor.storage for at, value in self.values.items()}
        self.done.outputs = [self.values[each].tensor for each in self.plan.outputs]
        return self.done

    def _input(self, i: int, step: Step) -> CodeTensor:
        last = self.layouts.tensor(Tensor(i))
        shape = step.outputs[0]
        sizes = (self.batch, *(shape if last else shape.torch))
        made = self.t.new(sizes, "int64" if i in self.picked else None, role="input")
        self.done.inputs.append(made.storage)
        return CodeTensor(made, last)

    def _outputs(self, i: int, step: Step) -> list[CodeTensor]:
        calls = self.calls[i]
        if calls[-1].is_tensor:
            return [self._own(i, step, calls[-1])]
        try:
            return self._called(i, step, calls)
        except UnknownCallError:
            self.done.unknown.append(i)
            made = [self.t.new((self.batch, *shape.torch)) for shape in step.outputs]
            for each in made:
                each.grad = True
            return [CodeTensor(each) for each in made]

    def _own(self, i: int, step: Step, call: Call) -> CodeTensor:
        """A parameter or a constant of the network's own."""
        shape = step.outputs[0]
        last = call.layout == "last"
        own = tuple(shape) if last else shape.torch
        sizes = (1, *own) if getattr(step.layer, "batch", False) else own
        whole = bool(step.places)
        if call.target == "nn.Parameter":
            made = self._weight(step, "", sizes)
        else:
            made = self.t.new(sizes, "int64" if whole else None, role="buffer")
        value = CodeTensor(made, last, "size" if len(sizes) > len(own) else "axis")
        return self._moved(value, self.layouts.tensor(Tensor(i)), shape)

    def _weight(self, step: Step, name: str, sizes: Sequence[int]) -> Strided:
        full = self.plan.weight(step, name)
        if full not in self.done.weights:
            trained = name in step.weights
            made = self.t.new(tuple(sizes), role="weight" if trained else "buffer")
            made.grad = made.leaf = trained
            self.done.weights[full] = made
            self.done.owners[full] = self.t.step
        return self.done.weights[full]

    def _weights(self, step: Step) -> Mapping[str, Strided]:
        named = {**step.weights, **(step.facts.buffers if step.facts else {})}
        return {name: self._weight(step, name, sizes) for name, sizes in named.items()}

    # Values as calls want them

    def _moved(self, value: CodeTensor, last: bool, shape: Shape) -> CodeTensor:
        """The value with its channels on a side."""
        if value.last == last or not shape.spatial:
            return value
        first = 0 if value.lacks == "axis" else 1
        x = value.tensor
        moved = views.movedim(self.t, x, first, -1) if last else views.movedim(self.t, x, -1, first)
        return CodeTensor(moved, last, value.lacks)

    def _batched(self, value: CodeTensor, size: int | None = None) -> CodeTensor:
        """The value with a whole batch."""
        if not value.lacks:
            return value
        x = value.tensor
        own = x.sizes if value.lacks == "axis" else x.sizes[1:]
        return CodeTensor(views.expand(self.t, x, (size or self.batch, *own)), value.last)

    def _of_one(self, value: CodeTensor) -> CodeTensor:
        if value.lacks != "axis":
            return value
        return CodeTensor(views.unsqueeze(self.t, value.tensor, 0), value.last, "size")

    def _called(self, i: int, step: Step, calls: tuple[Call, ...]) -> list[CodeTensor]:
        call = calls[-1]
        read = [k for k in range(len(step.sources)) if not step.lends_size(k)]
        values: dict[int, CodeTensor] = {}
        for k in read:
            twin = next((j for j in values if step.sources[j] == step.sources[k]), None)
            if twin is not None and self.layouts.input(i, twin) == self.layouts.input(i, k):
                values[k] = values[twin]  # the same object of Python
                continue
            value = self._across(step, self.values[step.sources[k]], step.sources[k])
            values[k] = value if call.places_channels else self._moved(value, self.layouts.input(i, k), step.inputs[k])
        lacks = ""
        if call.takes_any_batch:
            lacks = min((each.lacks for each in values.values()), key=("", "size", "axis").index)
        elif values and all(each.lacks for each in values.values()) and _is_the_same_for_all(step, call):
            values = {k: self._of_one(each) for k, each in values.items()}
            lacks = "size"
        else:
            loose = call.unbatched if all(values[k].lacks for k in call.unbatched) else ()
            for k in values:
                if k in loose:
                    values[k] = self._without(values[k])
                elif k not in call.repeats:
                    values[k] = self._batched(values[k])
        made = self._results(i, step, calls, values)
        return [replace(each, lacks=lacks) for each in made]

    def _without(self, value: CodeTensor) -> CodeTensor:
        if value.lacks != "size":
            return value
        return CodeTensor(views.select(self.t, value.tensor, 0), value.last, "axis")

    def _across(self, step: Step, value: CodeTensor, source: Tensor) -> CodeTensor:
        """What comes from another block has a batch."""
        maker = self.plan.steps[source.step]
        if not value.lacks or maker.group is step.group:
            return value
        return self._batched(value)

    def _results(self, i: int, step: Step, calls: tuple[Call, ...], values: dict[int, CodeTensor]) -> list[CodeTensor]:
        call = calls[-1]
        xs = [values[k].tensor for k in values]
        last = self.layouts.input(i, 0) if step.sources else False
        size = xs[0].sizes[0] if xs else self.batch
        outputs = [(size, *shape.torch) for shape in step.outputs]
        if call.is_permutation:
            dims: Any = call.args["dims"]
            value = self._moved(values[0], False, step.inputs[0])
            return [CodeTensor(views.permute(self.t, value.tensor, [d % len(dims) for d in dims]))]
        if call.is_rearrangement:
            out_last = self.layouts.tensor(Tensor(i))
            return [CodeTensor(self._rearranged(step, values[0], out_last), out_last)]
        weights = self._weights(step)
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
        weights: Mapping[str, Strided],
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
        return [CodeTensor(x, self.layouts.tensor(Tensor(i, o))) for o, x in enumerate(found)]

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


def _read(plan: Plan) -> set[int]:
    """The steps that some output depends on: the code leaves the others out of its forward pass."""
    found = {tensor.step for tensor in plan.outputs}
    for i in reversed(range(len(plan.steps))):
        if i in found:
            found.update(tensor.step for tensor in plan.steps[i].sources)
    return found


def _calls(step: Step) -> tuple[Call, ...]:
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


def _is_the_same_for_all(step: Step, call: Call) -> bool:
    """Whether a step makes of what is the same for all samples what is again the same for all."""
    layer = step.layer
    assert layer is not None
    varies = layer.stochastic or layer.batch_statistics or layer.declared or "dropout" in type(layer).model_fields
    writes = layer.overwrites(training=True) or layer.overwrites(training=False)
    return not varies and not writes and not call.batches


def _picking(plan: Plan) -> set[int]:
    """The inputs of the model that hold whole numbers which pick something."""
    found: set[Tensor] = set()
    for i in reversed(range(len(plan.steps))):
        step = plan.steps[i]
        indices = step.layer.indices if step.layer is not None else ()
        own = step.layer.places if step.layer is not None else ()
        moved = any(Tensor(i, o) in found and o not in own for o in range(len(step.outputs)))
        for k, ref in enumerate(step.sources):
            if k in indices or (moved and not step.weights):
                found.add(ref)
    return {tensor.step for tensor in found if plan.steps[tensor.step].is_input}
