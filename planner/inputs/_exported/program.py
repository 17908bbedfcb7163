"""A program of `torch.export`: what it stores and reads, and the functions that it calls in their order."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._exported.archive import Archive, refused
from planner.inputs._exported.sizes import LARGEST
from planner.inputs._stored import Held

MOST_STEPS = 50_000
MAJOR = 8
"""The version in which PyTorch writes programs down that is known here; its minor versions add to it."""


@dataclass(frozen=True, slots=True)
class TensorName:
    """A tensor that the program has under a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Size:
    """A number that follows from the sizes of the inputs, and what it was when the program was exported."""

    text: str
    hint: Any = None


@dataclass(frozen=True, slots=True)
class TensorMeta:
    """What a program says of a tensor; `type` is the kind of its numbers as in Value."""

    sizes: tuple[int | Size, ...]
    type: str


@dataclass(frozen=True, slots=True)
class ModuleFrame:
    """A call of a module that is under way, by a key that no other call has."""

    key: str
    path: str
    kind: str

    @property
    def name(self) -> str:
        """The name of the class alone."""
        return self.kind.rpartition(".")[2] or "Module"


@dataclass(frozen=True, slots=True)
class OperatorCall:
    """A function that the program calls: the positional arguments by their names, then the others."""

    target: str
    args: dict[str, Any]
    kwargs: dict[str, Any]
    result: Any
    frames: tuple[ModuleFrame, ...]

    @property
    def name(self) -> str:
        """The function's name without its home and its variant."""
        parts = self.target.split(".")
        return parts[-2] if self.target.startswith("torch.ops.") and len(parts) > 4 else parts[-1]


@dataclass
class StoredProgram:
    """A program: its inputs, outputs and calls.

    stored   what is stored, by the names of the `state_dict`
    origins  the stored tensor that a name in the program stands for
    numbers  the numbers that names in the program stand for
    ranges   the smallest and the largest value of each symbol
    """

    inputs: list[str]
    outputs: list[Any]
    calls: list[OperatorCall]
    tensors: dict[str, TensorMeta]
    stored: dict[str, Held]
    origins: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    ranges: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    @property
    def in_training(self) -> bool:
        """Whether it was exported in training, and normalizes by the batch."""
        return any(call.name == "batch_norm" and call.args.get("training") for call in self.calls)

    @property
    def name(self) -> str:
        """The class of the network."""
        return next((call.frames[0].name for call in self.calls if call.frames), "Net")


def program_of(archive: Archive, name: str) -> StoredProgram:
    """The program that an archive holds. Raises NotImported."""
    try:
        version = archive.program["schema_version"]["major"]
        if version != MAJOR:
            raise refused(name, f"is of version {shown(str(version))} of torch.export, where {MAJOR} is known")
        return _Reader(archive, name).program()
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, StopIteration) as error:
        raise broken(name, error) from error


def broken(name: str, error: Exception) -> NotImported:
    """The fault of a program that is not as PyTorch writes them."""
    return refused(name, f"holds a program that is broken: {shown(str(error) or 'it ends too early')}")


ONE = ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool")
SEVERAL = (
    "as_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools", "as_optional_tensors", "as_nested_tensors",
)  # fmt: skip
PLAIN = (
    "as_int", "as_float", "as_bool", "as_string", "as_ints", "as_floats", "as_bools", "as_strings", "as_int_lists",
)  # fmt: skip
"""Kinds of arguments: names, lists of names, and what stands there itself."""


class _Reader:
    """Reads what PyTorch writes down, as its schema has it: each value stands in a mapping under its kind."""

    def __init__(self, archive: Archive, name: str) -> None:
        self.archive, self.name = archive, name
        self.tensors: dict[str, TensorMeta] = {}
        self.sizes: dict[str, Any] = {}
        self.calls: list[OperatorCall] = []

    def program(self) -> StoredProgram:
        module = self.archive.program["graph_module"]
        graph, signature = module["graph"], module["signature"]
        self._graph(graph, "", ())
        found = StoredProgram([], [], self.calls, self.tensors, {})
        parameters: dict[str, bool] = {}
        for spec in signature["input_specs"]:
            ((kind, about),) = spec.items()
            if kind == "user_input":
                if "as_tensor" in about["arg"]:
                    found.inputs.append(about["arg"]["as_tensor"]["name"])
            elif kind in ("parameter", "buffer", "tensor_constant"):
                own, arg = about[f"{kind}_name"], about["arg"]["name"]
                self._store(found, own, arg, kind, kept=kind == "parameter" or bool(about.get("persistent")))
                parameters[own] = True
            elif kind != "constant_input":
                raise refused(self.name, f"reads what is no tensor: {shown(str(kind))}", "leave it out of the network")
        self._tie(found)
        for spec in signature["output_specs"]:
            ((kind, about),) = spec.items()
            if kind == "user_output":
                found.outputs.append(self.read(about["arg"], ""))
        for symbol, bounds in (self.archive.program.get("range_constraints") or {}).items():
            least, most = bounds["min_val"], bounds["max_val"]
            found.ranges[str(symbol)] = int(least or 0), None if most is None else int(most)
        return found

    def _store(self, found: StoredProgram, name: str, arg: str, kind: str, *, kept: bool) -> None:
        tensor = self.tensors[arg]
        sizes = tuple(size for size in tensor.sizes if isinstance(size, int))
        if len(sizes) != len(tensor.sizes):
            raise ValueError(f"`{name}` has no fixed size")
        if kind == "tensor_constant" and name in self.archive.constants:
            found.numbers[arg] = _number(self.archive.constants[name], self._dtypes[arg])
        found.stored[name] = Held(name, sizes, kind == "parameter", tensor.type != "float", kept)
        found.origins[arg] = name

    def _tie(self, found: StoredProgram) -> None:
        """Say which stored tensors are one: those that lie in one place of the archive."""
        first: dict[Any, str] = {}
        for name, about in self.archive.weights.items():
            if name in found.stored:
                place = (about.get("path_name"), repr(about.get("tensor_meta")))
                own = first.setdefault(place, name)
                if own != name:
                    found.stored[name] = replace(found.stored[name], first=own)

    _dtypes: dict[str, int]

    # Graphs

    def _graph(self, graph: Mapping[str, Any], prefix: str, frames: tuple[ModuleFrame, ...]) -> None:
        """Read the calls of a graph, and those of the graphs within that are only run as they are."""
        if not prefix:
            self._dtypes = {}
        for name, about in graph["tensor_values"].items():
            sizes = tuple(map(self._size, about["sizes"]))
            if not all(isinstance(each, Size) or (type(each) is int and 0 <= each < LARGEST) for each in sizes):
                raise ValueError(f"`{name}` has no size")
            self.tensors[prefix + name] = TensorMeta(sizes, _type(about["dtype"]))
            self._dtypes[prefix + name] = about["dtype"]
        for kind in ("sym_int_values", "sym_float_values", "sym_bool_values"):
            for name, about in (graph.get(kind) or {}).items():
                self.sizes[prefix + name] = self._size(about)
        for node in graph["nodes"]:
            if len(self.calls) >= MOST_STEPS:
                raise refused(self.name, f"calls more than {MOST_STEPS:,} functions", "no network needs that")
            self._node(node, prefix, frames)

    def _node(self, node: Mapping[str, Any], prefix: str, frames: tuple[ModuleFrame, ...]) -> None:
        own = tuple(_frames(node["metadata"].get("nn_module_stack") or "")) or frames
        target = str(node["target"])
        given = node["inputs"]
        inner = next((each["arg"]["as_graph"] for each in given if "as_graph" in each["arg"]), None)
        if target.startswith("torch.ops.higher_order.wrap_with_") and inner is not None:
            self._inlined(node, inner["graph"], prefix, own)
            return
        args = {each["name"] or str(i): self.read(each["arg"], prefix) for i, each in enumerate(given) if _leads(each)}
        kwargs = {each["name"]: self.read(each["arg"], prefix) for each in given if not _leads(each)}
        results = [self.read(each, prefix) for each in node["outputs"]]
        result = results[0] if len(results) == 1 else tuple(results)
        self.calls.append(OperatorCall(target, args, kwargs, result, own))

    def _inlined(
        self, node: Mapping[str, Any], graph: Mapping[str, Any], prefix: str, frames: tuple[ModuleFrame, ...]
    ) -> None:
        """A graph within that only runs in another mode, as without gradients: its calls in place of it."""
        within = f"{prefix}{len(self.calls)}/"
        self._graph(graph, within, frames)
        outer = [self.read(each["arg"], prefix) for each in node["inputs"] if "as_graph" not in each["arg"]]
        outer = [each for each in outer if isinstance(each, TensorName)]
        inner = [self.read(each, within) for each in graph["inputs"]]
        names = dict(zip((each.name for each in inner), outer[-len(inner) :], strict=True)) if inner else {}
        given = [self.read(each, within) for each in graph["outputs"]]
        results = [self.read(each, prefix) for each in node["outputs"]]
        results = list(results[0]) if len(results) == 1 and isinstance(results[0], list | tuple) else results
        names |= {each.name: own for each, own in zip(given, results, strict=True) if isinstance(each, TensorName)}

        def outside(data: Any) -> Any:
            if isinstance(data, TensorName):
                return names.get(data.name, data)
            if isinstance(data, list | tuple):
                return type(data)(map(outside, data))
            return data

        for i, call in enumerate(self.calls):
            if any(each.name.startswith(within) for each in refs((call.args, call.kwargs, call.result))):
                args, kwargs = ({key: outside(each) for key, each in own.items()} for own in (call.args, call.kwargs))
                self.calls[i] = replace(call, args=args, kwargs=kwargs, result=outside(call.result))

    # Values

    def read(self, argument: Mapping[str, Any], prefix: str) -> Any:
        """An argument: a number, a text, a tensor's name, a size, or a list of these."""
        ((kind, about),) = argument.items()
        if kind == "as_none":
            return None
        if kind in ONE:
            return self._named(about, prefix)
        if kind in SEVERAL:
            return [self._named(each, prefix) for each in about]
        if kind in PLAIN:
            return float(about) if kind == "as_float" else about
        return Other(kind)

    def _named(self, about: Any, prefix: str) -> Any:
        if isinstance(about, list):
            return [self._named(each, prefix) for each in about]
        if "name" in about and isinstance(about["name"], str):
            return TensorName(prefix + about["name"])
        ((kind, inner),) = about.items()
        if kind == "as_none":
            return None
        if kind == "as_tensor":
            return TensorName(prefix + inner["name"])
        if kind == "as_name":
            return self.sizes[prefix + inner] if prefix + inner in self.sizes else Size(str(inner))
        return inner

    def _size(self, about: Mapping[str, Any]) -> Any:
        ((kind, inner),) = about.items()
        if kind != "as_expr":
            return inner
        hint = inner.get("hint") or {}
        return Size(str(inner["expr_str"]), next(iter(hint.values()), None))


@dataclass(frozen=True, slots=True)
class Other:
    """An argument of a kind that no layer needs, as a device."""

    kind: str


def _leads(argument: Mapping[str, Any]) -> bool:
    """Whether an argument is given by its position."""
    return argument.get("kind") in (None, 1)


def _frames(stack: str) -> Iterator[ModuleFrame]:
    """The calls of modules of which PyTorch's text for them consists: key, path, class; from the outermost on."""
    for each in stack.split(";"):
        key, _, rest = each.partition(",")
        path, _, kind = rest.rpartition(",")
        if not rest or key.startswith("_empty_nn_module_stack"):
            return
        yield ModuleFrame(key, path.removeprefix("L['self']").lstrip("."), kind)


def refs(data: Any) -> Iterator[TensorName]:
    """The tensors in arguments or results."""
    if isinstance(data, TensorName):
        yield data
    elif isinstance(data, list | tuple):
        for each in data:
            yield from refs(each)
    elif isinstance(data, dict):
        yield from refs(list(data.values()))


_FORMATS = {1: "B", 2: "b", 3: "<h", 4: "<i", 5: "<q", 6: "<e", 7: "<f", 8: "<d", 12: "?"}
"""How numbers of the types of PyTorch's schema lie in memory."""


def _number(data: bytes, dtype: int) -> Any:
    return struct.unpack(_FORMATS[dtype], data)[0] if dtype in _FORMATS else float("nan")


def _type(dtype: int) -> str:
    """What kind of numbers a type of PyTorch's schema has."""
    if dtype == 12:
        return "truth"
    return "whole" if dtype in (1, 2, 3, 4, 5, 28) else "float"


def names_in(data: Iterable[Any]) -> set[str]:
    return {each.name for each in refs(list(data))}
