"""Runs emitted code and, beside it, the plan step by step, in a process of its own, and tells where they differ.

    python -m planner.outputs.code.torch.verifying.running < request.json > answer.json

It needs torch, which the planner itself does not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.verifying.stepwise import BATCH, StepError, Stepwise
from planner.outputs.code.torch.verifying.tracing import Trace, difference, largest, same, same_chance, tensors_in

ROUNDING = 1e-14
"""What rounding may add to a number, as a part of the largest number in the whole run."""
TRIES = 4
"""How many weights and inputs are tried until the outputs can be compared: until their numbers are not all the same."""


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the code of the request has and does; a run after one that finds something is left out.

    entries  sizes of the parameters and the buffers
    runs     what each run found
    """
    if find_spec("torch") is None:
        return {"missing": sys.executable}
    said: dict[str, Any] = {"entries": None, "runs": []}
    for run in request["runs"]:
        found = _found(request, run, said)
        said["runs"].append(found)
        if found["error"] or found["places"] or said["entries"] != request["entries"]:
            break
    return said


def _found(request: Mapping[str, Any], run: Mapping[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The differences found in one run. Without the planned weights only shapes are compared."""
    try:
        model = _model(request["code"], request["name"], run["device"])
        said["entries"] = _entries(model)
        if said["entries"] != request["entries"]:
            run = {**run, "device": "meta", "looks": True}
            model = _model(request["code"], request["name"], "meta")
    except Exception as error:  # noqa: BLE001 - whatever a program can raise is told
        return {"error": _told(error), "by": "code", "at": None, "device": run["device"]}
    return {**_compared(model, run), "device": run["device"]}


def _model(code: str, name: str, device: str) -> Any:
    torch: Any = import_module("torch")
    torch.manual_seed(0)
    with torch.device(device):
        return getattr(module_of(code), name)().eval()


def _entries(model: Any) -> dict[str, dict[str, list[int]]]:
    """The sizes of all that is in the state_dict."""
    kept, buffers = model.state_dict(), model.named_buffers(remove_duplicate=False)
    return {
        "parameters": {name: list(each.shape) for name, each in model.named_parameters(remove_duplicate=False)},
        "buffers": {name: list(each.shape) for name, each in buffers if name in kept},
    }


def _compared(model: Any, run: Mapping[str, Any]) -> dict[str, Any]:
    """What one run found: an error, or the places where code and plan differ.

    by      whose error it is: that of the code or that of the plan, at step `at`
    places  differences, of which those of steps come first, in the plan's order
    finite  whether the outputs have numbers, so that comparing them says something
    """
    torch: Any = import_module("torch")
    meta = run["device"] == "meta"
    found = {"error": "", "by": "", "at": None, "places": [], "finite": meta}
    with torch.no_grad():
        for seed in range(1 if meta else TRIES):
            state = None if meta else _weighted(torch, model, {step["name"] for step in run["steps"]}, seed)
            inputs = [_input(torch, each, run["device"], seed, k) for k, each in enumerate(run["inputs"])]
            try:
                telling = _Verification(torch, model, run, Stepwise(run["steps"], state), inputs).tell(found)
            except StepError as error:
                return {**found, "error": _told(error), "by": "plan", "at": error.step}
            if telling or found["error"] or found["places"]:
                break
    return found


class _Verification:
    """The code and the plan with the same weights and inputs."""

    def __init__(
        self, torch: Any, model: Any, run: Mapping[str, Any], plan: Stepwise, inputs: Sequence[tuple[Any, Any]]
    ) -> None:
        self.torch, self.model, self.run, self.plan = torch, model, run, plan
        self.given, self.held = [given for given, _ in inputs], [held for _, held in inputs]
        self.values: list[list[Any]] = []
        self.trace: Trace | None = None
        self.rounding = 0.0
        """What rounding may add to a number, worked out from the largest number of the plan."""

    def tell(self, found: dict[str, Any]) -> bool:
        """Note what differs, and say whether the outputs are such that a difference would show."""
        wanted, wrong = self._outputs_by_plan()
        if wrong:
            found["places"] = wrong
            return True
        returned: list[Any] = []
        try:
            returned = self._traced() if self.run["looks"] else self._outputs_by_code()
        except Exception as error:  # noqa: BLE001 - whatever a program can raise is told
            found |= {"error": _told(error), "by": "code"}
        outputs = [] if found["error"] else list(self._wrong_outputs(wanted, returned))
        if found["error"] or outputs or self.run["looks"]:
            steps = list(self._wrong_steps())
            if found["error"]:
                found["at"] = self._failed(steps)
            else:
                found["places"] = [*steps, *outputs]
        found["finite"] = found["finite"] or all(bool(each.isfinite().any()) for each in wanted)
        return all(map(_telling, wanted))

    def _outputs_by_plan(self) -> tuple[list[Any], list[dict[str, Any]]]:
        """The model's outputs, (N, C, …); and steps whose shapes PyTorch has otherwise than the plan."""
        refs = [each["ref"] for each in self.run["outputs"]]
        found: dict[tuple[int, int], Any] = {}
        wrong = []
        steps = self.plan.steps
        for i, values in enumerate(self.plan.run(self.held)):
            if self.run["looks"]:
                self.values.append(values)
            self.rounding = max([self.rounding, *(ROUNDING * largest(value) for value in values)])
            sizes = [list(value.shape[1:]) for value in values]
            if sizes != steps[i]["shapes"]:
                wrong.append({"kind": "plan", "step": i, "planned": steps[i]["shapes"], "found": sizes})
            found |= {(at, output): values[output] for at, output in refs if at == i and output < len(values)}
        return ([] if wrong else [found[at, output] for at, output in refs]), wrong

    def _outputs_by_code(self) -> list[Any]:
        """What the code returns, as it returns it."""
        with same_chance():
            return list(tensors_in(self.model(*[each.clone() for each in self.given])))

    def _wrong_outputs(self, wanted: Sequence[Any], returned: Sequence[Any]) -> Iterator[dict[str, Any]]:
        if len(wanted) != len(returned):
            yield {"kind": "outputs", "planned": len(wanted), "found": len(returned)}
            return
        wanted = [_placed(each, output["side"]) for each, output in zip(wanted, self.run["outputs"], strict=True)]
        for k, (planned, found) in enumerate(zip(wanted, returned, strict=True)):
            if not same(planned, found, self.rounding):
                twin = next((j for j, each in enumerate(wanted) if not found.is_meta and same(each, found)), None)
                off = difference(planned, found) if planned.shape == found.shape else None
                sizes = {"planned": list(planned.shape), "found": list(found.shape), "off": off}
                yield {"kind": "output", "output": k, **sizes, "twin": twin}

    def _traced(self) -> list[Any]:
        """The outputs of the code, with a trace of every value on the way."""
        self.trace = Trace(self.model, frozenset(step["name"] for step in self.plan.steps))
        return self.trace.run(self.given)

    def _failed(self, wrong: Sequence[Mapping[str, Any]]) -> int | None:
        """The step at which the code fails: that of the submodule, or else the first that it does not come to."""
        names = [step["name"] for step in self.plan.steps]
        at = next((names.index(name) for name in self.trace.entered), None) if self.trace else None
        return at if at is not None or not wrong else int(wrong[0]["step"])

    def _wrong_steps(self) -> Iterator[dict[str, Any]]:
        """The first step, or every step, whose value the code computes nowhere."""
        steps = self.plan.steps
        if self.trace is None:
            with suppress(Exception):
                self._traced()
        assert self.trace is not None
        for i, values in enumerate(self.values or self.plan.run(self.held)):
            for output in steps[i]["read"]:
                if 0 < largest(values[output]) <= self.rounding:
                    continue  # rounding errors alone, which no value can be compared with
                near = self.trace.nearest(steps[i]["name"], values[output], steps[i]["constant"])
                if not near.same:
                    found = None if near.found is None else list(near.found)
                    sizes = {"planned": list(near.planned), "found": found, "off": near.off}
                    yield {"kind": "step", "step": i, "output": output, **sizes}
                    if not self.run["every"]:
                        return


def _input(torch: Any, each: Mapping[str, Any], device: str, seed: int, place: int) -> tuple[Any, Any]:
    """An input of the model as the code takes it, and as the steps do, (N, C, …), other numbers at each place. Every
    second try has positive numbers alone, for layers that know no others.
    """
    generator = torch.Generator().manual_seed(seed + TRIES * place)
    sizes = (BATCH, *each["sizes"])
    if device == "meta":
        dtype = torch.float32 if each["below"] is None else torch.long
        found = torch.zeros(sizes, dtype=dtype, device=device)
    elif each["below"] is not None:
        found = torch.randint(each["below"], sizes, generator=generator)
    else:
        found = torch.randn(sizes, generator=generator, dtype=torch.float64)
        found = found.abs() if seed % 2 else found
    return _placed(found, each["side"]).contiguous(), found


def _placed(tensor: Any, side: str) -> Any:
    """A tensor (N, C, …) with its channels where the code has them."""
    return tensor.movedim(1, -1) if side == "last" else tensor


def _weighted(torch: Any, model: Any, free: set[str], seed: int) -> dict[str, Any]:
    """The state_dict of the model, with numbers none of which is zero or like another, and which keep the size of
    what passes through them.
    """
    generator = torch.Generator().manual_seed(seed)
    buffers = {name for name, _ in model.named_buffers()}
    state: dict[str, Any] = model.double().state_dict()
    for name, entry in state.items():
        if not entry.is_floating_point() or (name in buffers and not name.endswith(("running_mean", "running_var"))):
            continue
        noise = torch.empty_like(entry, memory_format=torch.contiguous_format).normal_(generator=generator)
        if name.endswith("running_var"):
            entry.copy_(0.5 + noise.abs())
        elif entry.dim() > 1 and name not in free:
            entry.copy_(noise.div_(entry[0].numel() ** 0.5))
        else:
            entry.add_(noise, alpha=0.2)
    return state


def _telling(output: Any) -> bool:
    """Whether the numbers of an output are not all the same."""
    return output.is_meta or (bool(output.isfinite().all()) and bool((output != output.flatten()[0]).any()))


def _told(error: Exception) -> str:
    said = str(error) if isinstance(error, StepError) else f"{type(error).__name__}: {error}"
    return next(iter(said.splitlines()), "")


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
