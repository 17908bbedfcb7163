"""The classes of a model, each for a list of layers: the door to what `planner.classes` makes of a plan."""

from __future__ import annotations

from functools import cached_property

from planner.classes.copies import Copies
from planner.classes.elsewhere import Elsewhere
from planner.classes.finishing import finished
from planner.classes.parts import Unit
from planner.classes.sharing import Sharing


class Units:
    """The classes of a model, those first that others construct."""

    def __init__(self, copies: Copies, elsewhere: Elsewhere) -> None:
        """`elsewhere` is the file with other arguments, with which classes are tried."""
        self.structure = copies.structure
        self.names = copies.names
        sharing = Sharing(copies, elsewhere)
        root = sharing.of(copies.root)
        used = _used(root, {})
        found = finished([unit for unit in sharing.all if unit in used], self.names)
        self.all = list(found.values())
        self.root = found[root]

    @cached_property
    def chains(self) -> bool:
        """Whether the model is one chain through and through."""
        return all(self.structure.is_chain(unit.block) and all(part.plain for part in unit.parts) for unit in self.all)

    @property
    def weighted(self) -> set[str]:
        """The classes of torch.nn in the model that have a weight of two or more axes, and may have a bias."""
        found = set()
        for unit in self.all:
            for part in unit.all_parts():
                step = part.first.step
                biased = step is not None and step.layer is not None and "bias" in type(step.layer).model_fields
                if step is not None and biased and part.calls and step.macs and "weight" in step.weights:
                    found.add(part.calls[-1].target)
        return found


def _used(unit: Unit, found: dict[Unit, None]) -> dict[Unit, None]:
    """A class and those that it constructs; other classes were tried, and given up."""
    if unit not in found:
        found[unit] = None
        for part in unit.all_parts():
            if part.unit is not None:
                _used(part.unit, found)
    return found
