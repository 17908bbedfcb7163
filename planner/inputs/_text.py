"""The text of a model file: an entry on a line, as a person writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from planner.editing import written
from planner.geometry import Shape
from planner.inputs._folding import folded
from planner.inputs._graph import Graph, GraphNode, NotAlike, NotFollowing
from planner.inputs._heads import AT_MOST_SIZES, FROM, IMPORTED, OF_THIS_INPUT
from planner.inputs._lists import EntryData, FoldedBlock
from planner.inputs._stored import Held


def text_of(graph: Graph, inputs: Mapping[str, Shape] | None = None) -> str:
    """The model file of a graph; for the inputs of its first run, or those of other shapes."""
    entries, blocks, outputs = _folded(graph)
    lines = [f"name: {written(graph.name)}"]
    given = {name: list((inputs or {}).get(name, step.shapes[0][0])) for name, step in graph.inputs.items()}
    lines.append(f"input: {written(next(iter(given.values())) if len(given) == 1 else given)}")
    if outputs:
        lines.append(f"outputs: {written(outputs)}")
    lines += ["layers:", *_list(entries, 1)]
    if blocks:
        lines.append("blocks:")
        for name in reversed(blocks):
            lines += _block(name, blocks[name])
    return "\n".join([*lines, ""])


def _folded(graph: Graph) -> tuple[list[EntryData], dict[str, FoldedBlock], list[str]]:
    """What a file has of a graph. Where a number does not follow from what comes into a module, it may follow from what
    comes into the one above it: modules of its class are opened then. So is one that does other things when it is
    called again, of which only the layers are shared.
    """
    for _ in range(MOST_OPENED):
        try:
            return folded(graph)
        except NotAlike as reason:
            if reason.path in graph.opened:
                raise
            graph.opened.add(reason.path)
        except NotFollowing as reason:
            more = graph.alike(reason.path)
            if not reason.path or more <= graph.opened:
                raise
            graph.opened |= more
    return folded(graph)


MOST_OPENED = 8
"""Classes of modules that are opened."""


def heading(
    home: str, graph: Graph, decisions: Iterable[str], stored: Mapping[str, Held], notes: Sequence[str] = ()
) -> str:
    """What stands above the text, as comments: where it comes from, what of it no layer says, and what of what is
    stored has another name, or none.
    """
    lines = [f"{home}{IMPORTED}", *notes, *_notes(graph, decisions, stored)]
    return "".join(f"# {line}\n" for line in lines)


def _notes(graph: Graph, decisions: Iterable[str], stored: Mapping[str, Held]) -> Iterator[str]:
    if shown := sorted(each.strip("_") for each in decisions):
        yield f"It looks at values ({', '.join(shown)}): this is what it does where all that it reads is 0."
    if graph.runs == 1 or graph.pinned:
        yield OF_THIS_INPUT
    if graph.smallest:
        axes = " and ".join(f"a {axis} of {n:,}" for axis, n in graph.smallest.items())
        yield f"{FROM} {axes} on; the network takes smaller ones, where parts of maps hold nothing."
    for sizes in graph.elsewhere[:1]:
        size = ", ".join(map(str, sizes.values()))
        yield f"{AT_MOST_SIZES}; at some, as {size}, it does something else."
    if graph.single:
        yield "It gives a number for each sample, (N,), which is (N, 1) in code."
    if graph.common:
        yield "It gives a tensor that is the same for all samples, which is repeated for each in code."
    if unkept := dict.fromkeys(each.path for each in graph.steps if each.path and not _is_kept(each)):
        yield f"In no `state_dict`, and 0 in code until they are set: {', '.join(unkept)}"
    if not graph.opaque:
        yield from _names_apart({name for step in graph.steps for name in step.state.values()}, stored)
    yield from opaque_steps(graph)


def _is_kept(step: GraphNode) -> bool:
    """Whether the numbers of a step come with the weights."""
    return bool(step.arguments.get("persistent", True))


def opaque_steps(graph: Graph) -> Iterator[str]:
    """How many steps of a graph are opaque, and why."""
    opaque = graph.opaque
    if opaque:
        of = len(graph.steps)
        yield f"{len(opaque)} of {of} steps {'is' if len(opaque) == 1 else 'are'} opaque:"
        reasons: dict[str, int] = {}
        for step in opaque:
            reason = f"{step.arguments['class']}: {step.reason}"
            reasons[reason] = reasons.get(reason, 0) + 1
        yield from (f"  {count} × {reason}" for reason, count in reasons.items())


def _names_apart(used: set[str], stored: Mapping[str, Held]) -> Iterator[str]:
    """What of what is stored is never used, and what is used under another name."""
    called = {stored[name].first or name: name for name in sorted(used & stored.keys(), reverse=True)}
    rest = {name: called.get(held.first or name) for name, held in stored.items() if held.kept and name not in used}
    unused = [name for name, own in rest.items() if own is None and not stored[name].first]
    if unused:
        yield f"Not used in evaluation, and left out: {', '.join(sorted(_idle(unused, used)))}"
    pairs = dict.fromkeys(_without_ending(name, own) for name, own in rest.items() if own)
    if pairs:
        yield f"Stored under other names too: {', '.join(f'{name} is {own}' for name, own in pairs)}"


def _idle(parameters: Iterable[str], used: Iterable[str]) -> set[str]:
    """The modules and parameters of which nothing is used, each by the shortest name that says it."""
    called = {part for name in used for part in _beginnings(name)}
    return {next(part for part in _beginnings(name) if part not in called) for name in parameters if name not in called}


def _without_ending(name: str, other: str) -> tuple[str, str]:
    """Two names without the words at their ends that they have in common, unless one is then within the other."""
    first, second = name.split("."), other.split(".")
    while len(first) > 1 and len(second) > 1 and first[-1] == second[-1]:
        if first[:-1] == second[: len(first) - 1] or second[:-1] == first[: len(second) - 1]:
            break
        del first[-1], second[-1]
    return ".".join(first), ".".join(second)


def _beginnings(name: str) -> Iterator[str]:
    """`a`, `a.b`, `a.b.c` for `a.b.c`."""
    yield from (name[:at] for at, letter in enumerate(name) if letter == ".")
    yield name


def _block(name: str, block: FoldedBlock) -> Iterator[str]:
    yield f"  {written(name)}:"
    if block.params:
        params = (f"{name}: {'' if default is None else written(default)}" for name, default in block.params.items())
        yield f"    params: {{{', '.join(params)}}}"
    if block.inputs:
        yield f"    inputs: {written(block.inputs)}"
    if block.outputs:
        yield f"    outputs: {written(block.outputs)}"
    yield "    layers:"
    yield from _list(block.entries, 3)


def _list(entries: Sequence[EntryData], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for entry in entries:
        if "layers" not in entry:
            yield f"{indent}- {written(_ordered(entry))}"
            continue
        head = {key: value for key, value in entry.items() if key != "layers"}
        keys = [f"{key}: {written(value)}" for key, value in _ordered(head).items()]
        keys.append("layers:")
        yield f"{indent}- {keys[0]}"
        for key in keys[1:]:
            yield f"{indent}  {key}"
        yield from _list(entry["layers"], depth + 2)


def _ordered(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys in the order in which people write them: the name, the type, arguments, and what is read."""
    last = ("share", "tie", "repeat", "from")
    return {key: entry[key] for key in entry if key not in last} | {key: entry[key] for key in last if key in entry}
