"""What a module makes on its way: every tensor that it, its submodules and the functions that it calls return."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

NEAR = 1e-9
"""How far two numbers that are the same may be apart, as a part of the largest number in the tensor."""


class Nearest(NamedTuple):
    """The tensor that comes nearest to one that is looked for.

    planned  the sizes that are looked for, with the axes where the tensor has them
    found    the sizes of the tensor; None where there is none
    off      the largest difference, where the sizes are the same
    """

    same: bool
    planned: tuple[int, ...] = ()
    found: tuple[int, ...] | None = None
    off: float = math.inf


class Trace:
    """The tensors of one run of a model. Those within the submodules named `leaves` are left out, but for what these
    return. `entered` are those of the leaves that a failing run was in.
    """

    def __init__(self, model: Any, leaves: frozenset[str]) -> None:
        self.model, self.leaves = model, leaves
        self.of_module: dict[str, list[Any]] = defaultdict(list)
        self.pool: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
        self.entered: list[str] = []
        self.quiet = False

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Run the model, and give what it returns. After an error, what was made before it is kept."""
        for tensor in (*(each.clone() for each in inputs), *self.model.state_dict().values(), *self.model.buffers()):
            self._add(tensor)
        hooks = [hook for name, module in self.model.named_modules() for hook in self._hooks(name, module)]
        try:
            with same_chance(), self._noting():
                return list(tensors_in(self.model(*[each.clone() for each in inputs])))
        finally:
            for hook in hooks:
                hook.remove()

    def nearest(self, name: str, value: Any, constant: bool) -> Nearest:
        """What comes nearest to the value of a step: among what the submodule of its name returns or, where none is
        called so, among everything. A `constant` is the same for every sample, and may have no axis for the batch.
        """
        if name in self.of_module:
            found = [(tensor, _marks(tensor)) for tensor in self.of_module[name]]
            strangers = [Nearest(False, tuple(value.shape), tuple(tensor.shape)) for tensor, _ in found]
        else:
            found = [each for n in {value.numel(), value[:1].numel()} for each in self.pool[n]]
            strangers = [Nearest(False, tuple(value.shape))]
        forms = list(_forms(value, constant))
        alike = []
        for tensor, marks in found:
            for form in forms:
                if form.shape != tensor.shape:
                    continue
                if (constant or _may_be_same(_marks(value), marks)) and same(form, tensor):
                    return Nearest(True)
                alike.append((form, tensor))
        sizes = [(tuple(form.shape), tuple(tensor.shape), difference(form, tensor)) for form, tensor in alike]
        return min((Nearest(False, *each) for each in sizes), key=lambda each: each.off, default=strangers[0])

    def _add(self, tensor: Any) -> None:
        self.pool[tensor.numel()].append((tensor, _marks(tensor)))

    def _hooks(self, name: str, module: Any) -> Iterator[Any]:
        def enter(module: Any, inputs: Any) -> None:
            self.entered.append(name)

        def leave(module: Any, inputs: Any, output: Any) -> None:
            self.quiet = True
            found = [each.detach().clone() for each in tensors_in(output)]
            if name in self.leaves:
                self.entered.pop()
                self.of_module[name] += found
            if not self.entered:
                for tensor in found:
                    self._add(tensor)
            self.quiet = False

        if name in self.leaves:
            yield module.register_forward_pre_hook(enter)
        yield module.register_forward_hook(leave)

    def _noting(self) -> Any:
        """The context in which what functions return is noted."""

        def note(this: Any, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            if not (self.entered or self.quiet):
                for tensor in tensors_in(result):
                    self._add(tensor.detach().clone())
            return result

        mode = import_module("torch.overrides").TorchFunctionMode
        return type("Noting", (mode,), {"__torch_function__": note})()


@contextmanager
def same_chance() -> Iterator[None]:
    """Within it, modules that draw numbers at random draw the same ones as in the plan's steps."""
    begin = import_module("torch").default_generator.manual_seed
    hook = import_module("torch.nn.modules.module").register_module_forward_pre_hook

    def again(module: Any, inputs: Any) -> None:
        begin(0)

    handle = hook(again)
    try:
        yield
    finally:
        handle.remove()


def tensors_in(output: Any) -> Iterator[Any]:
    """All tensors in what a call returned, those within tuples too."""
    if isinstance(output, tuple | list) and type(output).__name__ != "Size":
        for each in output:
            yield from tensors_in(each)
    elif type(output).__name__ in ("Tensor", "Parameter"):
        yield output


def same(a: Any, b: Any, rounding: float = 0.0) -> bool:
    """Whether two tensors have the same sizes and, but for rounding, the same numbers.

    rounding  what any number may be off by, where they are sums of far larger ones
    """
    if a.shape != b.shape:
        return False
    return bool(a.is_meta or difference(a, b) <= max(NEAR * largest(a), rounding))


def difference(a: Any, b: Any) -> float:
    """The largest difference between two tensors of the same sizes; infinite, where one alone has no number."""
    torch: Any = import_module("torch")
    if a.is_meta or not a.numel():
        return 0.0
    a, b = a.double(), b.double()
    apart = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
    return float(apart.nan_to_num(nan=math.inf, posinf=math.inf).max())


def largest(a: Any) -> float:
    """The largest of a tensor's finite numbers, sign aside; 0 where it has none."""
    if a.is_meta or not a.numel():
        return 0.0
    return float(a.double().abs().nan_to_num(nan=0.0, posinf=0.0).max())


def _forms(value: Any, constant: bool) -> Iterator[Any]:
    """A step's value, (N, C, …), with its axes as code may have them."""
    sides = [value, value.movedim(1, -1)] if value.dim() > 2 else [value]
    for side in sides:
        for axis in range(value.dim()):
            yield side.movedim(0, axis)
        if constant:
            yield side[:1]
            yield side[0]


def _marks(tensor: Any) -> tuple[float, float] | None:
    """Two sums over a tensor that stay when its axes are moved."""
    if tensor.is_meta or not tensor.numel():
        return None
    numbers = tensor.detach().double().nan_to_num(nan=1.0, posinf=2.0, neginf=3.0)
    return float(numbers.sum()), float(numbers.abs().sum())


def _may_be_same(a: tuple[float, float] | None, b: tuple[float, float] | None) -> bool:
    if a is None or b is None:
        return True
    room = 1e-6 * (1e-300 + a[1])
    return abs(a[0] - b[0]) <= room and abs(a[1] - b[1]) <= room
