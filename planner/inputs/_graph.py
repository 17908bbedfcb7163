"""The neutral graph between the front ends and the model file: steps of the planner's layers, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.geometry import Shape
from planner.inputs._following import Longer, Varied, follows


class NotSayable(Exception):
    """A part of a network that no layer says; the text says what it is."""


class NotFollowing(NotSayable):
    """A number that does not follow from the sizes that come into the list of a module, whose path is given."""

    def __init__(self, path: str) -> None:
        super().__init__("a number that follows from the input's size in another way")
        self.path = path


class NotAlike(NotSayable):
    """A module, whose path is given, that does other things when it is called again."""

    def __init__(self, path: str) -> None:
        super().__init__(f"`{path}`, which does other things when it is called again")
        self.path = path


@dataclass(eq=False)
class ModuleCall:
    """One call of a module: its steps and the calls within it.

    path    the module's full name; empty for the network itself
    kind    the module's class
    """

    path: str
    kind: str
    parent: ModuleCall | None = None
    members: list[GraphNode | ModuleCall] = field(default_factory=list)


@dataclass(eq=False)
class GraphNode:
    """One layer of the network.

    type       the planner's layer type
    arguments  by the names that the layer has
    sources    what it reads
    scope      the module call in which it stands
    path       the full name under which the `state_dict` has its weights; None where it has none
    shapes     its outputs' shapes in each run
    state      the names of its weights and buffers in the `state_dict` of the source, by the layer's names
    ties       those of its weights that are another's, with the name under which these are first used
    reason     why no layer says it; empty where one does
    """

    type: str
    arguments: dict[str, Any]
    sources: tuple[Output, ...]
    scope: ModuleCall
    path: str | None = None
    shapes: tuple[tuple[Shape, ...], ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)
    ties: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a step; the step's number where the step has only one that counts."""

    step: GraphNode
    number: int = 0
    numbered: bool = field(default=False, compare=False)


@dataclass(eq=False)
class Graph:
    """A network as it comes from a front end.

    single     whether an output is a number for each sample, without an axis
    common     whether an output is the same for all samples
    varied     for each input, which of the axes that are made longer in other runs each of its axes is
    opened     the modules of which the parts stand in the list of the module above, under their full names
    pinned     whether runs on further sizes do not bear out what it says, or there are none
    elsewhere  shapes of the inputs at which the network is known to be another one
    smallest   axes along which the network takes smaller inputs than its file, and the smallest that the file takes
    doubts     for each number that may follow in several ways, inputs on which a run tells these apart
    """

    name: str
    top: ModuleCall
    inputs: dict[str, GraphNode] = field(default_factory=dict)
    varied: dict[str, Varied] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    single: bool = False
    common: bool = False
    opened: set[str] = field(default_factory=set)
    pinned: bool = False
    elsewhere: list[dict[str, Shape]] = field(default_factory=list)
    doubts: list[list[Longer]] = field(default_factory=list)
    smallest: dict[str, int] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """The number of runs of which the shapes of steps are known."""
        return min(len(step.shapes) for step in self.inputs.values())

    @property
    def steps(self) -> list[GraphNode]:
        found: list[GraphNode] = []

        def walk(scope: ModuleCall) -> None:
            for member in scope.members:
                if isinstance(member, ModuleCall):
                    walk(member)
                else:
                    found.append(member)

        walk(self.top)
        return found

    def alike(self, path: str) -> set[str]:
        """The modules of the class that a module is of, and the module itself."""
        kinds = {each.kind for each in self._calls if each.path == path}
        return {path} | {each.path for each in self._calls if each.kind in kinds and each.path}

    @property
    def called(self) -> set[str]:
        """The modules that are called, by their paths."""
        return {each.path for each in self._calls}

    @property
    def _calls(self) -> list[ModuleCall]:
        found = [self.top]
        for call in found:
            found += [each for each in call.members if isinstance(each, ModuleCall)]
        return found

    def prune(self) -> None:
        """Leave out steps without weights that no output follows from."""
        while True:
            read = {each.step for step in self.steps for each in step.sources} | {each.step for each in self.outputs}
            idle = [step for step in self.steps if step not in read and not step.state]
            if not idle:
                return
            for step in idle:
                step.scope.members.remove(step)

    @property
    def follows(self) -> bool:
        """Whether an argument of a step follows from the sizes of the inputs."""
        return any(follows(step.arguments) for step in self.steps)

    @property
    def opaque(self) -> list[GraphNode]:
        """The steps that no layer says."""
        return [step for step in self.steps if step.reason]
