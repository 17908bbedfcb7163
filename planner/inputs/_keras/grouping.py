"""Blocks out of names: Keras' networks are flat lists, whose names tell what belongs together. `conv2_block1_1_conv`
and `conv2_block1_out` become `conv1` and `out` of a list of the name `conv2_block1`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from planner.inputs._graph import Graph, GraphNode, ModuleCall

_IN_BLOCK = re.compile(r"(.*(?:block|cell|layer|module|stage|unit)_?\d+[a-z]?)_(.+)")
_NUMBER_FIRST = re.compile(r"(\d+)_([a-z]\w*)")


def grouped(graph: Graph) -> None:
    """Put what belongs together into lists of its own, in the outermost list of a network."""
    top = graph.top
    taken, uses = {*_names(top.members), *graph.inputs}, _uses(top.members)
    for prefix, first, last in _runs(top.members):
        members = top.members[first:last]
        names = {old: _short(old, prefix) for old in _names(members)}
        apart = prefix not in taken and len(set(names.values())) == len(names)
        if apart and _can_stand_alone(members, names, uses):
            block = top.members[first] = ModuleCall(prefix, "block", top)
            del top.members[first + 1 : last]
            _move(members, block, names)


def _name(member: GraphNode | ModuleCall) -> str:
    return member.path or ""


def _prefix(member: GraphNode | ModuleCall) -> str | None:
    found = _IN_BLOCK.fullmatch(_name(member).partition(".")[0])
    return found[1] if found else None


def _runs(members: Sequence[GraphNode | ModuleCall]) -> list[tuple[str, int, int]]:
    """Where members of one prefix stand in a row, the last first. Steps without a name may stand between them, and one
    behind them that joins what they make with what comes in.
    """
    runs: list[tuple[str, int, int]] = []
    for i, member in enumerate(members):
        if not _name(member):
            continue
        prefix = _prefix(member)
        if prefix is None:
            runs.append(("", i, i + 1))
        elif runs and runs[-1][0] == prefix:
            runs[-1] = (prefix, runs[-1][1], i + 1)
        else:
            runs.append((prefix, i, i + 1))
    counts = Counter(prefix for prefix, _, _ in runs)
    found = [run for run in runs if run[0] and counts[run[0]] == 1]
    return [(prefix, first, _end(members, first, last)) for prefix, first, last in reversed(found) if last - first > 1]


def _end(members: Sequence[GraphNode | ModuleCall], first: int, last: int) -> int:
    """The end of a run with the nameless steps that follow from it and from what it reads alone."""
    inside = _steps(members[first:last])
    known = {*inside, *(each.step for step in inside for each in step.sources)}
    while last < len(members):
        member = members[last]
        if isinstance(member, ModuleCall) or member.path is not None:
            break
        if not member.sources or any(each.step not in known for each in member.sources):
            break
        known.add(member)
        last += 1
    return last


def _steps(members: Sequence[GraphNode | ModuleCall]) -> list[GraphNode]:
    return [step for each in members for step in (_steps(each.members) if isinstance(each, ModuleCall) else [each])]


def _names(members: Sequence[GraphNode | ModuleCall]) -> list[str]:
    """The names of members, each once."""
    return [*dict.fromkeys(name.partition(".")[0] for name in map(_name, members) if name)]


def _short(name: str, prefix: str) -> str:
    """A name within its block; as a module has it where it begins with a number."""
    rest = name[len(prefix) + 1 :]
    number = _NUMBER_FIRST.fullmatch(rest)
    return f"{number[2]}{number[1]}" if number else rest


def _uses(members: Sequence[GraphNode | ModuleCall]) -> Counter[str]:
    """How many steps there are of each name in the outermost list."""
    return Counter(step.path.partition(".")[0] for step in _steps(members) if step.path)


def _can_stand_alone(
    members: Sequence[GraphNode | ModuleCall], names: Mapping[str, str], uses: Mapping[str, int]
) -> bool:
    """Whether a block can take these: its names can be names, no weights within are used elsewhere too, and there are
    some.
    """
    inside = _uses(members)
    plain = all(name.isidentifier() and name != "input" for name in names.values())
    return plain and bool(inside) and all(count == uses[name] for name, count in inside.items())


def _move(members: Sequence[GraphNode | ModuleCall], block: ModuleCall, names: Mapping[str, str]) -> None:
    """Put members into a block, by shorter names."""
    block.members += members
    for member in members:
        _rename(member, block.path, names)
        if isinstance(member, ModuleCall):
            member.parent = block
        else:
            member.scope = block


def _rename(member: GraphNode | ModuleCall, prefix: str, names: Mapping[str, str]) -> None:
    """Put the name of a block before the name of all that stands in it."""
    if member.path:
        head, dot, rest = member.path.partition(".")
        member.path = f"{prefix}.{names.get(head, head)}{dot}{rest}"
    if isinstance(member, ModuleCall):
        for each in member.members:
            _rename(each, prefix, names)
