"""The recording of a program at chosen sizes: what would have been recorded if its module had been run there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from planner.inputs._exported.layers import LAYERS, NotALayer
from planner.inputs._exported.operators import END, TorchFunction, function_of
from planner.inputs._exported.program import OperatorCall, Other, Size, StoredProgram, TensorName, refs
from planner.inputs._exported.scopes import CallScope, layer_of, scopes_of
from planner.inputs._exported.sizes import NotKnown, value, whole
from planner.inputs._recording import BORDER, Event, Recording, TensorValue, each_of
from planner.layers._layer import COUNTER

VIEWS = {
    "view", "reshape", "flatten", "unflatten", "permute", "transpose", "t", "numpy_T", "mT", "movedim", "squeeze",
    "unsqueeze", "expand", "expand_as", "slice", "select", "narrow", "chunk", "split", "split_with_sizes", "unbind",
    "detach", "alias", "contiguous", "to", "dropout", "view_as", "_unsafe_view", "unfold", "diagonal", "swapaxes",
}  # fmt: skip
"""Operators whose results may lie in the memory of what they read."""
WRITES_NOTHING = {"detach_", "requires_grad_", "squeeze_", "unsqueeze_", "t_", "transpose_"}
"""Operators that end in `_`, and change no value."""
RESHAPES = {"view", "reshape", "_unsafe_view", "unflatten"}
"""Operators that fail where their result has not the elements of what they read: a program does not say so itself."""
COPIES = {"lift_fresh", "lift_fresh_copy", "detach", "detach_", "clone", "alias", "to", "_to_copy"}
"""Operators that leave a number as it is."""


def recorded(program: StoredProgram, symbols: Mapping[str, int]) -> Recording:
    """What the program does where the symbols in its sizes have these values. Raises NotKnown."""
    return Replay(program, symbols).recording()


METHODS = {"getitem": "torch.Tensor.__getitem__", "setitem": "torch.Tensor.__setitem__"}
"""Functions that are no operators of ATen, as they can be found."""


class Replay:
    """Goes along a program's calls, with its tensors at certain sizes.

    lying    for each name of a tensor the first name of what lies in the same memory
    together for these first names all names of what lies there
    cuts     for names of parts of a tensor that tensor's name, and the index that cuts the part out
    turned   for names of matrices that are a stored one transposed that one's name
    waiting  what makes these matrices: a product with one is a layer, and has no need of it
    numbers  what names of single numbers stand for
    """

    def __init__(self, program: StoredProgram, symbols: Mapping[str, int]) -> None:
        self.program, self.symbols = program, symbols
        self.trace = Recording()
        self.values: dict[str, TensorValue] = {}
        self.stored: dict[str, TensorValue] = {}
        self.lying: dict[str, str] = {}
        self.together: dict[str, list[str]] = {}
        self.cuts: dict[str, tuple[str, tuple[Any, ...]]] = {}
        self.turned: dict[str, TensorName] = {}
        self.waiting: dict[str, tuple[Any, ...]] = {}
        self.numbers = dict(program.numbers)
        self.tied: dict[str, list[str]] = {}
        for name, held in program.stored.items():
            self.tied.setdefault(held.first or name, []).append(name)

    def recording(self) -> Recording:
        calls = self.program.calls
        for name in self.program.inputs:
            about = self.program.tensors[name]
            self.values[name] = TensorValue(self.sizes(name), origin=name, kind="input", type=about.type)
            self.trace.inputs[name] = self.values[name]
        scopes = scopes_of(self.program)
        at = 0
        while at < len(calls):
            layer, last = layer_of(calls[at]), at
            while layer is not None and last + 1 < len(calls) and layer_of(calls[last + 1]) == layer:
                last += 1
            self._enter(scopes[at], at)
            if layer is None or not self._as_layer(layer.name, layer.path, calls[at : last + 1], scopes[at]):
                for each in calls[at : last + 1]:
                    self._take(each, scopes[at])
            self._leave(scopes[at], last)
            at = last + 1
        self.trace.result = [self.read(each) for each in self.program.outputs if isinstance(each, TensorName)]
        return self.trace

    # Borders

    def _enter(self, scope: CallScope, at: int) -> None:
        """Write down what goes into the modules with weights that begin with a call."""
        for each in reversed(list(scope.outwards())):
            if each.has_weights and each.first == at and each.parent is not None:
                self._border(each.parent, each.reads)

    def _leave(self, scope: CallScope, at: int) -> None:
        for each in scope.outwards():
            if each.has_weights and each.last == at and each.parent is not None:
                self._border(each, each.gives)

    def _border(self, scope: CallScope, names: Sequence[str]) -> None:
        read = [self.values[name] for name in names if name in self.values]
        self.trace.events.append(Event(BORDER, scope.invocation, (), {}, read))

    # Values

    def sizes(self, name: str) -> tuple[int, ...]:
        """The sizes of a tensor."""
        return tuple(
            whole(size.text, self.symbols) if isinstance(size, Size) else size
            for size in self.program.tensors[name].sizes
        )

    def settled(self, data: Any) -> Any:
        """Arguments with numbers in place of sizes that follow from the inputs'."""
        if isinstance(data, Size):
            return value(data.text, self.symbols)
        if isinstance(data, list | tuple):
            return type(data)(map(self.settled, data))
        if isinstance(data, dict):
            return {key: self.settled(each) for key, each in data.items()}
        return None if isinstance(data, Other) else data

    def read(self, data: Any, paths: Sequence[str] = ()) -> Any:
        """Arguments with values in place of the names of tensors; `paths` are those of the modules under way."""
        if isinstance(data, TensorName):
            if data.name in self.numbers:
                return self.numbers[data.name]
            if data.name in self.waiting:
                self._event(*self.waiting.pop(data.name))
            if data.name in self.program.origins and data.name not in self.values:  # not written to
                return self._stored(self.program.origins[data.name], paths)
            return self.values[data.name]
        if isinstance(data, list | tuple):
            return type(data)(self.read(each, paths) for each in data)
        if isinstance(data, dict):
            return {key: self.read(each, paths) for key, each in data.items()}
        if isinstance(data, slice):
            return slice(*(self.read(each, paths) for each in (data.start, data.stop, data.step)))
        return data

    def _stored(self, name: str, paths: Sequence[str]) -> TensorValue:
        """A stored tensor: of several names for one, that of the module that reads it."""
        held = self.program.stored[name]
        names = self.tied[held.first or name]
        own = next((each for path in paths for each in names if each.rpartition(".")[0] == path), name)
        held = self.program.stored[own]
        if own not in self.stored:
            kind, type_ = ("parameter" if held.trained else "buffer"), ("whole" if held.whole else "float")
            self.stored[own] = TensorValue(held.sizes, origin=own, kind=kind, type=type_)
        return self.stored[own]

    def made(self, result: Any) -> Any:
        """Results with new values in place of the names of tensors."""
        if isinstance(result, TensorName):
            self.values[result.name] = TensorValue(self.sizes(result.name), type=self.program.tensors[result.name].type)
            return self.values[result.name]
        if isinstance(result, list | tuple):
            return tuple(map(self.made, result))
        return None

    # Calls

    def _as_layer(self, kind: str, path: str, calls: Sequence[OperatorCall], scope: CallScope) -> bool:
        """Write calls down as one layer of `torch.nn`; whether they can be."""
        if kind not in LAYERS:
            return False
        try:
            found = LAYERS[kind](self, calls)
        except (NotALayer, KeyError, IndexError, ValueError, TypeError):
            return False
        args = self.read(found.args)
        if not all(isinstance(each, TensorValue) for each in args):
            return False
        for call in calls:
            self.made(call.result)
        result = self.read(found.result)
        self.trace.events.append(Event(kind, scope.invocation, args, {}, result, found.module, path))
        return True

    def _take(self, call: OperatorCall, scope: CallScope) -> None:
        """Write a call down."""
        if not any(each.name in self.program.tensors for each in refs(call.result)):
            return
        name, result = call.name, call.result
        args, kwargs = self.settled(call.args), self.settled(call.kwargs)
        first = next(refs(args), None)
        if first is not None and first.name in self.numbers and name in COPIES and isinstance(result, TensorName):
            self.numbers[result.name] = self.numbers[first.name]
            return
        paths = [frame.path for frame in reversed(call.frames)]
        if name.endswith("_") and not name.startswith("__") and name not in WRITES_NOTHING and first is not None:
            self._write(call, first.name, args, kwargs, scope, paths)
            return
        if name in RESHAPES and first is not None and isinstance(result, TensorName):
            self._must_have_as_many(first, result)
        if name in VIEWS and first is not None:
            self._lies_with(first.name, result)
        if name == "slice" and isinstance(result, TensorName) and first is not None and _is_whole(args):
            self.cuts[result.name] = self.cuts.get(first.name, (first.name, ()))
            self.values[result.name] = self.read(first, paths)
            return
        function = function_of(name, args, kwargs)
        if isinstance(result, TensorName) and first is not None:
            self._remember(function, first.name, result.name)
            if result.name in self.turned:
                self.waiting[result.name] = function, result, scope, paths
                return
        self._event(self._as_linear(function), result, scope, paths)

    def _must_have_as_many(self, read: TensorName, result: TensorName) -> None:
        """Raise NotKnown where a tensor is to be reshaped to another number of elements."""
        before, after = self.sizes(read.name), self.sizes(result.name)
        if prod(before) != prod(after):
            raise NotKnown(f"a tensor of {before} cannot have the sizes {after}")

    def _event(self, function: TorchFunction, result: Any, scope: CallScope, paths: Sequence[str]) -> None:
        args, kwargs = self.read(function.args, paths), self.read(function.kwargs, paths)
        made = self.made(result)
        own = made[0] if function.first and isinstance(made, tuple) else made
        called = METHODS.get(function.name, f"torch.ops.aten.{function.name}")
        self.trace.events.append(Event(function.name, scope.invocation, args, kwargs, own, called=called))

    def _lies_with(self, name: str, result: Any) -> None:
        """Remember that results lie in the memory of a tensor."""
        root = self.lying.setdefault(name, name)
        together = self.together.setdefault(root, [root])
        for each in refs(result):
            self.lying[each.name] = root
            together.append(each.name)

    def _remember(self, function: TorchFunction, read: str, result: str) -> None:
        """Remember what a part is a part of, and which stored matrix is transposed."""
        own = self.program.origins.get(read)
        if own is not None and function.name in ("t", "permute", "transpose") and len(self.sizes(read)) == 2:
            self.turned[result] = TensorName(read)
        base, index = self.cuts.get(read, (read, ()))
        if function.name == "getitem" and not index and isinstance(function.args[1], tuple):
            self.cuts[result] = (base, function.args[1])
        elif function.name == "select" and not index and all(isinstance(each, int) for each in function.args[1:]):
            dim, at = function.args[1:]
            self.cuts[result] = (base, (*[slice(None)] * (dim % len(self.sizes(base))), at))

    def _as_linear(self, function: TorchFunction) -> TorchFunction:
        """A product with a transposed weight, as the linear layer that it is."""
        weight = function.args[-1] if function.args else None
        if not isinstance(weight, TensorName) or weight.name not in self.turned:
            return function
        if function.name in ("mm", "matmul") and len(function.args) == 2:
            return TorchFunction("linear", (function.args[0], self.turned[weight.name]))
        if function.name == "addmm" and len(function.args) == 3 and not function.kwargs:
            return TorchFunction("linear", (function.args[1], self.turned[weight.name], function.args[0]))
        return function

    def _write(
        self,
        call: OperatorCall,
        name: str,
        args: dict[str, Any],
        kwargs: dict[str, Any],
        scope: CallScope,
        paths: Sequence[str],
    ) -> None:
        """Write down a call that writes over what it reads; others in the same memory are not known any more."""
        if self.program.origins.get(name, "").endswith(COUNTER):
            return
        base, index = self.cuts.get(name, (name, ()))
        if call.name in ("copy_", "fill_") and index and base in self.values:
            source = args.get("src", args.get("value"))
            self._event(TorchFunction("setitem", (TensorName(base), index, source)), TensorName(base), scope, paths)
            written, new = base, self.values[base]
        else:
            function = function_of(call.name, args, kwargs)
            self._event(function, call.result, scope, paths)
            written, new = name, next(each_of(TensorValue, self.read(call.result)))
        self._lies_with(name, call.result)
        for other in self.together[self.lying[name]]:
            if other in self.values:
                self.made(TensorName(other))
        self.values[written] = new
        for each in refs(call.result) if written == name else ():
            self.values[each.name] = new


def _is_whole(args: Mapping[str, Any]) -> bool:
    """Whether a slice is one of all that there is, as the first part of `x[:, 1:3]`."""
    return not args.get("start") and args.get("end") in (None, END) and args.get("step", 1) == 1
