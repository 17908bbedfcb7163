"""Networks that are modules of PyTorch: run on tensors without values, and written down call by call.

A module of `torch.nn` whose `forward` is its own is a layer; all others are opened, and the functions called in them
are recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache, partial
from itertools import chain
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from planner.inputs._recording import BORDER, Event, Invocation, Recording, TensorValue, each_of, plain_name
from planner.inputs._recurrent import run_layer

OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.TransformerEncoder, nn.TransformerDecoder, nn.Transformer)
"""Modules of `torch.nn` that are made of others."""


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's own, and does what PyTorch's forward pass does and nothing besides."""
    own = _own_class(module)
    if own is None or isinstance(module, OPENED) or "forward" in vars(module):
        return False
    return type(module).forward is own.forward and not (module._forward_hooks or module._forward_pre_hooks)


def _is_masked(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a layer of a transformer is given a mask other than one of what comes behind; it is opened then."""
    own = {nn.TransformerEncoderLayer: 1, nn.TransformerDecoderLayer: 2}.get(_own_class(module) or nn.Module)
    masks = [] if own is None or kwargs.get("is_causal") else [*args[own:], kwargs]
    return next(each_of(Tensor, masks), None) is not None


def _own_class(module: nn.Module) -> type[nn.Module] | None:
    found = next((each for each in type(module).__mro__ if each.__module__.startswith("torch.nn.modules")), None)
    return None if found is None or found is nn.Module or hasattr(module, "parametrizations") else found


def class_name(module: nn.Module) -> str:
    """The name of the class of `torch.nn` that a layer is."""
    own = _own_class(module)
    assert own is not None
    return own.__name__


class Recorder(TorchFunctionMode):
    """Writes down the functions and layers that run while the mode is on.

    names      the full names of the modules, of which one may have several
    constants  by their `id`, the tensors that modules have as plain attributes, neither parameters nor buffers
    views      by their `id`, tensors that lie within others, with these and the index
    """

    def __init__(self, names: Mapping[nn.Module, list[str]]) -> None:
        super().__init__()
        self.names = names
        stored = {id(each) for module in names for each in (*module.parameters(False), *module.buffers(False))}
        held = [each for module in names for each in each_of(Tensor, list(vars(module).values()))]
        self.constants = {id(each): each for each in held if id(each) not in stored}
        self.trace = Recording()
        self.calls: list[Invocation] = []
        self.inside_layer = False
        self.values: dict[int, TensorValue] = {}
        self.alive: list[Tensor] = []
        self.lying: dict[int, set[int]] = {}
        self.arrays: dict[int, tuple[Any, TensorValue]] = {}
        self.views: dict[int, tuple[Tensor, Any]] = {}

    def known(self, tensor: Tensor, **about: Any) -> TensorValue:
        """The value of a tensor, new where the tensor has not been met."""
        if id(tensor) not in self.values:
            self.alive.append(tensor)
            self.lying.setdefault(_place(tensor), set()).add(id(tensor))
            self.values[id(tensor)] = TensorValue(tuple(tensor.shape), type=_type(tensor), **about)
        return self.values[id(tensor)]

    def renew(self, tensor: Tensor) -> None:
        """Take a tensor for a new one that was written to; others in the same memory are not known any more."""
        for each in self.lying.get(_place(tensor), ()):
            if each in self.values:
                old = self.values[each]
                self.values[each] = TensorValue(old.sizes, type=old.type)

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether a tensor was there before the network ran, or was computed from such alone."""
        value = self.values.get(id(tensor))
        return id(tensor) in self.constants if value is None else value.kind == "constant"

    def is_fixed(self, tensor: Tensor) -> bool:
        """Whether what a tensor holds follows neither from what comes in nor from what is trained."""
        value = self.values.get(id(tensor))
        return self.is_constant(tensor) or (value is not None and value.fixed)

    def constant(self, tensor: Tensor) -> TensorValue:
        """The value of a constant, with what it holds."""
        if tensor.numel() > MOST_NUMBERS or tensor.is_meta or tensor.is_complex():
            return self.known(tensor, kind="constant")
        with torch._C.DisableTorchFunction():
            return self.known(tensor, kind="constant", numbers=tuple(tensor.flatten().tolist()))

    def read(self, data: Any) -> Any:
        """Arguments or results with values in place of tensors."""
        if isinstance(data, Tensor):
            return self.constant(data) if self.is_constant(data) else self.known(data)
        if isinstance(data, tuple | list):
            return type(data)(map(self.read, data)) if type(data) in (tuple, list) else tuple(map(self.read, data))
        if isinstance(data, dict):
            return {key: self.read(each) for key, each in data.items()}
        if isinstance(data, slice):
            return slice(*map(self.read, (data.start, data.stop, data.step)))
        if is_dataclass(data) and not isinstance(data, type):
            return tuple(self.read(getattr(data, each.name)) for each in fields(data))
        return self._array(data) if _is_array(data) else data

    def _array(self, array: Any) -> TensorValue:
        """The value of an array of NumPy; what it holds may follow from all that was read before."""
        kind = {"f": "float", "c": "float", "b": "truth"}.get(array.dtype.kind, "whole")
        made = array, TensorValue(tuple(array.shape), kind="elsewhere", type=kind)
        return self.arrays.setdefault(id(array), made)[1]

    def run(self, function: Callable[[], Any], name: str, args: Any, kwargs: Any, **about: Any) -> Any:
        """Call a function or a layer, and write down what was read and what came out. Whatever it has written over is
        another tensor from then on. What comes of constants alone is a constant.
        """
        before = [(tensor, tensor._version) for tensor in each_of(Tensor, (args, kwargs))]
        drawn = name in DRAWS
        alone = bool(before) and all([self.is_constant(tensor) for tensor, _ in before]) and not drawn
        fixed = not drawn and all(self.is_fixed(tensor) for tensor, _ in before)
        for tensor, _ in before:
            if not self.is_constant(tensor):
                self.known(tensor, kind="elsewhere")  # where no function that was recorded has given it
        read = self.read(args), self.read(kwargs)
        wholes = {id(each): self.values[id(each)] for tensor, _ in before for each, _ in self._wholes_of(tensor)}
        result = function()
        written = [tensor for tensor, version in before if tensor._version != version]
        for tensor in written:
            self.renew(tensor)
        if alone and not any(each.is_meta for each in each_of(Tensor, result)):
            for each in each_of(Tensor, result):
                self.constant(each)
            return result
        given = self.read(result)
        for value in each_of(TensorValue, given) if fixed else ():
            value.fixed = True
        if next(each_of(TensorValue, given), None) is None and written:  # as `x[0] = y`, which returns nothing
            given = self.read(written[0])
        if next(each_of(TensorValue, given), None) is not None:
            self.trace.events.append(Event(name, self.calls[-1], *read, given, **about))
        for tensor in written[:1]:  # others in the same memory count as written to, too
            self._write_through(tensor, wholes)
        return result

    def _wholes_of(self, tensor: Tensor) -> Iterator[tuple[Tensor, Any]]:
        """The tensors that a tensor lies within, from the next on, each with the index of what was cut out."""
        while found := self.views.get(id(tensor)):
            yield found
            tensor = found[0]

    def _write_through(self, part: Tensor, before: Mapping[int, TensorValue]) -> None:
        """Write down that what a tensor lies within was written to with it. `before` has the values from then."""
        for whole, index in self._wholes_of(part):
            read = (before[id(whole)], index, self.known(part))
            about = {"called": "torch.Tensor.__setitem__"}
            self.trace.events.append(Event("__setitem__", self.calls[-1], read, {}, self.known(whole), **about))
            part = whole

    def _cut_out(self, whole: Any, index: Any, part: Any) -> None:
        """Remember a tensor that lies within another one."""
        plain = all(each is None or each is ... or isinstance(each, int | slice) for each in _listed(index))
        if plain and isinstance(part, Tensor) and id(whole) in self.values and _place(part) == _place(whole):
            self.views[id(part)] = whole, index

    def _is_written_back(self, whole: Any, index: Any, part: Any) -> bool:
        """Whether a part is only put where it lies already, as Python does after `x[0] += 1`."""
        found = self.views.get(id(part))
        return found is not None and found[0] is whole and _listed(found[1]) == _listed(index)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.inside_layer or not self.calls:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        decides = name in DECIDES or (
            name == "__getitem__" and any(_type(x) == "truth" for x in each_of(Tensor, args[1]))
        )
        if decides and not all(map(self.is_fixed, each_of(Tensor, args))):
            self.trace.decisions.add(name)
        if name in ("__get__", "__set__"):
            name = f"{getattr(getattr(func, '__self__', None), '__name__', '')}.{name}"
        self.trace.sized |= name in SIZES
        if name == "__setitem__" and self._is_written_back(*args):
            return func(*args, **kwargs)
        result = self.run(lambda: func(*args, **kwargs), name, args, kwargs, called=dotted_name(func, name))
        if name == "__getitem__":
            self._cut_out(args[0], args[1], result)
        return result

    def _path_of(self, module: nn.Module) -> str | None:
        """The full name of a module: the one that it has within the module that calls it, if there is one."""
        names = self.names.get(module, [])
        if len(names) > 1 and self.calls and (home := self.calls[-1].path):
            within = [each for each in names if each.startswith(f"{home}.")]
            return min(within, key=lambda each: each.count("."), default=names[0])
        return next(iter(names), None)

    def call(self, forward: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Run a module, as a layer or opened."""
        path = self._path_of(module)
        if self.inside_layer or path is None:
            return forward(module, *args, **kwargs)
        if self.calls and is_layer(module) and not _is_masked(module, args, kwargs):
            self.inside_layer = True
            try:
                own = {"module": module, "path": path}
                run = partial(run_layer, forward, module, args, kwargs)
                return self.run(run, class_name(module), args, kwargs, **own)
            finally:
                self.inside_layer = False
        border = bool(self.calls) and next(chain(module.parameters(), module.buffers()), None) is not None
        if border:
            self.trace.events.append(Event(BORDER, self.calls[-1], (), {}, self.read((args, kwargs)), path=path))
        self.calls.append(Invocation(path, type(module).__name__, self.calls[-1] if self.calls else None))
        try:
            result = forward(module, *args, **kwargs)
            if border:
                self.trace.events.append(Event(BORDER, self.calls[-1], (), {}, self.read(result)))
            return result
        finally:
            self.calls.pop()


@cache
def dotted_name(function: Any, name: str) -> str:
    """The name under which a function of PyTorch can be found: `torch.nn.functional.linear`."""
    if isinstance(function, torch._ops.OpOverloadPacket | torch._ops.OpOverload):
        return f"torch.ops.{function}"
    family, _, rest = name.partition("_")
    plain = plain_name(name)
    homes = ("torch", "torch.nn.functional", "torch.Tensor")
    places = [(f"torch.{family}", rest)] if family in FAMILIES else []
    places += [(home, each) for each in (plain, name, name.removesuffix(".__get__")) for home in homes]
    found = (".".join(place) for place in places if hasattr(attrgetter(place[0])(ROOT), place[1]))
    return next(found, f"torch.{plain or 'call'}")


ROOT = SimpleNamespace(torch=torch)
FAMILIES = ("linalg", "special", "fft")
"""Modules of PyTorch of which a function's own name begins with the module's."""
MOST_NUMBERS = 64
"""Constants of so many numbers are known by what they hold."""
DRAWS = {
    *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"),
    *("bernoulli", "normal", "multinomial", "poisson"),
}
"""Functions that give other values in every run."""
DECIDES = {
    *("__bool__", "__int__", "__float__", "__index__", "item", "tolist", "equal", "allclose", "nonzero"),
    *("numpy", "__array__", "__dlpack__", "masked_select", "unique", "unique_consecutive", "argwhere", "bincount"),
}
"""Functions that tell a value of a tensor, or give as much as follows from values."""
SIZES = {"shape.__get__", "size", "numel", "__len__"}
"""Functions that tell sizes of a tensor."""


def _listed(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _place(tensor: Tensor) -> int:
    """Which memory a tensor lies in."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return -id(tensor)


def _is_array(data: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(data, numpy.ndarray)


def _type(tensor: Tensor) -> str:
    """What kind of numbers a tensor holds."""
    if tensor.is_floating_point() or tensor.is_complex():
        return "float"
    return "truth" if tensor.dtype == torch.bool else "whole"


@contextmanager
def _calls_go_to(recorder: Recorder) -> Iterator[None]:
    """Every call of a module goes to the recorder meanwhile."""
    forward = nn.Module.__call__

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return recorder.call(forward, module, args, kwargs)

    nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = forward  # type: ignore[method-assign]


@contextmanager
def _without_shortcuts() -> Iterator[None]:
    """Transformers call the layers that they are made of meanwhile, and no function that does all at once."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


@contextmanager
def _without_compiling() -> Iterator[None]:
    """What was given to `torch.compile` runs as it was written meanwhile."""
    if "torch._dynamo" not in sys.modules:  # nothing was, and it takes long to import
        yield
        return
    was = torch._dynamo.config.disable
    torch._dynamo.config.disable = True
    try:
        yield
    finally:
        torch._dynamo.config.disable = was


@contextmanager
def as_before(module: nn.Module) -> Iterator[None]:
    """What the modules keep from one run for the next, as a table that is made once, is forgotten afterwards."""
    before = [(vars(each), dict(vars(each))) for each in module.modules()]
    tables = [(each, dict(each)) for _, own in before for each in own.values() if isinstance(each, dict)]
    lists = [(each, [*each]) for _, own in before for each in own.values() if isinstance(each, list)]
    try:
        yield
    finally:
        for now, was in (*before, *tables):
            if not _holds_the_same(now, was):  # what has not changed may be of a kind that refuses to be
                now.clear()
                now.update(was)
        for each, items in lists:
            each[:] = items


def _holds_the_same(now: dict[Any, Any], was: dict[Any, Any]) -> bool:
    """Whether two dictionaries hold the same objects under the same keys, in the same order."""
    return [*now] == [*was] and all(now[key] is was[key] for key in was)


def traced(module: nn.Module, inputs: Mapping[str, Tensor], state: Mapping[str, Tensor], *, by_name: bool) -> Recording:
    """The trace of a module on inputs, with other tensors in place of its parameters and buffers.

    by_name  whether the inputs have the names of the parameters of `forward`, and are given by these
    """
    names: dict[nn.Module, list[str]] = {}
    for name, each in module.named_modules(remove_duplicate=False):
        names.setdefault(each, []).append(name)
    recorder = Recorder(names)
    parameters = dict(module.named_parameters(remove_duplicate=False))
    for name, tensor in state.items():
        recorder.known(tensor, origin=name, kind="parameter" if name in parameters else "buffer")
    for name, tensor in inputs.items():
        recorder.trace.inputs[name] = recorder.known(tensor, origin=name, kind="input")
    args, kwargs = ((), dict(inputs)) if by_name else (tuple(inputs.values()), {})
    with (
        torch.no_grad(),
        as_before(module),
        _without_shortcuts(),
        _without_compiling(),
        _calls_go_to(recorder),
        recorder,
    ):
        result = torch.func.functional_call(module, dict(state), args, kwargs, strict=False, tie_weights=False)
    recorder.trace.result = recorder.read(result)
    return recorder.trace


def without_values(module: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of a module by name, on the device on which tensors have no values."""
    made: dict[int, Tensor] = {}
    found = {}
    both = (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False))
    for name, tensor in both:
        if id(tensor) not in made:
            made[id(tensor)] = torch.empty_like(tensor, device="meta")
        found[name] = made[id(tensor)]
    return found
