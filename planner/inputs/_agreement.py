"""Whether a model file says what a graph says: it is unfolded again, and must give the same steps."""

from __future__ import annotations

from planner.diagnostics import Fault
from planner.faults.index_out_of_range import IndexOutOfRange
from planner.faults.not_imported import NotImported
from planner.inputs._building import layer_of
from planner.inputs._following import RUNS, at_run
from planner.inputs._graph import Graph, GraphNode, NotSayable
from planner.inputs._text import text_of
from planner.model import Instance
from planner.propagation import propagate
from planner.source import parse
from planner.unfolding import load


def must_plan(text: str, graph: Graph) -> None:
    """Raise NotSayable where a file has other shapes than the graph at the inputs of one of its runs."""
    if graph.runs < RUNS:
        raise NotSayable("numbers that follow from the input's size, and that too few runs bear out")
    source = parse(text)
    for run in range(1, graph.runs):
        shapes = {name: step.shapes[run][0] for name, step in graph.inputs.items()}
        plan = propagate(load(source, input=shapes if len(shapes) > 1 else next(iter(shapes.values()))))
        if any(each.code == IndexOutOfRange.code for each in plan.diagnostics):
            continue  # on tensors without values PyTorch looks up whatever is asked for
        found = [step.outputs for step in plan.steps]
        if found != [step.shapes[run] for step in (*graph.inputs.values(), *graph.steps)]:
            raise NotSayable("other shapes at another size")


def agreed_text(graph: Graph, name: str) -> str:
    """The model file of a graph, which says what the graph says. Raises NotImported where none does."""
    graph.prune()
    if not graph.outputs:
        raise NotImported(f"`{name}` gives no tensor", help="its forward must return one, or several")
    if not graph.steps:
        raise NotImported(f"`{name}` has no layer", help="what it reads is what it returns")
    _must_hold_something(graph, name)
    try:
        text = text_of(graph)
        must_say(text, graph)
    except NotSayable as reason:
        raise not_sayable(name, reason) from reason
    return text


def _must_hold_something(graph: Graph, name: str) -> None:
    """Raise NotImported where a step that no layer says gives a tensor of no numbers, which no file can state."""
    for step in graph.opaque:
        if any(not shape.elements for shapes in step.shapes for shape in shapes):
            raise NotImported(
                f"`{name}` cannot be said in a model file",
                label=f"what {step.arguments['class']} gives holds nothing where all that the network reads is 0 "
                f"({step.reason})",
                help="name a part of it whose sizes do not follow from values",
            )


def not_sayable(name: str, reason: NotSayable) -> NotImported:
    """The fault of a network that has no model file."""
    help = "name a part of it, or write that part in another way"
    return NotImported(f"`{name}` cannot be said in a model file", str(reason), help)


def must_say(text: str, graph: Graph) -> None:
    """Raise NotSayable where a file unfolds into other steps than a graph has: names with weights, layers, sources."""
    try:
        model = load(parse(text))
    except Fault as fault:
        raise NotSayable(fault.message) from fault
    if model.diagnostics:
        raise NotSayable(model.diagnostics[0].message)
    steps = [*graph.inputs.values(), *graph.steps]
    numbers = {step: i for i, step in enumerate(steps)}
    if len(steps) != len(model.instances):
        raise NotSayable(f"{len(steps)} steps, of which the file makes {len(model.instances)}")
    for step, instance in zip(steps, model.instances, strict=True):
        if step not in graph.inputs.values():
            _must_be(step, instance, numbers)
    outputs = [(numbers[each.step], each.number) for each in graph.outputs]
    if outputs != [(ref.step, ref.output or 0) for ref in model.outputs]:
        raise NotSayable("other outputs than the file has")


def _must_be(step: GraphNode, instance: Instance, numbers: dict[GraphNode, int]) -> None:
    """Raise NotSayable where a step of a file is another one than that of the graph."""
    read = [(numbers[each.step], each.number) for each in step.sources]
    same = instance.layer == layer_of(step.type, at_run(step.arguments, 0)) and read == [
        (ref.step, ref.output or 0) for ref in instance.sources
    ]
    if not same or (step.path is not None and instance.name != step.path and instance.owner is None):
        raise NotSayable(f"`{step.path or step.type}`, which the file takes for `{instance.name}`, {instance.type}")
