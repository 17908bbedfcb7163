"""What a network did when it was run: the calls of modules, and the functions and layers called in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from planner.inputs._following import Longer, Varied, as_map

if TYPE_CHECKING:
    from planner.inputs._graph import Graph

BORDER = "border"
"""The name of the event in which tensors go into a module with weights, or come out of it."""


@dataclass(eq=False)
class TensorValue:
    """A tensor in the trace.

    origin   the name of an input, a parameter or a buffer; empty for what was computed
    kind     `input`, `parameter` or `buffer`; `constant` for what was there before; `elsewhere` for what functions of
             PyTorch did not compute, as NumPy's; empty for what they did
    type     `float`, `whole` for whole numbers, `truth` for truth values
    numbers  what a constant holds, if that is little
    fixed    whether it follows from numbers in the code alone
    """

    sizes: tuple[int, ...]
    origin: str = ""
    kind: str = ""
    type: str = "float"
    numbers: tuple[float, ...] = ()
    fixed: bool = False


@dataclass(eq=False)
class Invocation:
    """One call of a module; `kind` is the name of its class."""

    path: str
    kind: str
    parent: Invocation | None


@dataclass(eq=False)
class Event:
    """A function or a layer that was called; `args`, `kwargs` and `result` have Values in place of tensors.

    module  the layer of `torch.nn` that was called; None for a function
    path    that layer's full name, or that of the module which tensors go into
    called  the function's dotted name, under which it can be found
    """

    name: str
    call: Invocation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    module: Any = None
    path: str = ""
    called: str = ""


@dataclass(eq=False)
class Recording:
    """What a module did in one run. `decisions` are functions that told it a value, by which it may have gone on.

    sized      whether it looked at the sizes of a tensor, by which it may have gone on as well
    elsewhere  whether it did something else in a run on other sizes
    varied     which dimensions of its inputs are made longer in other runs, where these are not those of maps
    """

    events: list[Event] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)
    sized: bool = False
    elsewhere: bool = False
    inputs: dict[str, TensorValue] = field(default_factory=dict)
    result: Any = None
    varied: Mapping[str, Varied] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many samples were in its inputs."""
        return next(iter(self.inputs.values())).sizes[0]

    def varied_of(self, name: str) -> Varied:
        """Which dimensions of an input are made longer in other runs."""
        return self.varied.get(name) or as_map(len(self.inputs[name].sizes) - 1)

    @property
    def lengths(self) -> list[int]:
        """The sizes of the axes that are made longer in other runs."""
        pairs = [(name, value.sizes[1:]) for name, value in self.inputs.items()]
        found = {at: n for name, sizes in pairs for at, n in zip(self.varied_of(name), sizes, strict=True)}
        return [found.get(at, 1) for at in range(max((at for at in found if at is not None), default=-1) + 1)]

    @property
    def outline(self) -> list[tuple[str, str, int]]:
        """What was called, and how many tensors came out of each call: two runs of one network have the same."""
        events = ((each.name, each.path, each.result) for each in self.events)
        return [(name, path, sum(1 for _ in each_of(TensorValue, result))) for name, path, result in events]


class Recordings(NamedTuple):
    """What a network did when it was run.

    traces             at the size that is meant, and at a larger one if it does the same there
    others             gives traces of more runs, which must bear numbers out that follow from the inputs' sizes
    alone              gives those at the size that is meant
    elsewhere          gives those of runs at all sizes but this one, whether or not it does the same there
    computes_the_same  whether a model file computes what the network computes at the size of a run
    apart_for_one      whether the network does something else for a single sample
    at                 gives traces of runs on inputs with axes that are so many cells longer than those of a run, as
                       far as the network does the same there
    """

    traces: list[Recording]
    others: Callable[[], Iterable[Recording]]
    alone: Callable[[], list[Recording]]
    elsewhere: Callable[[], Iterable[Recording]] = tuple
    computes_the_same: Callable[[str, Recording], bool] = lambda text, run: False
    apart_for_one: Callable[[], bool] = lambda: False
    at: Callable[[Recording, Sequence[Longer]], Iterable[Recording]] = lambda first, longer: ()


Lower = Callable[[list[Recording]], "Graph"]
"""Makes a graph of traces."""
KindT = TypeVar("KindT")


def each_of(kind: type[KindT], data: Any) -> Iterator[KindT]:
    """All things of a kind in arguments or results."""
    if isinstance(data, kind):
        yield data
    elif isinstance(data, tuple | list):
        for each in data:
            yield from each_of(kind, each)
    elif isinstance(data, dict):
        for each in data.values():
            yield from each_of(kind, each)
    elif isinstance(data, slice):
        yield from each_of(kind, (data.start, data.stop, data.step))
    elif is_dataclass(data) and not isinstance(data, type):
        yield from each_of(kind, [getattr(data, each.name) for each in fields(data)])


def plain_name(name: str) -> str:
    """The name of a function without what says that it is an operator, or that it writes over its input."""
    if name.startswith("__") and name.endswith("__"):
        return name[2:-2]
    if name.endswith("_") and not name.endswith("__"):
        return name[:-1]
    return name
