"""The contract of this folder: a remedy looks at a finding and proposes edits that may mend it.

A proposal is a guess that the layer's own answers make likely. Whether it mends the finding, and at what price, is
found out by planning the changed model; so a remedy may propose too much, and need not look at the whole network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from planner.arithmetic import has_arithmetic, is_expression
from planner.diagnostics import Diagnostic, Edit, Fault, Path
from planner.geometry import AxisMap, SameWindow, Shape, Window
from planner.layers._fields import per_axis
from planner.sight import stands_for_several

if TYPE_CHECKING:
    from planner.layers._layer import Layer
    from planner.plan import Plan, Step
    from planner.report import Report

LEFT_OUT = object()
"""In place of a value: the key is removed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Edits that may mend a finding.

    overwrites  expressions of the file that they replace by plain values
    own         whether the finding itself proposes them
    given       in place of edits: other shapes of inputs that did not come from the file
    """

    edits: tuple[Edit, ...]
    overwrites: tuple[str, ...] = ()
    own: bool = False
    given: Mapping[str, tuple[int, ...]] | None = None

    def __add__(self, other: Proposal) -> Proposal:
        return Proposal(self.edits + other.edits, self.overwrites + other.overwrites)


@dataclass(eq=False)
class Case:
    """A finding to be mended, with its report and its step.

    memory  what remedies have worked out about the model, for the other findings of the report
    given   the shapes of inputs that came from outside of the file, if any did
    """

    report: Report
    finding: Diagnostic
    memory: dict[object, Any] = field(default_factory=dict)
    given: Any = None

    @property
    def plan(self) -> Plan:
        return self.report.plan

    @property
    def step(self) -> Step | None:
        """The step of the finding, or the first step of the entry that holds the finding."""
        if self.finding.step is not None:
            return self.plan.step(self.finding.step)
        places = [self.finding.path[:end] for end in range(len(self.finding.path), 1, -1)]
        return next((step for step in self.plan.steps if step.path in places), None)

    def readers(self, step: Step) -> list[Step]:
        """The steps that read an output of the given step."""
        return [self.plan.steps[each.step] for each in self.plan.readers(self.plan.numbers[step.name])]

    # The file

    def at(self, path: Path) -> Any:
        """The value in the file, or in a library that it uses, at a path; None where there is none."""
        source, path = self.report.source.written_at(path)
        here: Any = source.data
        for part in path:
            if isinstance(here, dict):
                here = here.get(str(part))
            elif isinstance(here, list) and isinstance(part, int) and 0 <= part < len(here):
                here = here[part]
            else:
                return None
        return here

    def put(self, step: Step, **values: object) -> Proposal:
        """A proposal that sets arguments of a step in the file. An argument that is a block's parameter is set at the
        call.
        """
        proposal = Proposal(())
        for key, value in values.items():
            path, overwritten = self._home(step, key)
            given = self.at(path[:-1])
            if twin := next((edit for edit in proposal.edits if edit.path == path), None):
                if twin.value != value:  # one parameter of a block for two arguments
                    return Proposal(())
            elif value is not LEFT_OUT:
                proposal += Proposal((Edit(path, value),), () if is_expression(value) else overwritten)
            elif isinstance(given, dict) and path[-1] in given:
                proposal += Proposal((Edit(path, action="remove"),), overwritten)
        return proposal

    def _home(self, step: Step, key: str) -> tuple[Path, tuple[str, ...]]:
        """The place where an argument of a step is decided, and the expression that stands there."""
        path, calls = (*step.path, key), step.instance.calls
        while True:
            value = self.at(path)
            if not has_arithmetic(value):
                return path, ()
            name = value[1:] if isinstance(value, str) and value[1:].isidentifier() else None
            block = path[:4] if path[0] == "use" else path[:2] if path[0] == "blocks" else None
            if name and block and calls and name in (self.at((*block, "params")) or {}):
                path, calls = (*calls[0], name), calls[1:]
            elif name and name in (self.at(("params",)) or {}):
                path = ("params", name)
            else:
                return path, (str(value),)

    def resized(self, path: Path, sizes: Sequence[int]) -> list[Edit]:
        """The edits that set the sizes of the input at a path, or the parameters that stand there."""
        given = self.at(path)
        if not isinstance(given, list) or len(given) != len(sizes) + 1:
            return []
        edits = {}
        for axis, (old, new) in enumerate(zip(given, sizes, strict=False)):
            name = old[1:] if isinstance(old, str) else None
            if name is not None and isinstance(self.at(("params", name)), int):
                edits["params", name] = Edit(("params", name), new)
            elif not isinstance(old, int):
                return []
            elif old != new:
                edits["axis", str(axis)] = Edit((*path, axis), new)
        plain = all(key[0] == "axis" for key in edits) and not has_arithmetic(given)
        return [Edit(path, [*sizes, given[-1]])] if plain and edits else list(edits.values())

    def insert(self, step: Step, entry: dict[str, Any]) -> Edit | None:
        """The edit that inserts an entry before that of a step; None where layers would lose names by which they are
        read.
        """
        *home, at = step.path
        siblings = self.at(tuple(home))
        if not isinstance(siblings, list) or not isinstance(at, int):
            return None
        nameless = all(isinstance(each, dict) and each.get("name") is None for each in siblings)
        if nameless and ("name" in entry or any("from" in each for each in siblings)):
            return None
        return Edit((*home, at), entry, "insert")

    def free_name(self, step: Step, wish: str) -> str:
        """A name that no sibling of a step has, made from the given one."""
        taken = {str(each.get("name")) for each in self.at(step.path[:-1]) or () if isinstance(each, dict)}
        return next(name for i in range(len(taken) + 1) if (name := f"{wish}_{i}" if i else wish) not in taken)

    def sources(self, step: Step) -> list[str] | None:
        """The names in the `from` of a step's entry, one for each tensor; None where it has none, or where a name means
        several.
        """
        given = (self.at(step.path) or {}).get("from")
        names = [str(each) for each in (given if isinstance(given, list) else [given])] if given is not None else []
        return names if names and not any(map(stands_for_several, names)) else None

    # Layers

    def changed(self, step: Step, **values: object) -> Layer | None:
        """The step's layer with other arguments; None where the layer does not accept them."""
        layer = step.layer
        if layer is None or not set(values) <= {*type(layer).model_fields, *(layer.model_extra or {})}:
            return None
        given = {name: getattr(layer, name) for name in layer.model_fields_set if name not in values}
        try:
            return type(layer).model_validate({**given, **{k: v for k, v in values.items() if v is not LEFT_OUT}})
        except ValueError:
            return None

    def shape_with(self, step: Step, **values: object) -> Shape | None:
        """The output shape of a step with other arguments; None where the step would refuse them."""
        layer = self.changed(step, **values)
        try:
            return layer.facts(*step.inputs).outputs[0] if layer is not None and step.inputs else None
        except Fault:
            return None


def windows_of(step: Step) -> list[tuple[Window, int]]:
    """The window and the number of cells of each spatial axis of a step; empty where some axis has another map."""
    if step.layer is None or len(step.inputs) != 1:
        return []
    x = step.inputs[0]
    try:
        maps: Sequence[AxisMap] = step.layer.axes(x)
    except Fault:
        return []
    plain = [each.at(n) if isinstance(each, SameWindow) else each for each, n in zip(maps, x.spatial, strict=False)]
    found = [(each, n) for each, n in zip(plain, x.spatial, strict=False) if isinstance(each, Window)]
    return found if len(found) == len(x.spatial) else []


def per_side(sides: Sequence[tuple[int, int]]) -> object:
    """Padding before and after each axis; a plain number for each axis where both sides are alike."""
    if all(before == after for before, after in sides):
        return per_axis([before for before, _ in sides])
    return [list(pair) for pair in sides]


def wider(window: Window, before: int) -> Window:
    """A window with the padding `before`: on both sides alike, or wholly before where it is padded so now."""
    return replace(window, before=before, after=0 if window.after == 0 < window.before else before)


def behind(case: Case, step: Step) -> Iterator[Step]:
    """A step and those that feed it, back to the first that has several sources or none."""
    seen = 0
    while seen < 100:
        yield step
        if len(step.sources) != 1:
            return
        step = case.plan.steps[step.sources[0].step]
        seen += 1
