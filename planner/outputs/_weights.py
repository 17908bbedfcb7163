"""Whose weights layers and blocks use, in words, where they are not their own."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model import Group
from planner.outputs._screen import printable
from planner.plan import Plan, Step


def lent(plan: Plan, step: Step) -> str:
    """Whose weights a layer uses, in words: `shares conv1`, `tied to wte.weight`; nothing where they are its own."""
    if step.instance.again is not None:
        return f"shares {_near(plan.steps[step.instance.again].name, step.group)}"
    tied = [_near(plan.weight(step, name), step.group) for name in step.instance.ties or () if name in step.weights]
    return f"tied to {', '.join(tied)}" if tied else ""


def lent_to_copies(copies: Sequence[Group]) -> str:
    """Whose weights copies of a block in a row use, in words: `shares a`, or how many have the weights of others."""
    again = [each.again for each in copies if each.again is not None]
    if not again:
        return ""
    first, *others = dict.fromkeys(again)
    if not others and len(again) == len(copies):
        return f"shares {_near(first.name, copies[0].parent)}"
    if not others and first is copies[0] and len(again) == len(copies) - 1:
        return "with the same weights"
    return f"{len(again)} of them with the weights of others"


def _near(name: str, group: Group | None) -> str:
    """A full name as it is said in a block."""
    return printable(name.removeprefix(f"{group.name}.") if group else name)
