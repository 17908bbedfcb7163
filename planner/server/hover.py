"""What is said about the thing under the cursor, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.arithmetic import is_expression
from planner.diagnostics import Path
from planner.format import EntryFormat
from planner.geometry import Shape
from planner.hand_rule import OnAxis, layer_of, worked_out
from planner.hand_rule.request import MOST_CELLS
from planner.layers import all_layers
from planner.manual import argument_text, first_sentence, written
from planner.model import Group
from planner.outputs._screen import Screen
from planner.outputs.calc.text import brief
from planner.outputs.plan.table import amount, memory, shapes_text
from planner.plan import Step
from planner.server.arguments import form_of
from planner.server.document import Document, StepOrGroup
from planner.server.names import name_at
from planner.server.spots import Spot, spot_at
from planner.words import counted

MOST_COPIES = 8
"""Copies of an entry that are listed one by one."""
SCREEN = Screen(72)


def hover(document: Document, offset: int) -> str | None:
    """What stands at an offset; None where there is nothing to say."""
    if document.outline is None or not document.is_model:
        return None
    spot = spot_at(document.outline, offset - document.mark)
    parts = [part for part in _parts(document, spot, offset) if part]
    return "\n\n".join(parts) or None


def _parts(document: Document, spot: Spot, offset: int) -> Iterator[str]:
    if document.source.format:
        path = document.path_at(offset)
        entry = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in document.copies), None)
        if entry is not None:
            yield _entry(document, entry)
        return
    found = name_at(document, offset)
    if found is not None and found.name.kind == "parameter":
        yield _parameter(document, found.name.home, found.name.text)
    elif found is not None and found.name.kind == "block" and (spot.key == "type" or found.defines):
        yield _block(document, found.name.text)
    elif found is not None and found.name.kind == "layer":
        entry = document.local.get((found.name.home, found.name.text))
        yield _entry(document, entry) if entry is not None else ""
    elif spot.entry is not None:
        yield _key(document, spot)
        yield _value(document, spot)
        if not spot.at_key or spot.key in ("type", "name"):
            yield _entry(document, spot.entry)
    elif spot.at_key:
        yield _section(spot)
    elif spot.path[:1] == ("input",) and spot.path in document.copies:
        yield _entry(document, spot.path)


# Entries


def _entry(document: Document, entry: Path) -> str:
    """A layer's page in short, with its numbers; of several copies those of the first, and what the others hand on."""
    copies = document.copies.get(entry, ())
    if not copies:
        return ""
    first = copies[0]
    said = [_title(document, first)]
    if isinstance(first, Step):
        layer = all_layers().get(first.type)
        said.append(first_sentence(layer) if layer is not None else "")
        said.append(_worked_out(first))
    said.append(_numbers(document, first))
    said.append(_others(document, copies))
    return "\n\n".join(filter(None, said))


def _title(document: Document, copy: StepOrGroup) -> str:
    came = shapes_text(copy.inputs if isinstance(copy, Step) else _arriving(document, copy))
    out = shapes_text(document.shapes(copy)) or "not planned"
    return f"**{_code(copy.name)}** {_code(copy.type)}  {f'{came} ' if came else ''}→ {out}"


def _arriving(document: Document, group: Group) -> list[Shape]:
    shapes = [document.plan.shape(tensor) for tensor in document.plan.arriving(group)]
    return [each for each in shapes if each is not None]


def _worked_out(step: Step) -> str:
    """The working of `planner calc` for a layer that slides along its axes."""
    pairs = axes_on_paper(step)
    if not pairs:
        return ""
    return f"```text\n{brief(worked_out(pairs), SCREEN)}```"


def axes_on_paper(step: Step) -> list[tuple[OnAxis, int]]:
    """The layer on each axis of its first source, as it is worked out on paper; nothing where it is no such layer."""
    if not step.links or len(step.links[0]) != 1 or not 0 < len(step.inputs[0].spatial) <= 3:
        return []
    found = [(layer_of(along), n) for along, n in zip(step.links[0][0].axes, step.inputs[0].spatial, strict=True)]
    pairs = [(layer, n) for layer, n in found if layer is not None and n <= MOST_CELLS]
    return pairs if len(pairs) == len(found) else []


def _numbers(document: Document, copy: StepOrGroup) -> str:
    """What a copy costs, and how far it sees."""
    report = document.view
    steps = document.steps(copy)
    if not any(step.facts is not None for step in steps):
        return ""
    planned = all(step.facts is not None for step in steps)
    params = [step.params for step in steps]
    macs = [step.macs for step in steps]
    size = report.cost.batch * sum(shape.elements for step in steps for shape in step.outputs) * 4
    said = [f"{_total(params, planned)} parameters", f"{_total(macs, planned)} MACs", f"{memory(size)} of activations"]
    seen = _seen(document, copy) if planned else ""
    return ", ".join([*said, seen] if seen else said)


def _total(numbers: Sequence[int | None], planned: bool) -> str:
    known = [each for each in numbers if each is not None]
    return amount(sum(known), planned and len(known) == len(numbers)).replace("–", "no")


def _seen(document: Document, copy: StepOrGroup) -> str:
    """How many cells of each input the first output sees."""
    plan = document.plan
    at = plan.numbers[copy.name] if isinstance(copy, Step) else plan.leaving(copy)[0].step
    fields = document.view.fields[at]
    said = []
    for source, axes in (fields[0] if fields else {}).items():
        sizes = ["?" if each.size is None else f"{each.size:,}" for each in axes]
        if sizes:
            said.append(f"sees {'×'.join(sizes)} of {_code(plan.steps[source].name)}")
    return ", ".join(said)


def _others(document: Document, copies: Sequence[StepOrGroup]) -> str:
    """The other copies of an entry."""
    if len(copies) < 2:
        return ""
    lines = [f"- {_code(each.name)} → {shapes_text(document.shapes(each)) or 'not planned'}" for each in copies[1:]]
    more = len(lines) - MOST_COPIES
    return "\n".join([*lines[:MOST_COPIES], f"- and {more:,} more"] if more > 0 else lines)


# Blocks and parameters


def _block(document: Document, name: str) -> str:
    """What a block is, and what each of its copies costs."""
    groups = [each for each in document.plan.model.groups if each.type == name]
    source = document.source.at(("blocks", name))
    block = document.plan.model.blocks.get(name)
    if source is None and block is not None:
        source = document.source.written_at(block.path[:-1])[0].at(block.path[-3:-1])
    told = source.get("description") if isinstance(source, dict) else None
    params = source.get("params") if isinstance(source, dict) else None
    call = ", ".join(
        str(key) if value is None else f"{key}={written(value)}"
        for key, value in (params.items() if isinstance(params, dict) else ())
    )
    said = [f"**{_code(name)}**({call}), a block that is used {counted(len(groups), 'time')}"]
    said.append(str(told).strip() if told else "")
    lines = [f"- {_code(each.name)} → {shapes_text(document.shapes(each)) or 'not planned'}, " for each in groups]
    lines = [line + _numbers(document, each) for line, each in zip(lines[:MOST_COPIES], groups, strict=False)]
    more = len(groups) - MOST_COPIES
    said.append("\n".join([*lines, f"- and {more:,} more"] if more > 0 else lines))
    return "\n\n".join(filter(None, said))


def _parameter(document: Document, home: Path, name: str) -> str:
    """The values that a parameter has, in the copies of its block."""
    model = document.plan.model
    if not home:
        return f"`${name}` = {_code(written(model.params[name]))}" if name in model.params else f"`${name}`"
    groups = [each for each in model.groups if each.block.path == (*home, "layers")]
    return _values(f"${name}", [(each.name, each.args[name]) for each in groups if name in each.args])


def _values(what: str, found: Sequence[tuple[str, object]]) -> str:
    """Values by the names of the copies that have them, equal ones together."""
    copies: dict[str, list[str]] = {}
    for name, value in found:
        copies.setdefault(written(value), []).append(name)
    if not copies:
        return ""
    if len(copies) == 1:
        return f"{_code(what)} = {_code(next(iter(copies)))}"
    lines = []
    for value, names in [*copies.items()][:MOST_COPIES]:
        more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        lines.append(f"- {_code(value)} in {_code(names[0])}{more}")
    left = len(copies) - MOST_COPIES
    return "\n".join([f"{_code(what)} =", *lines, *([f"- and {counted(left, 'other value')}"] if left > 0 else [])])


# Keys and values


def _key(document: Document, spot: Spot) -> str:
    """What a key of an entry is."""
    if not spot.at_key or spot.entry is None:
        return ""
    kind = document.source.at((*spot.entry, "type"))
    for name, field in EntryFormat.model_fields.items():
        if spot.key == (field.alias or name):
            return f"**{spot.key}**: {field.description}"
    layer = all_layers().get(str(kind))
    if layer is not None and spot.key in layer.model_fields:
        schema = layer.model_json_schema()
        return (
            f"**{spot.key}**: {argument_text(schema['properties'][spot.key], spot.key in schema.get('required', ()))}"
        )
    return ""


def _value(document: Document, spot: Spot) -> str:
    """The values of an expression in the copies of its entry."""
    if spot.entry is None or spot.at_key or spot.node.kind != "scalar" or not is_expression(spot.node.value):
        return ""
    found = []
    for copy in document.copies.get(spot.entry, ()):
        if isinstance(copy, Group) and copy.path == spot.entry and spot.key in copy.args:
            found.append((copy.name, copy.args[spot.key]))
        elif isinstance(copy, Step) and copy.layer is not None and spot.key in type(copy.layer).model_fields:
            found.append((copy.name, getattr(copy.layer, spot.key)))
    if spot.key == "repeat":
        outer = {copy.name.rpartition(".")[0] for copy in document.copies.get(spot.entry, ())}
        copies = counted(len(document.copies.get(spot.entry, ())), "copy")
        places = f" in {len(outer):,} places" if len(outer) > 1 else ""
        return f"{_code(spot.node.value)}: {copies}{places}"
    return _values(spot.node.value, found)


def _section(spot: Spot) -> str:
    """What a section of the file, or of a block, is."""
    form = form_of(spot.path[:-1])
    field = form.model_fields.get(str(spot.path[-1])) if form is not None else None
    return f"**{spot.path[-1]}**: {field.description}" if field is not None and field.description else ""


def _code(text: str) -> str:
    """A text as code in Markdown, whatever it holds."""
    fence = "`" * (max((len(run) for run in _ticks(text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _ticks(text: str) -> list[str]:
    return ["`" * len(part) for part in "".join(c if c == "`" else " " for c in text).split()]
