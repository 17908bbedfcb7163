"""Runs emitted code on torch's meta device, in a process of its own, and tells what it saw.

    python -m planner.outputs.code._running < request.json > answer.json

It needs torch, which the planner itself does not.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from planner.outputs.code._building import module_of


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the model of the request has and does: its entries, and every call in order.

    leaves  the submodules whose calls are told as one, whatever they call themselves
    """
    if find_spec("torch") is None:
        return {"missing": sys.executable}
    torch: Any = import_module("torch")
    try:
        with torch.device("meta"), torch.no_grad():
            model = getattr(module_of(request["code"]), request["name"])().eval()
            watch = _Watch(model, frozenset(request["leaves"]))
            inputs = [
                torch.zeros((1, *each["sizes"]), dtype=torch.long if each["whole"] else torch.float32)
                for each in request["inputs"]
            ]
            with watch.functions(import_module("torch.overrides").TorchFunctionMode):
                model(*inputs)
    except Exception as error:  # noqa: BLE001 - whatever a program can raise is told
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {
        "events": watch.events,
        "parameters": {name: list(each.shape) for name, each in model.named_parameters(remove_duplicate=False)},
        "buffers": {name: list(each.shape) for name, each in model.named_buffers(remove_duplicate=False)},
    }


class _Watch:
    """Notes the calls of leaves, and of functions outside of them, with the shapes of what they return."""

    def __init__(self, model: Any, leaves: frozenset[str]) -> None:
        self.events: list[tuple[str, str, list[list[int]]]] = []
        self.inside = 0
        for name, module in model.named_modules():
            if name in leaves:
                module.register_forward_pre_hook(self._enter)
                module.register_forward_hook(self._leaver(name))

    def _enter(self, module: Any, inputs: Any) -> None:
        self.inside += 1

    def _leaver(self, name: str) -> Any:
        def leave(module: Any, inputs: Any, output: Any) -> None:
            self.inside -= 1
            self.events.append(("module", name, list(_shapes(output))))

        return leave

    def functions(self, mode: Any) -> Any:
        """The context in which functions are noted."""

        def note(this: Any, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            if not self.inside and (shapes := list(_shapes(result))):
                self.events.append(("function", function.__name__.strip("_"), shapes))
            return result

        return type("Noting", (mode,), {"__torch_function__": note})()


def _shapes(output: Any) -> Any:
    """The shapes of all tensors in what a call returned, those within tuples too."""
    if isinstance(output, tuple | list) and type(output).__name__ != "Size":
        for each in output:
            yield from _shapes(each)
    elif type(output).__name__ in ("Tensor", "Parameter"):
        yield list(output.shape)


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
