"""Which entries of a `state_dict` of the model before the model after loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.layers._layer import Sizes
from planner.plan import Step

if TYPE_CHECKING:
    from planner.comparison import Comparison


@dataclass(frozen=True, slots=True)
class StateEntry:
    """An entry of a `state_dict`: its full name, its sizes, and the step that has it."""

    name: str
    sizes: Sizes
    step: Step


@dataclass(slots=True)
class State:
    """The entries of both models.

    before, after  all of them, by name
    resized   those that the same step has by the same name, with other sizes
    renamed   those that the same step has by another name, which may have other sizes too
    gone      those of which the model after has none: `load_state_dict` calls them unexpected keys
    new       those of which the model before has none: missing keys
    mistaken  those of the model after that `load_state_dict` would fill with an entry of the same name and sizes, which
              was that of another step; counters aside
    fitting   how many have the name and the sizes of one that the same step had
    unknown   how many steps could not be planned on one side, so that their entries are not known
    """

    before: Mapping[str, StateEntry]
    after: Mapping[str, StateEntry]
    resized: list[tuple[StateEntry, StateEntry]] = field(default_factory=list)
    renamed: list[tuple[StateEntry, StateEntry]] = field(default_factory=list)
    gone: list[StateEntry] = field(default_factory=list)
    new: list[StateEntry] = field(default_factory=list)
    mistaken: list[tuple[StateEntry, StateEntry]] = field(default_factory=list)
    fitting: int = 0
    unknown: int = 0

    @property
    def differs(self) -> bool:
        return bool(self.resized or self.renamed or self.gone or self.new)

    @property
    def renaming(self) -> dict[str, str]:
        """The new names of entries that fit once they are renamed."""
        return {was.name: now.name for was, now in self.renamed if was.sizes == now.sizes}


def state(both: Comparison) -> State:
    """The entries of the model before beside those of the model after."""
    before, after = (
        {each.name: each for step in report.plan.steps for each in entries_of(step).values()} for report in both.sides
    )
    found = State(before, after)
    for i, j in both.pairs:
        steps = [report.plan.steps[k] for report, k in zip(both.sides, (i, j), strict=True) if k is not None]
        if any(step.facts is None for step in steps):
            found.unknown += 1
            continue
        was = {} if i is None else entries_of(steps[0])
        now = {} if j is None else entries_of(steps[-1])
        for own in {**was, **now}:
            _add(found, was.get(own), now.get(own))
    return found


def _add(found: State, was: StateEntry | None, now: StateEntry | None) -> None:
    """Add an entry of a step, as it was and as it is."""
    if now is None:
        found.gone += [was] if was is not None else []
        return
    if was is None:
        found.new.append(now)
    elif was.name != now.name:
        found.renamed.append((was, now))
    elif was.sizes != now.sizes:
        found.resized.append((was, now))
    else:
        found.fitting += 1
    other = found.before.get(now.name) if was is None or was.name != now.name else None
    if other is not None and other.sizes == now.sizes != ():
        found.mistaken.append((other, now))


def entries_of(step: Step) -> dict[str, StateEntry]:
    """The entries of a step, by the layer's names for them."""
    return {
        own: StateEntry(f"{step.name}.{own}" if own else step.name, sizes, step) for own, sizes in step.state.items()
    }
