"""The Model that a file unfolds into: every copy of every layer, with its full name and its sources; no shapes yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.budget import Budget
from planner.diagnostics import Diagnostic, Path
from planner.format import Block
from planner.geometry import Shape
from planner.guesses import Guess
from planner.layers._layer import Facts, Layer
from planner.source import Source

if TYPE_CHECKING:
    import networkx

    from planner.targets import Aim


class Ref(NamedTuple):
    """One tensor: which step, and which of its outputs; None where a bare name leaves that to the step."""

    step: int
    output: int | None = None


@dataclass(slots=True, eq=False)
class Group:
    """One copy of a list of layers: its name, its type, where it is called with which arguments, and the steps [first,
    last).

    sources  what it is given, whether its steps read it or not
    outputs  what the block says it hands on, in its order; empty where it says nothing
    hands    what it hands on, whether it says so or not
    again    the earlier copy whose weights all of it uses
    """

    name: str
    type: str
    path: Path
    block: Block
    args: Mapping[str, Any]
    parent: Group | None
    first: int
    last: int = 0
    sources: tuple[Ref, ...] = ()
    outputs: tuple[Ref, ...] = ()
    hands: tuple[Ref, ...] = ()
    again: Group | None = None

    @property
    def feeds(self) -> int:
        """How many tensors the next copy of a repeat reads of it: the outputs that it states, or else one."""
        return max(len(self.block.outputs), 1)


def around(group: Group | None) -> Iterator[Group]:
    """A group and the groups that it stands in, innermost first."""
    while group is not None:
        yield group
        group = group.parent


class Weight(NamedTuple):
    """A weight of an instance, by its name in the layer's own `state_dict`."""

    step: int
    name: str


class SizeOf(NamedTuple):
    """One size of a tensor, with its axis from the end: −1 for the channels, −2 for the width or the length."""

    ref: Ref
    axis: int


@dataclass(slots=True, eq=False)
class SizedLayer:
    """The layer of an entry whose arguments read sizes of tensors: it is another layer where these sizes are others.

    reads      the sizes
    keys       the arguments that are worked out from them
    numbers    the numbers that stand beside the sizes in the arithmetic
    arguments  these arguments for such sizes; None where the arithmetic has a fault there
    made       makes the layer for such sizes; raises the fault of its arguments, and makes none where they depend on
               something else that is wrong
    named      those of the sizes that the arithmetic reads by their own names, as `input.height`
    laws       what has been found out about the arguments
    """

    reads: tuple[SizeOf, ...]
    keys: frozenset[str]
    numbers: frozenset[int]
    arguments: Callable[[tuple[int, ...]], Mapping[str, Any] | None]
    made: Callable[[tuple[int, ...]], Layer | None]
    named: Mapping[str, SizeOf] = field(default_factory=dict)
    laws: dict[tuple[int, ...], object] = field(default_factory=dict)
    _known: dict[tuple[int, ...], Layer | None] = field(default_factory=dict)

    def layer(self, sizes: tuple[int, ...]) -> Layer | None:
        """The layer for these sizes; raises the fault of its arguments."""
        if sizes not in self._known:
            self._known[sizes] = self.made(sizes)
        return self._known[sizes]


class Mention(NamedTuple):
    """Where the file names a tensor by its number: the entry, or the whole file, the place in it, and the calls.

    name    what it calls the layer
    copies  how many copies the layer has, whose names end in numbers too; None where it is not repeated
    """

    ref: Ref
    path: Path
    key: Path
    calls: tuple[Path, ...]
    name: str
    copies: int | None = None


class LeftOut(NamedTuple):
    """An entry with several sources of which there is no copy, so that it hands on the first and nothing reads the
    others on its behalf.

    key  what leaves it out: `when`, or `repeat`
    """

    path: Path
    calls: tuple[Path, ...]
    name: str
    key: str
    kept: Ref
    dropped: tuple[Ref, ...]


@dataclass(slots=True, eq=False)
class Instance:
    """One copy of a layer. A model input has the `input` shape and no layer; what is wrong has neither, but a guess.

    again  the instance of the same list whose layer it calls once more
    owner  the first instance with its weights, where it has none of its own, or stands in a block that has none
    ties   its weights that are the same tensors as others
    own    what arrives in the file at a `declared` layer; of an input, its shape in the file, where it has another
    sized  its layer at other sizes, where arguments read sizes of tensors; `layer` is that for the sizes in the file
    """

    name: str
    type: str
    layer: Layer | None
    sources: tuple[Ref, ...]
    path: Path
    calls: tuple[Path, ...] = ()
    allow: frozenset[str] = frozenset()
    group: Group | None = None
    input: Shape | None = None
    guess: Guess | None = None
    again: int | None = None
    owner: int | None = None
    ties: Mapping[str, Weight] | None = None
    own: tuple[Shape, ...] | None = None
    sized: SizedLayer | None = None

    def placed(self, layer: Layer, facts: Facts, inputs: Sequence[Shape]) -> Facts:
        """The facts of the instance on these inputs, for which its layer answers `facts`; raises the fault of inputs on
        which the file tells too little.
        """
        if not self.own or self.own == tuple(inputs):
            return facts
        return layer.elsewhere(facts, self.own, *inputs, follows=self.sized.keys if self.sized else frozenset())

    @property
    def lenders(self) -> list[int]:
        """The instances whose weights it uses."""
        if self.owner is not None:
            return [self.owner]
        return [weight.step for weight in self.ties.values()] if self.ties else []

    @property
    def needs(self) -> list[int]:
        """The instances on which it depends whether it can be planned: those that it reads, and the lenders."""
        return [*self.reads, *self.lenders]

    @property
    def reads(self) -> list[int]:
        """The instances that it reads, and those of which its arguments read a size."""
        sources = [ref.step for ref in self.sources]
        return sources if self.sized is None else [*sources, *(size.ref.step for size in self.sized.reads)]


@dataclass(slots=True, eq=False)
class Model:
    """A model file, unfolded. Instances stand in order of execution, inputs first.

    root      the model's own list of layers, as the file has it
    blocks    the blocks that the file's own layers may call, by name: the file's, and those of libraries
    numbered  where outputs of layers are named by their numbers, whether they are read or not
    left_out  entries with several sources that are not there
    budget    what it may cost
    targets   what it is to run on
    noted     whether it has been noted what arrives at `declared` layers in the file
    like      the model with the same steps, but for layers and shapes of inputs, from which it was made by edits; what
              `root`, `blocks` and `groups` say of the file is as it was there
    """

    name: str
    root: Block
    blocks: Mapping[str, Block]
    instances: list[Instance]
    groups: list[Group]
    numbered: list[Mention]
    outputs: tuple[Ref, ...]
    params: dict[str, Any]
    source: Source
    diagnostics: list[Diagnostic]
    allow: frozenset[str] = frozenset()
    left_out: list[LeftOut] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    targets: tuple[Aim, ...] = ()
    noted: bool = False
    like: Model | None = None

    def note_own(self, arriving: Callable[[Mapping[str, Shape]], Iterable[tuple[Instance, tuple[Shape, ...]]]]) -> None:
        """Note, once, what arrives at `declared` layers in the file.

        arriving  what every instance reads, where inputs have these shapes in place of those given now
        """
        if not self.noted:
            self.noted = True  # so that planning does not come back to here
            if not any([each.layer is not None and each.layer.declared for each in self.instances]):
                return
            inputs = {each.name: each.own[0] for each in self.instances if each.input is not None and each.own}
            for instance, shapes in arriving(inputs):
                if instance.layer is not None and instance.layer.declared:
                    instance.own = shapes

    @classmethod
    def nothing(cls, source: Source) -> Model:
        """The model of a file that none can be made of."""
        name = source.file or "model"
        return cls(name, Block(("layers",), name, ()), {}, [], [], [], (), {}, source, [])

    @property
    def graph(self) -> networkx.MultiDiGraph[str]:
        """The wiring as a networkx graph: a node for each full name, with its instance; an edge for each source, with
        the output that it takes and the place it takes among the sources.
        """
        import networkx

        graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=self.name)
        for instance in self.instances:
            graph.add_node(instance.name, instance=instance)
        for instance in self.instances:
            for place, ref in enumerate(instance.sources):
                graph.add_edge(self.instances[ref.step].name, instance.name, output=ref.output or 0, place=place)
        return graph
