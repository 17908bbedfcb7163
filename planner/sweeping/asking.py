"""The question that is meant: a model read, and what its parameters and inputs are to be, checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from planner.budget import DType
from planner.faults.unknown_parameter import UnknownParameter
from planner.inputs import imported, is_source
from planner.points import MOST_POINTS, Question, Series, ShapeSeries, Shipped
from planner.points.question import Sizes
from planner.source import Source, of_mapping, read
from planner.sweeping.importing import Unasked, brought
from planner.sweeping.planning import PointPlanner, inputs_by_name
from planner.words import joined


def asked(
    source: Source,
    params: Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    batch: int = 1,
    dtype: DType = "float32",
    scale: str | None = None,
    kept: bool = False,
    alone: Mapping[Sizes, Shipped | str] = {},
) -> Question:
    """The question about a model file; raises Unasked.

    params  for each parameter a Series, a range, a list of values, or one value
    inputs  for each input, "" being the only one, ShapeSeries, a range or list of sizes, a list of shapes, or one
    alone   the models at single sizes of a network that was brought in for each
    """
    series = {name: Series.of(values) for name, values in params.items()}
    shapes = {name: ShapeSeries.of(values) for name, values in inputs.items()}
    if kept and dtype == "int8":
        raise Unasked("in int8 nothing is trained, so that nothing is kept for backward", "use another dtype: float32")
    question = Question(Shipped.of(source, scale), series, shapes, batch, dtype, kept, alone)
    counted = {name: each.count for name, each in series.items()} | {name: each.count for name, each in shapes.items()}
    for name, count in counted.items():
        if not count:
            raise Unasked(f"`{name or 'input'}` has no value to take", "give a range or a list with one value or more")
    if question.count > MOST_POINTS:
        counts = " × ".join(f"{count:,}" for count in counted.values() if count > 1)
        message = f"{counts} are {question.count:,} points, and at most {MOST_POINTS:,} are planned"
        raise Unasked(message, "take larger steps, or fewer parameters at once")
    _must_be_there(question)
    return question


def question_of(source: Any, params: Mapping[str, Any] | None = None, input: Any = None, **options: Any) -> Question:
    """The question about what a caller in Python gives: a path, a mapping, or a network, which is imported. Raises
    Unasked, or the fault of a model that cannot be read.
    """
    inputs = inputs_by_name(input)
    source = fspath(source) if isinstance(source, PathLike) else source
    if isinstance(source, Mapping):
        model = of_mapping(source)
    elif isinstance(source, str) and not is_source(source):
        model = read(source)
    else:
        name = source if isinstance(source, str) else type(source).__name__
        shapes = {each: ShapeSeries.of(given) for each, given in inputs.items()}
        found = brought(name, shapes, lambda given: imported(source, input=given))
        return asked(found.source, params or {}, found.inputs, alone=found.alone, **options)
    return asked(model, params or {}, inputs, **options)


def _must_be_there(question: Question) -> None:
    """Refuse parameters and inputs that the model does not have."""
    planner = PointPlanner(question)
    data = planner.bench.source.data
    declared = data.get("params")
    names = [*declared] if isinstance(declared, dict) else []
    for name in question.params:
        if name not in names:
            fault = UnknownParameter(name, names)
            raise Unasked(fault.headline, _declaring(question.model.file, name) or fault.help)
    own = data.get("input")
    inputs = [*map(str, own)] if isinstance(own, dict) else ["input"]
    for name, shapes in question.inputs.items():
        if not name and len(inputs) > 1:
            raise Unasked(f"the model has {len(inputs)} inputs", f"name one: --input {inputs[0]}={shapes.text}")
        if name and name not in inputs:
            raise Unasked(f"there is no input `{name}`", f"there are: {joined(inputs)}")
    _must_have_room(question, planner)


def _declaring(file: str | None, name: str) -> str:
    """How a network that is no model file gets a parameter."""
    if file is None or not is_source(file):
        return ""
    declare = f"declare it there, `params: {{{name}: }}`, and sweep that"
    return f"`planner import {file} -o net.yaml` writes a model file: {declare}"


def _must_have_room(question: Question, planner: PointPlanner) -> None:
    """Refuse sizes for spatial axes that the model's own input does not have."""
    point = question.point(0)
    model = planner.bench.unfolded(point.values)
    own = {each.name: each.input for each in model.instances if each.input is not None}
    for name, shapes in question.inputs.items():
        name = name or next(iter(own), "")
        if any(len(item) == 1 for item in shapes.items) and own and len(own.get(name, ())) == 1:
            help = "name a parameter with --set, such as the one that says how many channels there are"
            raise Unasked(f"`{name}` is {own[name]}: it has no spatial axis that could be {shapes.text}", help)
