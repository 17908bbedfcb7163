"""Programs of `torch.export`: `.pt2` archives, and ExportedProgram objects. PyTorch is not needed to read an archive,
and nothing that one holds is run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.faults.not_imported import NotImported
from planner.inputs._agreement import agreed_text, not_sayable
from planner.inputs._exported.archive import Archive, archive_at, archive_in
from planner.inputs._exported.calls import recorded
from planner.inputs._exported.inputs import chosen
from planner.inputs._exported.program import Program, broken, program_of
from planner.inputs._exported.sizes import NotKnown
from planner.inputs._graph import NotSayable
from planner.inputs._lowering import lowered
from planner.inputs._recording import Recording
from planner.inputs._text import heading


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


def _text_of(program: Program, name: str, input: Any) -> str:
    try:
        found = chosen(program, input, name)
        traces = list(_recordings(program, found.runs, name))
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, StopIteration) as error:
        raise broken(name, error) from error
    try:
        graph = lowered(program.name, traces, program.stored, found.samples, found.rows)
    except NotSayable as reason:
        raise not_sayable(name, reason) from reason
    text = agreed_text(graph, name)
    parameters = [each for each, held in program.stored.items() if held.trained and not held.first]
    return heading(f"{program.name} of {name}", graph, (), parameters) + text


def _recordings(program: Program, runs: Sequence[Mapping[str, int]], name: str) -> Iterator[Recording]:
    """What the program does in each run; in the first, which must be known, and others that are."""
    for i, symbols in enumerate(runs):
        try:
            yield recorded(program, symbols)
        except NotKnown as reason:
            if not i:
                help = "its sizes must follow from those of its inputs"
                raise NotImported(f"`{name}` cannot be planned", str(reason), help) from reason
