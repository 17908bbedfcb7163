"""Programs of `torch.export`: `.pt2` archives, and ExportedProgram objects. PyTorch is not needed to read an archive,
and nothing that one holds is run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from planner.faults.not_imported import NotImported
from planner.inputs._choosing import best_text
from planner.inputs._exported.archive import Archive, archive_at, archive_in
from planner.inputs._exported.calls import recorded
from planner.inputs._exported.inputs import Chosen, chosen, farther, limits
from planner.inputs._exported.program import StoredProgram, broken, program_of
from planner.inputs._exported.sizes import NotKnown
from planner.inputs._fixed import with_fixed_weights
from planner.inputs._following import Longer
from planner.inputs._graph import Graph
from planner.inputs._lowering import lowered
from planner.inputs._recording import Recording, Recordings
from planner.inputs._text import heading

ENDINGS = (".pt2",)


def read(source: Any, input: Any = None) -> str:
    """The model file of a program, at a path or as an object. `input` has the sizes that it leaves open, channels last
    and without the batch; of several inputs by name. Raises NotImported.
    """
    if isinstance(source, str | Path):
        name = Path(source).name
        return _text_of(program_of(archive_at(Path(source)), name), name, input)
    return _text_of(program_of(_saved(source), "the program"), "the program", input)


def _saved(program: Any) -> Archive:
    """An ExportedProgram as the archive that it would be."""
    import torch

    file = io.BytesIO()
    try:
        torch.export.save(program, file)
    except Exception as error:
        raise NotImported("the program cannot be written down", label=str(error)[:200]) from error
    file.seek(0)
    return archive_in(file, "the program")


def _text_of(program: StoredProgram, name: str, input: Any) -> str:
    try:
        found = chosen(program, input, name)
        graph, text = _graph_of(program, name, found)
        notes = [*limits(program, found.rows)]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, StopIteration) as error:
        raise broken(name, error) from error
    if program.in_training:
        notes.insert(0, "It was exported in training: this is what it does in evaluation.")
    head = heading(f"{program.name} of {name}", graph, (), program.stored, notes)
    return head + with_fixed_weights(text, graph)


def _graph_of(program: StoredProgram, name: str, found: Chosen) -> tuple[Graph, str]:
    """The graph of a program and its text; what is no program may raise anything on the way."""
    first = _first(program, found.runs[0], name)
    first.varied = found.varied
    first.sized = len(found.runs) > 1  # which sizes it looked at is not kept: it may be any
    traces = [first, *_alike(program, found.runs[1:2], first)]

    def lower(recordings: Sequence[Recording]) -> Graph:
        return lowered(program.name, recordings, program.stored, found.rows)

    def others() -> Iterator[Recording]:
        return _alike(program, found.runs[2:], first)

    def at(base: Recording, longer: Sequence[Longer]) -> Iterator[Recording]:
        return _alike(program, [farther(program, found.runs[0], found.varied, each) for each in longer], base)

    return best_text(name, Recordings(traces, others, lambda: [first], at=at), lower)


def _first(program: StoredProgram, symbols: Mapping[str, int], name: str) -> Recording:
    """What the program does at the sizes that are meant."""
    try:
        return recorded(program, symbols)
    except NotKnown as reason:
        help = "its sizes must follow from those of its inputs"
        raise NotImported(f"`{name}` cannot be planned", str(reason), help) from reason


def _alike(program: StoredProgram, runs: Sequence[Mapping[str, int]], first: Recording) -> Iterator[Recording]:
    """What it does in other runs, as far as these are known, and call the same functions."""
    for symbols in runs:
        with suppress(NotKnown):
            found = recorded(program, symbols)
            if found.outline == first.outline:
                yield found
