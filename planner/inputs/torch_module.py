"""Networks that are modules of PyTorch: run on tensors without values, and written down call by call.

A module of `torch.nn` whose `forward` is its own is a layer; all others are opened, and the functions called in them
are recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.TransformerEncoder, nn.TransformerDecoder, nn.Transformer)
"""Modules of `torch.nn` that are made of others."""


@dataclass(eq=False)
class Value:
    """A tensor in the trace. `origin` is the name of an input, a parameter or a buffer; empty for what was computed."""

    sizes: tuple[int, ...]
    origin: str = ""
    kind: str = ""
    whole: bool = False


@dataclass(eq=False)
class Invocation:
    """One call of a module."""

    path: str
    module: nn.Module
    parent: Invocation | None


@dataclass(eq=False)
class Event:
    """A function or a layer that was called; `args`, `kwargs` and `result` have Values in place of tensors."""

    name: str
    call: Invocation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    module: nn.Module | None = None
    path: str = ""


@dataclass(eq=False)
class Recording:
    """What a module did in one run. `decisions` are functions that told it a value, by which it may have gone on."""

    events: list[Event] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)
    inputs: dict[str, Value] = field(default_factory=dict)
    result: Any = None


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's own, with PyTorch's forward pass."""
    own = _own_class(module)
    return own is not None and type(module).forward is own.forward and not isinstance(module, OPENED)


def _own_class(module: nn.Module) -> type[nn.Module] | None:
    found = next((each for each in type(module).__mro__ if each.__module__.startswith("torch.nn.modules")), None)
    return None if found is None or found is nn.Module or hasattr(module, "parametrizations") else found


def class_name(module: nn.Module) -> str:
    """The name of the class of `torch.nn` that a layer is."""
    own = _own_class(module)
    assert own is not None
    return own.__name__


class Recorder(TorchFunctionMode):
    """Writes down the functions and layers that run while the mode is on."""

    def __init__(self, names: Mapping[nn.Module, str]) -> None:
        super().__init__()
        self.names = names
        self.trace = Recording()
        self.calls: list[Invocation] = []
        self.inside_layer = False
        self.values: dict[int, Value] = {}
        self.alive: list[Tensor] = []
        self.lying: dict[int, set[int]] = {}

    def known(self, tensor: Tensor, **about: Any) -> Value:
        """The value of a tensor, new where the tensor has not been met."""
        if id(tensor) not in self.values:
            self.alive.append(tensor)
            self.lying.setdefault(_place(tensor), set()).add(id(tensor))
            whole = not (tensor.is_floating_point() or tensor.is_complex())
            self.values[id(tensor)] = Value(tuple(tensor.shape), whole=whole, **about)
        return self.values[id(tensor)]

    def renew(self, tensor: Tensor) -> Value:
        """A new value of a tensor that was written to; others in the same memory are not known any more."""
        for each in self.lying.get(_place(tensor), {id(tensor)}):
            if each in self.values and each != id(tensor):
                old = self.values[each]
                self.values[each] = Value(old.sizes, whole=old.whole)
        self.values.pop(id(tensor), None)
        return self.known(tensor)

    def read(self, data: Any) -> Any:
        """Arguments or results with values in place of tensors."""
        if isinstance(data, Tensor):
            return self.known(data)
        if isinstance(data, tuple | list):
            return tuple(map(self.read, data))
        if isinstance(data, dict):
            return {key: self.read(each) for key, each in data.items()}
        return data

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.inside_layer or not self.calls:
            return func(*args, **kwargs)
        read_args, read_kwargs = self.read(args), self.read(kwargs)
        result = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in DECIDES:
            self.trace.decisions.add(name)
        if name in ("__get__", "__set__"):
            name = f"{getattr(getattr(func, '__self__', None), '__name__', '')}.{name}"
        written = args[0] if name == "__setitem__" else kwargs.get("out")
        if written is not None:
            self.note(name, read_args, read_kwargs, self.renew(written))
        elif _holds_tensor(result):
            writes = name.endswith("_") or name.startswith("__i") or kwargs.get("inplace") or name in INPLACE
            for tensor in _tensors(result) if writes else ():
                if any(tensor is each for each in _tensors(args)):
                    self.renew(tensor)
            self.note(name, read_args, read_kwargs, self.read(result))
        return result

    def note(self, name: str, args: Any, kwargs: Any, result: Any, **about: Any) -> None:
        self.trace.events.append(Event(name, self.calls[-1], args, kwargs, result, **about))

    def call(self, forward: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Run a module, as a layer or opened."""
        path = self.names.get(module)
        if self.inside_layer or path is None:
            return forward(module, *args, **kwargs)
        if self.calls and is_layer(module):
            read_args, read_kwargs = self.read(args), self.read(kwargs)
            self.inside_layer = True
            try:
                result = forward(module, *args, **kwargs)
            finally:
                self.inside_layer = False
            if getattr(module, "inplace", False):
                for tensor in _tensors(result):
                    self.renew(tensor)
            self.note(class_name(module), read_args, read_kwargs, self.read(result), module=module, path=path)
            return result
        self.calls.append(Invocation(path, module, self.calls[-1] if self.calls else None))
        try:
            return forward(module, *args, **kwargs)
        finally:
            self.calls.pop()


INPLACE = {"relu", "silu"}
DECIDES = {"__bool__", "item", "__int__", "__float__", "__index__", "tolist", "equal", "allclose", "numpy", "nonzero"}
"""Functions that tell a value of a tensor."""


def _place(tensor: Tensor) -> int:
    """Which memory a tensor lies in."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return -id(tensor)


def _tensors(data: Any) -> Iterator[Tensor]:
    if isinstance(data, Tensor):
        yield data
    elif isinstance(data, tuple | list):
        for each in data:
            yield from _tensors(each)
    elif isinstance(data, dict):
        for each in data.values():
            yield from _tensors(each)


def _holds_tensor(data: Any) -> bool:
    return next(_tensors(data), None) is not None


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


def traced(module: nn.Module, inputs: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> Recording:
    """The trace of a module on inputs, with other tensors in place of its parameters and buffers."""
    names: dict[nn.Module, str] = {}
    for name, each in module.named_modules():
        names.setdefault(each, name)
    recorder = Recorder(names)
    parameters = dict(module.named_parameters(remove_duplicate=False))
    for name, tensor in state.items():
        recorder.known(tensor, origin=name, kind="parameter" if name in parameters else "buffer")
    for name, tensor in inputs.items():
        recorder.trace.inputs[name] = recorder.known(tensor, origin=name, kind="input")
    with torch.no_grad(), _without_shortcuts(), _calls_go_to(recorder), recorder:
        result = torch.func.functional_call(
            module, dict(state), tuple(inputs.values()), strict=False, tie_weights=False
        )
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
