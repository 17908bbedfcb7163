"""A plan run on tensors without values, as the code that is written for it runs with PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from planner.autograd import views
from planner.autograd.tape import Tape, UnknownCallError
from planner.autograd.tensors import Storage, Strided
from planner.layers._call import Call
from planner.layers._layer import COUNTER
from planner.model import Group
from planner.plan import Plan, Step, Tensor
from planner.training.layouts import StepLayouts
from planner.training.passes import ForwardPasses, PassMember
from planner.training.steps import CodeTensor, StepCalls, calls_of, moved


@dataclass(eq=False)
class TrainingRun:
    """What came of running a plan.

    inputs   the memory of the model's inputs
    outputs  what the model returns
    tensors  the tensors of the plan that the code makes, as it makes them
    weights  parameters and buffers by their names in the `state_dict`, and in `owners` the step of each
    unknown  the steps of which it is not known what they keep
    """

    plan: Plan
    tape: Tape
    inputs: list[Storage] = field(default_factory=list)
    weights: dict[str, Strided] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    outputs: list[Strided] = field(default_factory=list)
    tensors: dict[Tensor, Strided] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)


def run(plan: Plan, *, batch: int = 1, dtype: str = "float32", autocast: str | None = None) -> TrainingRun:
    """Run a complete plan for a batch of so many samples."""
    running = _PlanRun(plan, batch, Tape(dtype, autocast))
    running.done.outputs = [value.tensor for value in _PassRun(running, None, {}, batch).run()]
    return running.done


class _PlanRun:
    """What all forward passes of a run have in common."""

    def __init__(self, plan: Plan, batch: int, tape: Tape) -> None:
        self.plan, self.batch, self.t = plan, batch, tape
        self.calls = [calls_of(step) for step in plan.steps]
        self.passes = ForwardPasses(plan)
        self.layouts = StepLayouts(plan, self.passes, self.calls)
        self.done = TrainingRun(plan, tape)
        self.picked = _picking(plan)
        self.steps = StepCalls(tape, self.layouts, self.weights)

    def weight(self, step: Step, name: str, sizes: Sequence[int]) -> Strided:
        """A parameter or a buffer of a step, which other steps may have too."""
        full = self.plan.weight(step, name)
        if full not in self.done.weights:
            trained = name in step.weights
            dtype = "int64" if name == COUNTER else None
            made = self.t.new(tuple(sizes), dtype, role="weight" if trained else "buffer")
            made.grad = made.leaf = trained
            self.done.weights[full] = made
            self.done.owners[full] = self.t.step
        return self.done.weights[full]

    def weights(self, step: Step) -> Mapping[str, Strided]:
        named = {**step.weights, **(step.facts.buffers if step.facts else {})}
        return {name: self.weight(step, name, sizes) for name, sizes in named.items()}

    def leave_out(self, member: PassMember) -> None:
        """Note the weights of what does not run."""
        for i in [member] if isinstance(member, int) else range(member.first, member.last):
            self.t.step = i
            if not self.plan.steps[i].is_input:
                self.weights(self.plan.steps[i])

    def is_the_same_for_all(self, member: PassMember) -> bool:
        """Whether a step or a block makes of what is the same for all samples what is again the same for all."""
        if isinstance(member, Group):
            return all(self.is_the_same_for_all(i) for i in range(member.first, member.last))
        layer, calls = self.plan.steps[member].layer, self.calls[member]
        if layer is None or calls[-1].is_tensor:
            return layer is not None
        varies = layer.stochastic or layer.batch_statistics or layer.declared or "dropout" in type(layer).model_fields
        writes = layer.overwrites(training=True) or layer.overwrites(training=False)
        return not varies and not writes and not calls[-1].batches


class _PassRun:
    """One forward pass of a block, or of the model, on the values that it is given, for a batch of such a size.

    values  the tensors that are known in it
    left    how often each is still to be read
    """

    def __init__(self, running: _PlanRun, group: Group | None, given: Mapping[Tensor, CodeTensor], batch: int) -> None:
        self.running, self.t, self.plan = running, running.t, running.plan
        self.group, self.batch = group, batch
        self.forward = running.passes.all[group]
        self.values = dict(given)
        self.left = Counter(self.forward.left)

    def run(self) -> list[CodeTensor]:
        """Run the pass of a block, and return the tensors that the block returns."""
        for member in self.forward.members:
            if member not in self.forward.living and not self._is_input(member):
                self.running.leave_out(member)
                continue
            made = self._block(member) if isinstance(member, Group) else self._step(member)
            for tensor, value in made.items():
                self.values[tensor] = value
                self.running.done.tensors[tensor] = value.tensor
            self.left.subtract(self.running.passes.read(member))
        layouts = self.running.layouts
        self.t.hold(self.values[tensor].tensor for tensor in self.running.passes.variables(self.forward))
        return [
            self._moved(self._batched(self.values[tensor], tensor), tensor, layouts.output(self.group, k))
            for k, tensor in enumerate(self.forward.outputs)
        ]

    def _is_input(self, member: PassMember) -> bool:
        return isinstance(member, int) and self.plan.steps[member].is_input

    def _step(self, i: int) -> dict[Tensor, CodeTensor]:
        step = self.plan.steps[i]
        self.t.step = i
        if step.is_input:
            return {Tensor(i): self._input(i, step)}
        calls = self.running.calls[i]
        if calls[-1].is_tensor:
            return {Tensor(i): self._own(i, step, calls[-1])}
        try:
            made = self._called(i, step, calls)
        except UnknownCallError:
            self.running.done.unknown.append(i)
            made = [CodeTensor(self.t.new((self.batch, *shape.torch))) for shape in step.outputs]
            for each in made:
                each.tensor.grad = True
        return {Tensor(i, o): each for o, each in enumerate(made)}

    def _input(self, i: int, step: Step) -> CodeTensor:
        last = self.running.layouts.tensor(None, Tensor(i))
        shape = step.outputs[0]
        sizes = (self.batch, *(shape if last else shape.torch))
        made = self.t.new(sizes, "int64" if i in self.running.picked else None, role="input")
        self.running.done.inputs.append(made.storage)
        return CodeTensor(made, last)

    def _own(self, i: int, step: Step, call: Call) -> CodeTensor:
        """A parameter or a constant of the network's own."""
        shape = step.outputs[0]
        last = call.layout == "last"
        own = tuple(shape) if last else shape.torch
        sizes = (1, *own) if getattr(step.layer, "batch", False) else own
        if step.weights:
            made = self.running.weight(step, "", sizes)
        else:
            made = self.t.new(sizes, "int64" if step.places else None, role="buffer")
        value = CodeTensor(made, last, "size" if len(sizes) > len(own) else "axis")
        return self._moved(value, Tensor(i), self.running.layouts.tensor(self.group, Tensor(i)))

    # Values as they are wanted

    def _moved(self, value: CodeTensor, tensor: Tensor, last: bool) -> CodeTensor:
        shape = self.plan.shape(tensor)
        assert shape is not None
        return moved(self.t, value, last, shape)

    def _batched(self, value: CodeTensor, tensor: Tensor) -> CodeTensor:
        """The value with a whole batch, which it then has for all that read it later."""
        if not value.lacks:
            return value
        x = value.tensor
        own = x.sizes if value.lacks == "axis" else x.sizes[1:]
        made = CodeTensor(views.expand(self.t, x, (self.batch, *own)), value.last)
        if self.left[tensor] > 1:
            self.values[tensor] = made
        return made

    def _of_one(self, value: CodeTensor) -> CodeTensor:
        if value.lacks != "axis":
            return value
        return CodeTensor(views.unsqueeze(self.t, value.tensor, 0), value.last, "size")

    def _without(self, value: CodeTensor) -> CodeTensor:
        if value.lacks != "size":
            return value
        return CodeTensor(views.select(self.t, value.tensor, 0), value.last, "axis")

    # Calls

    def _block(self, group: Group) -> dict[Tensor, CodeTensor]:
        """What a block makes of what it is given; where that is the same for all samples, it may work on one."""
        running, layouts = self.running, self.running.layouts
        sources = running.passes.read(group)
        given = [self._moved(self.values[each], each, layouts.tensor(group, each)) for each in sources]
        alone = all(each.lacks for each in given) and not (len(sources) > 1 and running.passes.is_repeated(group))
        alone = alone and running.is_the_same_for_all(group)
        if alone:
            given = [replace(self._of_one(each), lacks="") for each in given]
        else:
            given = [self._batched(each, source) for each, source in zip(given, sources, strict=True)]
        inner = _PassRun(running, group, dict(zip(sources, given, strict=True)), 1 if alone else self.batch)
        made = zip(running.passes.made(group), inner.run(), strict=True)
        return {tensor: replace(each, lacks="size" if alone else "") for tensor, each in made}

    def _called(self, i: int, step: Step, calls: tuple[Call, ...]) -> list[CodeTensor]:
        call, layouts = calls[-1], self.running.layouts
        values: dict[int, CodeTensor] = {}
        for k, source in enumerate(step.sources):
            if step.lends_size(k):
                continue
            value = self.values[source]
            fed = self._is_looped(i) and value.last != layouts.input(i, k)
            twins = [j for j in values if step.sources[j] == source and (j or not fed)]
            if twins and layouts.input(i, twins[0]) == layouts.input(i, k):
                values[k] = values[twins[0]]  # the same object of Python
                continue
            values[k] = value if call.places_channels else self._moved(value, source, layouts.input(i, k))
        boxed = self._is_boxed(i, call)
        lacks = ""
        if call.takes_any_batch and not boxed:
            lacks = min((each.lacks for each in values.values()), key=("", "size", "axis").index)
        elif values and all(each.lacks for each in values.values()) and self.running.is_the_same_for_all(i):
            values = {k: self._of_one(each) for k, each in values.items()}
            lacks = "size"
        else:
            loose = call.unbatched if not boxed and all(values[k].lacks for k in call.unbatched) else ()
            for k in values:
                if k in loose:
                    values[k] = self._without(values[k])
                elif boxed or k not in call.repeats:
                    values[k] = self._batched(values[k], step.sources[k])
        made = self.running.steps.run(i, step, calls, values, self.batch)
        return [replace(each, lacks=lacks) for each in made]

    def _is_looped(self, i: int) -> bool:
        """Whether a step is called in a loop, in which its first input is what the call before made."""
        return self.running.passes.is_repeated(i) and len(self.plan.steps[i].sources) > 1

    def _is_boxed(self, i: int, call: Call) -> bool:
        """Whether a step is called as a module, whatever is in there."""
        entry = self.running.passes.entry(i)
        return call.is_module and entry is not None and (entry.repeats or entry.when not in (None, True))


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
