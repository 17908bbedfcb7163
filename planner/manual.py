"""The manual: a page for every kind of finding, every layer, and every library of blocks with its blocks, made of what
each says about itself.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import takewhile
from pkgutil import iter_modules
from textwrap import dedent
from typing import Any

from planner.diagnostics import Fault, Kind, Path, did_you_mean
from planner.layers import all_layers, families
from planner.layers._layer import Layer
from planner.outputs._screen import Screen, columns, cut, padded, wrapped
from planner.source import Source, library, shipped
from planner.targets import Target, all_targets

FOLDERS = ("faults", "rules")
WIDEST = 100
"""Columns beyond which lines of prose get hard to read."""


@cache
def all_kinds() -> dict[str, type[Kind]]:
    """Every kind of finding by its code, found by walking the folders."""
    found = sorted((kind for folder in FOLDERS for kind in kinds_in(folder)), key=lambda kind: kind.code)
    return {kind.code: kind for kind in found}


def kinds_in(folder: str) -> Iterator[type[Kind]]:
    """The kinds that the files of a folder of this package define."""
    package = import_module(f"planner.{folder}")
    for each in iter_modules(package.__path__):
        if not each.name.startswith("_"):
            module = import_module(f"{package.__name__}.{each.name}")
            for kind in vars(module).values():
                if isinstance(kind, type) and issubclass(kind, Kind) and kind.__module__ == module.__name__:
                    yield kind


def example(text: str) -> str:
    """An example of a kind, as the file that it is."""
    return dedent(text).strip() + "\n" if text.strip() else ""


def page(name: str, screen: Screen) -> str | None:
    """The page on a code, a kind's name, a layer, a target, a library of blocks or a block of one; None where there is
    none.
    """
    wanted = name.strip().lower()
    for code, kind in all_kinds().items():
        if wanted in (code.lower(), kind.name(), kind.__name__.lower()):
            return _lines(_kind_page(kind, screen))
    for layer_name, layer in all_layers().items():
        if wanted == layer_name.lower():
            return _lines(_layer_page(layer, screen))
    if wanted in all_targets():
        return _lines(_target_page(all_targets()[wanted], screen))
    if wanted in shipped():
        return _lines(_library_page(wanted, screen))
    for same in (str.strip, str.lower):  # `Bottleneck` and `bottleneck` are two blocks
        for library_name, block in ((each, block) for each in shipped() for block in blocks_of(each)):
            if same(block) == same(name.strip()):
                return _lines(_block_page(library_name, block, screen))
    return None


def nearest(name: str) -> str:
    """A question that names the page that was probably meant, or nothing."""
    names = [kind.name() for kind in all_kinds().values()]
    blocks = [block for each in shipped() for block in blocks_of(each)]
    return did_you_mean(name, [*all_kinds(), *names, *all_layers(), *all_targets(), *shipped(), *blocks])


def contents(screen: Screen) -> str:
    """The list of everything that has a page."""
    return _lines(_contents(screen))


def _lines(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _contents(screen: Screen) -> Iterator[str]:
    kinds = all_kinds()
    names = max(len(kind.name()) for kind in kinds.values())
    yield screen.paint("Findings", "bold") + ", each explained by `planner explain` and its code or name:"
    yield ""
    for code, kind in kinds.items():
        line = f"  {code}  {padded(kind.name(), names)}  {summary(kind)}"
        yield cut(line, screen.width)
    yield ""
    yield screen.paint("Layers", "bold") + ", each explained by `planner explain` and its type:"
    yield ""
    yield from _grouped(families(), screen)
    yield ""
    yield screen.paint("Blocks", "bold") + ", by library (`use: [residual]`), each explained by its name:"
    yield ""
    yield from _grouped({each: blocks_of(each) for each in shipped()}, screen)
    yield ""
    yield screen.paint("Targets", "bold") + ", where a model may run (`target: edgetpu`), each explained by its name:"
    yield ""
    yield from (f"  {name}" for name in all_targets())


def _target_page(target: Target, screen: Screen) -> Iterator[str]:
    """What a target is, its tiles, and its rules, each with the page that says so."""
    name = f"{target.name}=N" if target.number else target.name
    yield screen.paint(f"{target.title} ({name})", "bold")
    yield ""
    yield from _prose(target.about, screen)
    if target.tiles is not None:
        sizes = ", ".join(f"{size} in {dtype}" for dtype, size in target.tiles.sizes.items())
        yield ""
        yield from _prose(f"Channels that fill a tile: {sizes}.", screen)
        yield f"  {target.tiles.source}"
    for rule in target.rules:
        about = [", ".join(sorted(rule.layers))] if rule.layers else ["inputs" if rule.inputs else "any layer"]
        about += [f"{key}: {' or '.join(map(written, values))}" for key, values in rule.where.items()]
        about += [f"{key}: other than {' or '.join(map(written, values))}" for key, values in rule.unless.items()]
        about += [f"{key} outside of {least} to {most:,}" for key, (least, most) in rule.windows.items()]
        about += [f"below {rule.below}"] if rule.below is not None else []
        yield ""
        yield screen.paint(f"{rule.finds}:", "bold") + f" {rule.says}"
        yield from (f"  {line}" for line in wrapped("; ".join(about), _width(screen) - 2))
        yield from (f"  {line}" for line in wrapped(rule.help, _width(screen) - 2) if rule.help)
        yield f"  {rule.source}"


def _grouped(groups: Mapping[str, Sequence[str]], screen: Screen) -> Iterator[str]:
    """A line for each group, or several: what the group is called, and the names in it."""
    indent = max(map(len, groups)) + 4
    for group, names in groups.items():
        first, *others = wrapped(", ".join(names), min(screen.width, WIDEST) - indent)
        yield f"  {padded(group, indent - 2)}{first}"
        yield from (" " * indent + other for other in others)


def summary(kind: type[Kind]) -> str:
    """The beginning of a kind's page, up to the end of a clause."""
    first = " ".join(_doc(kind).split("\n\n")[0].split())
    ends = (match.start() for match in re.finditer(r"[.:;](?= |$)", first))
    return next((first[:end] for end in ends if first[:end].count("`") % 2 == 0), first)


def first_sentence(layer: type[Layer]) -> str:
    """The beginning of a layer's page, up to the end of a sentence."""
    first = " ".join(_doc(layer).split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", first, maxsplit=1)[0]


def _doc(thing: type) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


def _kind_page(kind: type[Kind], screen: Screen) -> Iterator[str]:
    yield screen.paint(f"{kind.code} {kind.name()}", "bold") + f" ({kind.severity})"
    yield ""
    yield from _prose(_doc(kind), screen)
    if not issubclass(kind, Fault):
        yield ""
        yield from wrapped(
            f"To silence it, write `allow: [{kind.name()}]` on the layer or at the top of the model.", _width(screen)
        )
    good = "" if kind.good == kind.fixed else kind.good
    examples = {
        "What it says about this model:": kind.bad,
        "The same model with the first fix made:": kind.fixed,
        "And nothing about this model:": good,
    }
    for heading, text in examples.items():
        if text:
            yield ""
            yield screen.paint(heading, "bold")
            yield ""
            yield from (f"    {line}".rstrip() for line in example(text).splitlines())
            if text is kind.bad:
                yield ""
                yield from _said(kind, screen)


def _said(kind: type[Kind], screen: Screen) -> Iterator[str]:
    """What the planner prints about the bad example, this kind alone."""
    from planner.outputs.check.full import findings
    from planner.workbench import checked_text

    report = checked_text(example(kind.bad), "model.yaml")
    report.diagnostics = tuple(each for each in report.diagnostics if each.kind is kind)
    inner = Screen(screen.width - 4, screen.colour)
    yield from (f"    {line}".rstrip() for line in findings(report, inner).splitlines())


def _layer_page(layer: type[Layer], screen: Screen) -> Iterator[str]:
    schema = layer.model_json_schema()
    arguments, needed = schema.get("properties", {}), schema.get("required", [])
    ordered = sorted(arguments, key=lambda name: name not in needed)
    call = ", ".join(name if name in needed else f"{name}={written(arguments[name]['default'])}" for name in ordered)
    first, *others = wrapped(f"{layer.type_name()}({call})", _width(screen) - 4)
    yield screen.paint(first, "bold")
    yield from (f"    {screen.paint(line, 'bold')}" for line in others)
    yield ""
    yield from _prose(_doc(layer), screen)
    if not arguments:
        return
    yield ""
    yield screen.paint("Arguments", "bold")
    yield ""
    names = max(map(len, arguments))
    for name in ordered:
        lines = wrapped(argument_text(arguments[name], name in needed), _width(screen) - names - 4)
        for i, line in enumerate(lines):
            yield f"  {screen.paint(padded('' if i else name, names), 'cyan')}  {line}".rstrip()


# Libraries of blocks


def blocks_of(name: str) -> list[str]:
    """The blocks that a library that comes with the planner brings."""
    return [block for block in library(name).data["blocks"] if not block.startswith("_")]


def _library_page(name: str, screen: Screen) -> Iterator[str]:
    yield screen.paint(name, "bold") + f", a library of blocks: `use: [{name}]`"
    yield ""
    source = library(name)
    yield from _prose(_header(source.text), screen)
    blocks = source.data["blocks"]
    for block in blocks_of(name):
        yield ""
        yield from _call(block, blocks[block], screen)
        yield from (f"    {line}" for line in wrapped(blocks[block]["description"].strip(), _width(screen) - 4))


def _block_page(name: str, block: str, screen: Screen) -> Iterator[str]:
    source = library(name)
    values = source.data["blocks"][block]
    yield from _call(block, values, screen)
    yield ""
    yield from _prose(values["description"].strip(), screen)
    yield ""
    yield f"It is a block of the library `{name}`: `use: [{name}]`."
    for heading, names in {"Inputs": values.get("inputs"), "Outputs": values.get("outputs")}.items():
        if names:
            yield f"{heading}: {', '.join(map(str, names))}."
    yield ""
    yield screen.paint("Written out", "bold")
    yield ""
    shown = _lines_of(source, ("blocks", block))
    told = _lines_of(source, ("blocks", block, "description"))
    lines = (source.line(number) for number in shown if number not in told)
    yield from (f"    {line.removeprefix('  ')}".rstrip() for line in lines)
    yield ""
    yield from _prose(_header(source.text), screen)


def _lines_of(source: Source, path: Path) -> range:
    """The numbers of the lines on which a key stands with its value."""
    start, end = source.place(path, at_key=True), source.end(path)
    assert start is not None
    assert end is not None
    return range(start.line, end.line + 1)


def _call(block: str, values: dict[str, Any], screen: Screen) -> Iterator[str]:
    """A block with its parameters, as a function would be called."""
    params = values.get("params", {})
    ordered = sorted(params, key=lambda each: params[each] is not None)
    call = ", ".join(each if params[each] is None else f"{each}={written(params[each])}" for each in ordered)
    first, *others = wrapped(f"{block}({call})", _width(screen) - 4)
    yield screen.paint(first, "bold")
    yield from (f"    {screen.paint(line, 'bold')}" for line in others)


def _header(text: str) -> str:
    """The comment at the beginning of a file."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def argument_text(schema: dict[str, Any], needed: bool) -> str:
    """What an argument is, what it takes and what it is when it is left out."""
    takes = in_words(schema)
    default = schema.get("default")
    otherwise = "needed" if needed else "may be left out" if default is None else f"`{written(default)}` when left out"
    says = f"{takes[0].upper()}{takes[1:]}; {otherwise}."
    return f"{schema['description']} {says}" if "description" in schema else says


def written(value: Any) -> str:
    """A value as a model file would write it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return str(value)


def in_words(schema: dict[str, Any], plural: bool = False) -> str:
    """What a JSON Schema takes, in words: `a whole number from 1, or a list of whole numbers from 1`."""
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{written(each)}`" for each in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        words = dict.fromkeys(in_words(each, plural) for each in schema["anyOf"] if each.get("type") != "null")
        return ", or ".join(words) or "null"
    kind = schema.get("type")
    if kind == "array":
        first = (schema.get("prefixItems") or [schema.get("items", {})])[0]
        of = f" of {in_words(first, plural=True)}" if first else ""
        return ("lists" if plural else "a list") + of
    return _WORDS.get(str(kind), ("any value", "any values"))[plural] + _bounds(schema)


_WORDS = {
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "true or false"),
    "string": ("text", "texts"),
    "object": ("a mapping", "mappings"),
}


def _bounds(schema: dict[str, Any]) -> str:
    signs = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return "".join(f" {word} {schema[key]}" for key, word in signs.items() if key in schema)


def _width(screen: Screen) -> int:
    return min(screen.width, WIDEST)


def _prose(text: str, screen: Screen) -> Iterator[str]:
    """Paragraphs laid out anew; what is indented or a list keeps its lines."""
    for i, paragraph in enumerate(text.split("\n\n")):
        if i:
            yield ""
        lines = paragraph.splitlines()
        if any(line.startswith((" ", "- ", "|")) for line in lines):
            yield from lines
            continue
        lead, colon, _ = " ".join(lines).partition(": ")
        is_lead = colon and i and columns(lead) <= 24
        first, *others = wrapped(" ".join(lines), _width(screen))
        yield screen.paint(f"{lead}:", "bold") + first.removeprefix(f"{lead}:") if is_lead else first
        yield from others
