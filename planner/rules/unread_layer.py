from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.plan import first_of
from planner.rules._rule import Rule
from planner.rules._waste import wastes
from planner.words import named

if TYPE_CHECKING:
    from planner.model import LeftOut
    from planner.plan import Plan, Step
    from planner.report import Report


class UnreadLayer(Rule):
    """A layer, or an input of the model, whose output nothing reads.

    Why it matters: the layer is computed, its weights get no gradient, and most likely a `from` was forgotten or names
    another layer.

    When to ignore it: when the layer is kept for its weights, as an auxiliary head of which only the `state_dict`
    matters.

    How to fix it: name the layer in a `from`, list it under `outputs`, or take it out.
    """

    code = "NSP242"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3}  # NSP242
          - {name: b, type: Conv2d, out_channels: 8, kernel_size: 3, from: input}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: b, type: Conv2d, out_channels: 8, kernel_size: 3}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        plan = report.plan
        if not plan.complete:
            return
        returned = {ref.step for ref in plan.outputs}
        named, read = returned | plan.sized, set(returned)
        for step in plan.steps:
            for source, ref in enumerate(step.sources):
                named.add(ref.step)
                if len(step.sources) == 1 or not step.lends_size(source):
                    read.add(ref.step)
        unread = [i for i in range(len(plan.steps)) if i not in read]
        spent = {each.step: each.macs for each in wastes(report)} if unread else {}
        silenced = _silenced(plan, unread)
        for left, steps in silenced.items():
            yield _by_when(plan, left, [plan.steps[i] for i in steps], spent)
        for i in sorted(set(unread).difference(*silenced.values())):
            step = plan.steps[i]
            if step.is_input and i in named:
                continue  # an input that only lends its size
            what = "the input" if step.is_input else f"the output of {step.type}"
            why = "is not used" if step.is_input else f"is computed for {'its size alone' if i in named else 'nothing'}"
            price = f", with {spent[i]:,} multiply-adds" if spent.get(i) else ""
            yield cls.at(
                step,
                f"nothing reads {what} `{step.name}`",
                label=f"{step.outputs[0]} {why}{price}",
                help="name it in a `from`, list it under `outputs`, or take it out",
            )


def _silenced(plan: Plan, unread: list[int]) -> dict[LeftOut, list[int]]:
    """The steps that nothing reads because the entry that would read them is left out, by that entry."""
    found: dict[LeftOut, list[int]] = {}
    for left in plan.model.left_out:
        steps = [i for i in unread if any(ref.step == i for ref in left.dropped)]
        if steps:
            found[left] = steps
    return found


def _by_when(plan: Plan, left: LeftOut, steps: list[Step], spent: dict[int, int]) -> Diagnostic:
    """One finding for all branches that an entry with `when` would have joined."""
    price = sum(spent.get(ref.step, 0) for ref in left.dropped)
    kept, dropped = plan.label(first_of(left.kept)), named([plan.label(first_of(ref)) for ref in left.dropped])
    macs = f", {price:,} multiply-adds for nothing" if price else ""
    found = UnreadLayer.at(
        steps[0],
        f"nothing reads {named([step.name for step in steps])}, since `{left.key}` leaves `{left.name}` out",
        label=f"it hands on `{kept}` alone, and would read {dropped} too{macs}",
        help=f"give the layers of the other branch the same `{left.key}`, or leave the condition out",
    )
    return found._replace(path=(*left.path, left.key), calls=left.calls)
