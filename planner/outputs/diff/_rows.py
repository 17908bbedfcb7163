"""The steps that differ as rows: a whole block where all of it is new, gone, or follows; equal copies as one row."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from planner.comparison import BeforeAfter, Comparison, StepChange
from planner.model import Group, around
from planner.outputs._fold import summed
from planner.outputs._screen import cut, printable
from planner.outputs.draw._picture import arguments
from planner.outputs.plan.table import shapes_text
from planner.plan import Plan, Step
from planner.words import counted, named, pattern, starred

ChangeSign = Literal["+", "-", "~"]
TOLD = ("out", "params", "macs", "kept")
"""What is told of steps in which nothing was changed."""
MOST_SHAPES = 2
"""Different shapes of copies that are shown."""
LONGEST_VALUE = 40


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row: a step or a block that differs, or several copies of it that differ alike.

    name     its full name; where copies have their numbers, a star
    type     its type or, where that is another, both
    changes  the steps that it stands for
    shapes   what comes out of it or of its copies, before and after
    details  what was changed in it, each in a few words
    """

    sign: ChangeSign
    name: str
    type: str
    changes: tuple[StepChange, ...]
    shapes: tuple[BeforeAfter, ...]
    details: tuple[str, ...] = ()
    copies: int = 1

    @property
    def params(self) -> int | None:
        """How many parameters more or less; None where that is not known."""
        return _more(self.changes, lambda each: _of_both(each, lambda step: step.params))

    @property
    def macs(self) -> int | None:
        """How many multiply-adds more or less."""
        return _more(self.changes, lambda each: _of_both(each, lambda step: step.macs))

    @property
    def kept(self) -> int | None:
        """How many bytes more or less are kept for backward."""
        return _more(self.changes, lambda each: each.kept)

    @property
    def output(self) -> str:
        """The shapes that come out."""
        shown = [*dict.fromkeys(map(_shape_text, self.shapes))]
        return ", ".join(shown[:MOST_SHAPES]) + (", …" if len(shown) > MOST_SHAPES else "")

    @property
    def times(self) -> str:
        """The number of copies, as ` ×3`."""
        return f" ×{self.copies}" if self.copies > 1 else ""


def _of_both(each: StepChange, of: Callable[[Step], int | None]) -> BeforeAfter:
    """A number of a step before and after; None where it could not be planned, or is not there."""
    return BeforeAfter(*(of(step) if step and step.facts else None for step in (each.before, each.after)))


def _more(changes: Iterable[StepChange], of: Callable[[StepChange], BeforeAfter]) -> int | None:
    """The sum over steps after, less that over steps before."""
    found: list[int | None] = []
    for each in changes:
        was, now = of(each)
        found += [now] if each.after else []
        found += [None if was is None else -was] if each.before else []
    return summed(found)


def _shape_text(change: BeforeAfter) -> str:
    """Shapes before and after; one of them where they are equal, or where the other is not there."""
    was, now = (None if each is None else shapes_text(each) or "not planned" for each in change)
    return str(now if was is None or was == now else was if now is None else f"{was} → {now}")


def edited(both: Comparison) -> list[DiffRow]:
    """What was changed, put in and taken out."""
    found = [each for each in both.steps if each.added or each.removed or each.edited]
    whole = {
        "+": _whole(each.after for each in found if each.added),
        "-": _whole(each.before for each in found if each.removed),
    }

    def block(each: StepChange) -> Group | None:
        return next((group for group in _around(each.step) if group in whole.get(_sign(each), ())), None)

    return _folded(both, _rows(both, found, block))


def following(both: Comparison) -> list[DiffRow]:
    """What has other shapes, parameters or multiply-adds because of what was changed elsewhere."""
    own = {
        group for each in both.steps if not each.removed and (each.added or each.edited) for group in _around(each.step)
    }
    found = [each for each in both.steps if not (each.added or each.removed or each.edited)]
    told = [each for each in found if any(name in each.facts for name in TOLD)]
    return _folded(
        both, _rows(both, told, lambda each: next((group for group in _around(each.step) if group not in own), None))
    )


def _sign(each: StepChange) -> ChangeSign:
    return "+" if each.added else "-" if each.removed else "~"


def _around(step: Step) -> list[Group]:
    """The blocks around a step, the outermost first."""
    return [*around(step.group)][::-1]


def _whole(steps: Iterable[Step | None]) -> set[Group]:
    """The blocks of which all steps are among these."""
    counts = Counter(group for step in steps if step is not None for group in _around(step))
    return {group for group, count in counts.items() if count == group.last - group.first}


# Rows


def _rows(
    both: Comparison, changes: Iterable[StepChange], block: Callable[[StepChange], Group | None]
) -> Iterator[DiffRow]:
    """A row for each change or, for those of a block, one where its first stands."""
    found: dict[tuple[ChangeSign, object], list[StepChange]] = {}
    for each in changes:
        found.setdefault((_sign(each), block(each) or each), []).append(each)
    for (sign, what), steps in found.items():
        if isinstance(what, Group):
            yield _of_block(both, what, sign, steps)
        else:
            yield _of_step(both, steps[0], sign)


def _of_block(both: Comparison, block: Group, sign: ChangeSign, changes: Sequence[StepChange]) -> DiffRow:
    plan = both.before.plan if sign == "-" else both.after.plan
    leaving = tuple(shape for ref in plan.leaving(block) if (shape := plan.shape(ref)) is not None)
    out = BeforeAfter(None, leaving) if sign != "-" else BeforeAfter(leaving, None)
    if sign == "~":
        last = next((each for each in changes if each.after is plan.steps[plan.leaving(block)[0].step]), None)
        out = BeforeAfter(last.before.outputs, last.after.outputs) if last and last.before and last.after else out
    size = block.last - block.first
    details = (counted(size, "step"),) if sign != "~" else ()
    return DiffRow(sign, printable(block.name), printable(block.type), tuple(changes), (out,), details)


def _of_step(both: Comparison, each: StepChange, sign: ChangeSign) -> DiffRow:
    was, now = each.before, each.after
    kinds = [printable(step.type) for step in (was, now) if step is not None]
    out = BeforeAfter(was.outputs if was else None, now.outputs if now else None)
    described = _described(both.after.plan if now else both.before.plan, each.step)
    details = described if sign != "~" else step_details(each) if each.edited else ()
    return DiffRow(sign, printable(each.step.name), " → ".join(dict.fromkeys(kinds)), (each,), (out,), tuple(details))


def _described(plan: Plan, step: Step) -> Iterator[str]:
    """The arguments of a step, and what it reads if that is not what stands before it."""
    if said := arguments(step):
        yield said
    number = plan.numbers[step.name]
    if [each.step for each in step.sources] != [number - 1]:
        yield f"reads {_names([plan.label(each) for each in step.sources])}"


def step_details(each: StepChange) -> Iterator[str]:
    """What was changed in a step."""
    for name, change in each.arguments.items():
        yield f"{printable(name)} {value_text(change.before)} → {value_text(change.after)}"
    if "type" in each.facts:
        told = [arguments(step) or "no arguments" for step in (each.before, each.after) if step is not None]
        if len({*told}) > 1:
            yield " → ".join(told)
    if "class" in each.facts:
        yield "class {} → {}".format(*(printable(str(value)) for value in each.facts["class"]))
    if "from" in each.facts:
        was, now = each.facts["from"]
        yield f"reads {_names(now)}, not {_names(was)}"
    if "weights" in each.facts:
        was, now = each.facts["weights"]
        yield (
            f"has the weights of {_names(now)}, not of {_names(was)}"
            if was and now
            else (f"has the weights of {_names(now)}" if now else f"has weights of its own, not of {_names(was)}")
        )
    if each.renamed and each.before is not None:
        yield f"was `{printable(each.before.name)}`"


def _names(names: Sequence[str] | None) -> str:
    return named([printable(each) for each in names or ()]) or "nothing"


def value_text(value: Any) -> str:
    """An argument's value in a few characters: `3`, `3×3`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cut(printable(str(list(value) if isinstance(value, tuple) else value)), LONGEST_VALUE)


# Names of copies


def _folded(both: Comparison, rows: Iterable[DiffRow]) -> list[DiffRow]:
    """The rows with those that differ alike, in copies of the same list, as one."""
    copies = CopyNames(both)
    found: dict[tuple[object, ...], list[DiffRow]] = {}
    for row in rows:
        found.setdefault((row.sign, pattern(row.name), row.type, _unnumbered(row)), []).append(row)
    return [_together(alike, copies) for alike in found.values()]


def _unnumbered(row: DiffRow) -> tuple[str, ...]:
    return tuple(re.sub(r"`[^`]*`", lambda name: pattern(name[0]), each) for each in row.details)


def _together(rows: list[DiffRow], copies: CopyNames) -> DiffRow:
    first = rows[0]
    if len(rows) == 1:
        return first
    changes = tuple(change for row in rows for change in row.changes)
    shapes = tuple(shape for row in rows for shape in row.shapes)
    details = tuple(starred(each) for each in zip(*(row.details for row in rows), strict=True))
    name = copies.named([row.name for row in rows])
    return replace(first, name=name, changes=changes, shapes=shapes, details=details, copies=len(rows))


class CopyNames:
    """The numbers that the names of copies and positions have."""

    def __init__(self, both: Comparison) -> None:
        self.numbers: defaultdict[str, set[str]] = defaultdict(set)
        for report in both.sides:
            for step in report.plan.steps:
                parts = printable(step.name).split(".")
                for i, part in enumerate(parts):
                    if part.isdecimal():
                        self.numbers[".".join(parts[:i])].add(part)

    def named(self, names: Sequence[str]) -> str:
        """Names that differ in numbers as one: `layer1.*.conv1` for all copies, `layer1.{2…5}` for some."""
        if len(names) == 1:
            return names[0]
        shown: list[str] = []
        columns = list(zip(*(name.split(".") for name in names), strict=True))
        varying = sum(len({*column}) > 1 for column in columns)
        for i, column in enumerate(columns):
            numbers = [*dict.fromkeys(column)]
            if len(numbers) == 1:
                shown.append(numbers[0])
            elif varying > 1 or {*numbers} == self.numbers[".".join(columns[k][0] for k in range(i))]:
                shown.append("*")
            else:
                shown.append(f"{{{', '.join(numbers) if len(numbers) < 3 else f'{numbers[0]}…{numbers[-1]}'}}}")
        return ".".join(shown)
