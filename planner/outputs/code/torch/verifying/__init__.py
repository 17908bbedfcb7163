"""What a program must match to be the plan: the entries of the state_dict, the shapes, and the values.

A request to `running` is JSON. A run in it `looks` for steps that the code does not come to, although the outputs are
right, and tells the first or, with `every`, all of them. A call has the fields of `Call`; a tuple is a list, a slice is
`{"slice": […]}`, and a call among the arguments of another one is written as itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.layers._call import Call
from planner.outputs._screen import printable
from planner.outputs.code.torch import Emitted
from planner.outputs.code.torch.building import must_be_known
from planner.outputs.code.torch.indices import picked
from planner.outputs.code.torch.verifying.sizing import Compared, at
from planner.plan import Plan, Step, Tensor
from planner.words import counted

CodeDifference = tuple[str, str, str]
"""A difference: where, what is planned, what the code has."""

MOST_TOLD = 20
"""Differences that are told one by one."""


# The request


def request(plan: Plan, emitted: Emitted, compared: Compared, *, every: bool = False) -> dict[str, Any]:
    """What `running` is to do: a run with values and, unless that is at the file's size, before it one with shapes
    alone, on the meta device. Raises the fault of code that is not to be run.

    every  every step that the code does not come to is told, not just the first, and although the outputs are right
    """
    must_be_known(plan)
    runs = [_run(each, emitted, "cpu" if each is compared.plan else "meta", every) for each in _plans(plan, compared)]
    return {"code": emitted.text, "name": emitted.name, "entries": _entries(plan), "runs": runs}


def _plans(plan: Plan, compared: Compared) -> list[Plan]:
    """The plans of the runs."""
    return [plan] if compared.plan is None or compared.plan is plan else [plan, compared.plan]


def _entries(plan: Plan) -> dict[str, dict[str, list[int]]]:
    """The sizes of all that is in the state_dict, as planned."""
    found: dict[str, dict[str, list[int]]] = {"parameters": {}, "buffers": {}}
    for step in plan.layers:
        for name, sizes in step.state.items():
            kind = "parameters" if name in step.weights else "buffers"
            found[kind][f"{step.name}.{name}" if name else step.name] = list(sizes)
    return found


def _run(plan: Plan, emitted: Emitted, device: str, every: bool) -> dict[str, Any]:
    read, varying, below = _read(plan), plan.behind(lambda step: step.is_input), picked(plan)
    steps = []
    places = {id(step): k for k, step in enumerate(plan.inputs)}
    for i, step in enumerate(plan.steps):
        calls = step.layer.calls(*step.inputs) if step.layer is not None else ()
        steps.append(
            {
                "name": step.name,
                "owner": plan.owner(step).name,
                "input": places.get(id(step)),
                "sources": list(map(list, step.sources)),
                "calls": [_written(call) for call in calls],
                "shapes": [list(shape.torch) for shape in step.outputs],
                "read": sorted(output for at, output in read if at == i),
                "constant": i not in varying,
            }
        )
    inputs = [
        {"sizes": list(step.outputs[0].torch), "side": side, "below": below.get(k)}
        for k, (step, side) in enumerate(zip(plan.inputs, emitted.inputs, strict=True))
    ]
    outputs = [{"ref": list(ref), "side": side} for ref, side in zip(plan.outputs, emitted.outputs, strict=True)]
    return {"device": device, "every": every, "looks": every, "inputs": inputs, "steps": steps, "outputs": outputs}


CARRIED = (
    *("positional", "gathers", "layout", "reads", "forward"),
    *("returns", "batches", "turned", "pairwise", "reversed"),
    *("widened", "leading", "named", "causal", "unbatched", "in_rows", "batch_axes", "batched_at", "tupled"),
)
"""What a step's call says beside its target and its arguments."""


def _written(value: object) -> Any:
    """A call, or an argument of one, as JSON has it."""
    if isinstance(value, Call):
        rest = {name: _written(getattr(value, name)) for name in CARRIED}
        return {"target": value.target, "args": _written(value.args), **rest}
    if isinstance(value, Mapping):
        return {name: _written(each) for name, each in value.items()}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    return list(map(_written, value)) if isinstance(value, tuple | list) else value


def _reads(step: Step) -> Iterator[Tensor]:
    """The tensors whose values a step depends on; of others it may read the sizes."""
    if step.layer is not None and step.sources:
        reads = step.layer.calls(*step.inputs)[0].reads
        yield from step.sources if reads is None else [step.sources[i] for i in dict.fromkeys(reads)]


def _read(plan: Plan) -> set[Tensor]:
    """The tensors that an output depends on."""
    found = set(plan.outputs)
    needed = {at for at, _ in found}
    for i in reversed(range(len(plan.steps))):
        if i in needed:
            for ref in _reads(plan.steps[i]):
                found.add(ref)
                needed.add(ref.step)
    return found


# The answer


RIGHT, WRONG, UNKNOWN = 0, 1, 2
"""Exit codes: the program is the plan; it is not; its values could not be compared."""


def told(plan: Plan, compared: Compared, answer: Mapping[str, Any]) -> tuple[str, int]:
    """The message about an answer, and the exit code."""
    last = answer["runs"][-1]
    size = at(_plans(plan, compared)[len(answer["runs"]) - 1])
    if last["error"]:
        return f"{_failure(plan, last, size)}\n", WRONG
    rows = differences(plan, answer)
    if rows:
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"  {step:<{wide[0]}}  planned {a:<{wide[1]}}  torch {b}" for step, a, b in rows[:MOST_TOLD]]
        if len(rows) > MOST_TOLD:
            lines.append(f"  and {len(rows) - MOST_TOLD:,} more")
        return "\n".join([f"the code differs from the plan at {size}:", *lines, ""]), WRONG
    steps = len({at for at, _ in _read(plan)} - {i for i, step in enumerate(plan.steps) if step.is_input})
    params = sum(step.params or 0 for step in plan.layers)
    count = f"{counted(steps, 'step')}, {counted(params, 'parameter')}"
    why_not = compared.why_not if last["finite"] else "the outputs have no finite number, whatever goes in"
    if why_not:
        return f"shapes agree: {count}; values were not compared: {why_not}\n", UNKNOWN
    return f"verified: {count}; values agree at {size}\n", RIGHT


def _failure(plan: Plan, run: Mapping[str, Any], size: str) -> str:
    device = "torch's meta device" if run["device"] == "meta" else "the CPU"
    step = "" if run["at"] is None else f", in {_step(plan, run['at'])}"
    what = "the code" if run["by"] == "code" else "the plan, run step by step,"
    return f"{what} fails at {size} on {device}{step}: {printable(run['error'][:500])}"


def differences(plan: Plan, answer: Mapping[str, Any]) -> list[CodeDifference]:
    """Where what `running` saw is not what the plan says: entries of the state_dict, the first step, outputs."""
    rows = list(_other_entries(_entries(plan), answer["entries"]))
    places = answer["runs"][-1]["places"]
    # An output is as it is because of the first step that differs.
    steps = [_place(plan, place) for place in places if place["kind"] in ("plan", "step")]
    return rows + (steps or [_place(plan, place) for place in places])


def _place(plan: Plan, place: Mapping[str, Any]) -> CodeDifference:
    kind = place["kind"]
    if kind == "outputs":
        return "outputs", counted(place["planned"], "tensor"), counted(place["found"], "tensor")
    if kind == "plan":
        a, b = (_sizes(*([2, *sizes] for sizes in place[each])) for each in ("planned", "found"))
        return _step(plan, place["step"]), a, b
    if kind == "step":
        name = _step(plan, place["step"], place["output"])
    else:
        ref = plan.outputs[place["output"]]
        name = f"output {place['output']}, {_step(plan, ref.step, ref.output)}"
    found = "no such tensor" if place["found"] is None else _sizes(place["found"])
    if place["found"] == place["planned"]:
        found = f"other values: largest difference {place['off']:.2g}"
    if place.get("twin") is not None:
        found = f"output {place['twin']}"
    return name, _sizes(place["planned"]), found


def _step(plan: Plan, i: int, output: int = 0) -> str:
    return printable(f"{plan.label(Tensor(i, output))} ({plan.steps[i].type})")


def _sizes(*shapes: Sequence[int], batch: int = 2) -> str:
    """Sizes as PyTorch has them: `(N, 64, 56, 56)`."""
    named = [["N" if k == 0 and n == batch else str(n) for k, n in enumerate(sizes)] for sizes in shapes]
    return ", ".join(f"({', '.join(sizes)})" for sizes in named)


def _other_entries(planned: Mapping[str, Any], found: Mapping[str, Any] | None) -> Iterator[CodeDifference]:
    """Differences in the state_dict."""
    for kind in ("parameters", "buffers") if found else ():
        a, b = planned[kind], (found or {})[kind]
        for name in sorted({*a, *b}):
            if a.get(name) != b.get(name):
                was, now = (_sizes(each[name], batch=-1) if name in each else "none" for each in (a, b))
                yield printable(name), was, now
