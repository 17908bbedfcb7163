"""Unfolding: a Source becomes a Model. Blocks are called, parameters evaluated, repeats copied and names given.

What is wrong in one entry does not hide what is wrong in another: the fault is collected, and the entry is kept as a
step without a layer, with a guess of what was meant.

`_file` reads the sections of the file, `_blocks` its blocks and those of libraries; `_lists` goes through the lists of
layers; `_naming`, `_wiring`, `_weights` and `_layers` answer it what an entry is called, which tensors it reads, whose
weights it uses, and which layer it means; `_sizes` the sizes of what goes into a list. All write into one `Draft`.
`_alike` makes the model of a source that was edited from the model before, where only arguments of layers have changed.

A new key of the format is read in `planner.format`; what it means is worked out here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.format import Block, allowed_of
from planner.layers import all_layers
from planner.model import Model, Ref
from planner.sight import named, plain
from planner.source import Source
from planner.unfolding._alike import alike
from planner.unfolding._draft import Draft, Handed, Stop, known_of
from planner.unfolding._file import File
from planner.unfolding._layers import Interned
from planner.unfolding._lists import DEEPEST, MOST_STEPS, Lists

__all__ = ["DEEPEST", "MOST_STEPS", "Interned", "alike", "load"]


def load(
    source: Source,
    *,
    input: Any = None,
    params: Mapping[str, Any] | None = None,
    layers: Interned | None = None,
    blocks: Mapping[str, Block | None] | None = None,
    budget: Mapping[str, Any] | None = None,
    targets: Sequence[str] = (),
) -> Model:
    """Unfold a source. Never raises for what is wrong in the file: the Model carries the diagnostics.

    input   replaces the file's input shape, or shapes by name
    params  replaces its parameters
    layers  those of other models, which are taken where their arguments are equal; it is added to
    blocks  replaces its blocks, and those of its libraries
    budget, targets  replace limits of its budget, and what it is to run on
    """
    draft = Draft(source, all_layers())
    reader = File(draft)
    file, root, inputs = reader.read(input, params or {}, blocks)
    known = bool(inputs and root.entries)
    inputs = inputs or reader.unknown_inputs(file.input if input is None else input)
    first = [Handed((ref,)) for ref in inputs.values()]
    lists = Lists(draft, {} if layers is None else layers)
    scope = lists.scope(root, first, named(plain(tuple(inputs)), first))
    outputs = tuple[Ref, ...]()
    try:
        lists.unfold(root, scope)
        outputs = lists.outputs(root.outputs, scope, listed=isinstance(file.outputs, list))
    except Stop:
        known = False
    if not known:
        draft.clear()
    return Model(
        name=root.name,
        root=root,
        blocks={name: block for name, block in draft.blocks.items() if block is not None},
        instances=draft.instances,
        groups=draft.groups,
        numbered=draft.numbered,
        outputs=outputs if known else (),
        params=known_of(draft.params),
        source=source,
        diagnostics=draft.diagnostics,
        allow=allowed_of(file.allow),
        left_out=draft.left_out,
        budget=reader.budget(file.budget, budget or {}),
        targets=reader.targets(file.target, targets),
    )
