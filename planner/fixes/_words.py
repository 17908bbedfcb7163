"""Fixes in words: what changes in the file, and what the model is like afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from planner.diagnostics import Edit, Path, Severity
from planner.editing import edited, written
from planner.fixes._findings import before_inserts
from planner.fixes._revision import Revision
from planner.remedies._case import Case, Proposal
from planner.words import counted


def text_of(case: Case, proposal: Proposal) -> str:
    """The edits as one would write them; an edit away from the finding comes with its place."""
    if proposal.given:
        sizes = {name: "x".join(map(str, shape)) for name, shape in proposal.given.items()}
        single = len(case.plan.inputs) == 1
        return " ".join(f"--input {size}" if single else f"--input {name}={size}" for name, size in sizes.items())
    own = case.step.path if case.step is not None else case.finding.path
    parts: dict[str, list[str]] = {}
    for edit in proposal.edits:
        home, said = _said(case, edit, own, proposal)
        parts.setdefault(home, []).append(said)
    return "; ".join(f"{home}{', '.join(said)}" for home, said in parts.items())


def _said(case: Case, edit: Edit, own: Path, proposal: Proposal) -> tuple[str, str]:
    """The place of an edit, and what the edit does."""
    key = edit.path[-1]
    if edit.action == "insert":
        return "", f"before it: {written(edit.value)}"
    place = before_inserts(edit.path, proposal.edits)
    value = written(edit.value)
    said = {"set": f"{key}: {value}", "remove": f"without `{key}`", "rename": f"`{edit.value}` for `{key}`"}[
        edit.action
    ]
    if isinstance(key, int):  # an entry of a list: the whole list is shown as it will be
        whole = edited(case.at(place[:-1]), [Edit((key,), edit.value)])
        return _home(case, place[:-1], own), f"{edit.path[-2]}: {written(whole)}"
    return _home(case, place, own), said


def _home(case: Case, path: Path, own: Path) -> str:
    """The entry or section to which an edit's key belongs, where that is not the finding's own entry."""
    holder = path[:-1]
    if holder == own or own[: len(path)] == path or not holder:
        return ""
    step = next((step for step in case.plan.steps if step.path == holder), None)
    if step is not None:
        return f"`{step.name}`: "
    group = next((group for group in case.plan.model.groups if group.path == holder), None)
    return f"`{group.name}`: " if group is not None else f"{'.'.join(map(str, holder))}."


def effect_of(case: Case, proposal: Proposal, change: Revision) -> str:
    """The effect of a proposal, in words: the changed model compared with the model before."""
    both = change.comparison
    said = [*(_shape(case, change) or both.outputs()), *both.unread(), *both.cost(), *both.field(), *_copies(change)]
    said += [f"overwrites `{each}`" for each in proposal.overwrites]
    if errors := change.now.report.count(Severity.ERROR):
        said.append(f"{counted(errors, 'error')} {'remains' if errors == 1 else 'remain'}")
    elif revealed := len(change.new):
        said.append(f"{counted(revealed, 'warning')} {'comes' if revealed == 1 else 'come'} to light")
    return ", ".join(said)


def _shape(case: Case, change: Revision) -> list[str]:
    """The size of the finding's step."""
    step = change.now.steps.get(change.was.identities.get(case.step.name) if case.step is not None else None)
    if step is not None and step.outputs and not step.is_input:
        return [" and ".join(map(str, step.outputs[:3]))]
    return []


def _copies(change: Revision) -> Iterator[str]:
    """The number of steps that an edit inside a block changes."""
    touched = Counter(place for place, _, _ in change.touched)
    most = max(touched.values(), default=0)
    if most > 1:
        copies = "both copies" if most == 2 else f"all {most} copies"
        yield f"{copies} change" if len(touched) == 1 else f"{len(change.touched)} layers change"
